"""The sections [[evaluators]]: what does not fit is told with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.configfile import ConfigError, parse
from ringfence.labels import Label, Level
from ringfenced.config import Config

FILE = """
state = "state"
[listen]
tcp = "127.0.0.1:0"
tls = { ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }
[[departments]]
name = "ward"
grant_credits = 1
[[callers]]
identity = "spiffe://site.example/ward-app"
department = "ward"
[[models]]
name = "house"
path = "house.gguf"
evaluators = [EVALUATORS]
[[evaluators]]
name = "dose"
"""


def read(text, evaluators=""):
    return parse(FILE.replace("EVALUATORS", evaluators) + text, Path("/etc/ringfence/ringfenced.toml"), Config)


def test_models_name_their_own_and_built_in_evaluators():
    config = read('kind = "pattern"\nmust = ["mg"]', '"dose", "arithmetic"')
    assert config.models[0].evaluators == ("dose", "arithmetic")
    assert config.evaluators[0].least_score == 1


def test_a_threshold_of_the_sites_own_stands_above_the_kinds():
    assert read('kind = "judge"\nmodel = "house"\nthreshold = 0.9').evaluators[0].least_score == 0.9
    assert read('kind = "judge"\nmodel = "house"').evaluators[0].least_score == 0.6


@pytest.mark.parametrize(
    ("text", "evaluators", "told"),
    [
        ('kind = "arithmetic"', '"dos"', "house names no evaluator of this site; write dose"),
        ('kind = "arithmetic"', '"aritmetic"', "write arithmetic"),
        ('kind = "judge"\nmodel = "hous"', "", "evaluator dose asks no model of this node; write house"),
        ('kind = "judge"', "", 'kind "judge" needs model'),
        ('kind = "arithmetic"\nmust = ["a"]', "", 'must: nothing that kind "arithmetic" heeds; remove it'),
        ('kind = "pattern"', "", 'kind "pattern" needs must or must_not'),
        ('kind = "pattern"\nmust = ["a", "("]', "", "expression 2 is not an expression that RE2 reads"),
        ('kind = "logprobs"', "", "needs least, mean or tail"),
        ('kind = "grpc"', "", "needs target"),
        ('kind = "grpc"\ntarget = "localhost:1"', "", "needs target: unix:/path without tls, or host:port with tls"),
        ('kind = "grpc"\ntarget = "http://elsewhere"', "", "evaluators[0].target"),
        ('kind = "arithmetic"\n[[evaluators]]\nname = "dose"\nkind = "format"', "", "twice: dose"),
        ('kind = "arithmetic"\n[[evaluators]]\nname = "agreement"\nkind = "format"', "", "this name is taken"),
        ('kind = "arithmetic"\n[[evaluators]]\nname = "schema"\nkind = "format"', "", "named schema is of that kind"),
    ],
)
def test_what_does_not_fit_is_told(text, evaluators, told):
    with pytest.raises(ConfigError) as caught:
        read(text, evaluators)
    assert told in str(caught.value)


def test_a_process_of_the_sites_own_sees_public_content_unless_more_is_said():
    over_tcp = 'tls = { ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }'
    config = read(f'kind = "grpc"\ntarget = "judge.site.example:7000"\n{over_tcp}')
    assert config.evaluators[0].label_max.label() == Label()
    more = read('kind = "grpc"\ntarget = "unix:/run/e.sock"\nlabel_max = { level = "INTERNAL" }')
    assert more.evaluators[0].label_max.label() == Label(Level.INTERNAL)
    assert more.policy_digest() != config.policy_digest()

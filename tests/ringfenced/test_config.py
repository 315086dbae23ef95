"""The daemon's configuration file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ringfence.configfile import ConfigError, parse
from ringfence.labels import Category, Label, Level
from ringfenced.config import Config

GOOD = """
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
roles = ["caller", "auditor"]
"""
AGENT = """
[agent]
target = "unix:/run/agent.sock"
tls = { ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }
permit_key = "permit.key"
log_public_key = "log.pub"
log_origin = "site.example/egress"
"""
PROVIDER = """
[[providers]]
name = "acme"
clearance = { level = "INTERNAL", categories = ["PII"] }
[[providers.models]]
name = "gpt"
"""


def read(text):
    return parse(text, Path("/etc/ringfence/ringfenced.toml"), Config)


def test_paths_are_relative_to_the_file():
    config = read(GOOD)
    assert config.listen.tls.ca == Path("/etc/ringfence/ca.pem")
    assert config.runtime_folder == Path("/etc/ringfence/state/run")


def test_callers_become_values_with_internal_as_the_default_label():
    caller = read(GOOD).callers_by_identity()["spiffe://site.example/ward-app"]
    assert (caller.department, caller.label_default) == ("ward", Label(Level.INTERNAL))


def test_a_good_agent_and_provider_are_taken():
    provider = read(GOOD + AGENT + PROVIDER).providers[0]
    assert provider.clearance.label().level is Level.INTERNAL


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD + PROVIDER, "nothing leaves but through it"),
        (GOOD.replace('department = "ward"', 'department = "x"'), "which no [[departments]] names"),
        (GOOD.replace('tcp = "127.0.0.1:0"', ""), "listen.unix"),
        (GOOD + '[[models]]\nname = "m"\n', "needs either path"),
        (
            GOOD + '[[models]]\nname = "m"\nengine = "vllm"\npath = "m"\ngpu_layers = 3\nsha256 = ""\n',
            'sha256, gpu_layers: nothing that engine "vllm" heeds',
        ),
        (GOOD + '[[models]]\nname = "m"\npath = "m"\nvllm = { tensor_parallel = 2 }\n', 'engine "llama.cpp" heeds'),
        (GOOD + '[[models]]\nname = "m"\nengine = "command"\n', "needs command"),
        (GOOD + '[[models]]\nname = "m"\npath = "a"\n[[models]]\nname = "m"\npath = "a"\n', "twice: m"),
        (GOOD.replace("spiffe://", "https://"), "identity"),
        (GOOD.replace('["caller", "auditor"]', '["root"]'), "roles"),
    ],
)
def test_what_is_wrong_is_told(text, told):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert told in str(caught.value)


def test_the_policy_digest_changes_with_the_policy_alone():
    one = read(GOOD + AGENT + PROVIDER)
    other_port = read(GOOD.replace(":0", ":7443") + AGENT + PROVIDER)
    other_clearance = read(GOOD + AGENT + PROVIDER.replace("INTERNAL", "PUBLIC"))
    assert one.policy_digest() == other_port.policy_digest()
    assert one.policy_digest() != other_clearance.policy_digest()


def test_the_policy_digest_does_not_depend_on_the_order_of_a_set():
    again = read(GOOD.replace('["caller", "auditor"]', '["auditor", "caller"]'))
    assert again.policy_digest() == read(GOOD).policy_digest()


SOURCES = """
[[sources]]
name = "laboratory"
label = { level = "CONFIDENTIAL", categories = ["PHI"] }
"""


def test_a_department_and_a_source_have_labels():
    text = GOOD.replace("grant_credits = 1", 'grant_credits = 1\nlabel = { level = "CONFIDENTIAL" }')
    text = text.replace('department = "ward"\nroles', 'department = "ward"\nsource = "laboratory"\nroles')
    config = read(text + SOURCES)
    caller = config.callers_by_identity()["spiffe://site.example/ward-app"]
    assert (caller.label_department, caller.source) == (Label(Level.CONFIDENTIAL), "laboratory")
    assert config.labels_by_source() == {"laboratory": Label(Level.CONFIDENTIAL, frozenset({Category.PHI}))}


def test_a_caller_speaks_for_a_source_that_is_there():
    text = GOOD.replace('department = "ward"\nroles', 'department = "ward"\nsource = "pharmacy"\nroles')
    with pytest.raises(ConfigError, match=r"pharmacy, which no \[\[sources\]\] names"):
        read(text + SOURCES)


@pytest.mark.parametrize(
    "changed",
    [
        GOOD + '[classification]\ntemplate = "bank-eu"\n',
        GOOD + '[[classification.rules]]\nentity = "PERSON"\nlevel = "RESTRICTED"\n',
        GOOD + "[classification]\nthresholds = { many-people = 20 }\n",
        GOOD + '[classification]\nlocales = ["us", "es"]\n',
        GOOD + SOURCES,
        GOOD.replace("grant_credits = 1", 'grant_credits = 1\nlabel = { level = "CONFIDENTIAL" }'),
    ],
)
def test_what_makes_labels_is_policy_and_stands_in_its_digest(changed):
    assert read(changed).policy_digest() != read(GOOD).policy_digest()


def test_the_policy_says_what_every_type_means():
    """An auditor reads the table in force, not only the name of a template."""
    told = json.loads(read(GOOD).policy_source())["classification"]
    assert told["name"] == "hospital-us"
    assert told["rules"]["SSN"] == "RESTRICTED {PII}"


def test_a_rule_that_widens_is_refused_with_its_line():
    with pytest.raises(
        ConfigError, match=r"ringfenced\.toml:13: classification\.rules\[0\]: SECRET cannot be turned off"
    ):
        read(GOOD + '[[classification.rules]]\nentity = "SECRET"\nfound = false\n')


LLM = """
[[classification.plugins]]
name = "second-look"
kind = "llm"
model = "MODEL"
"""
HOUSE = """
[[models]]
name = "house"
engine = "command"
command = ["engine"]
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD + LLM, "write one under [[models]]"),
        (GOOD + HOUSE + LLM.replace("MODEL", "hause"), "write house"),
        (GOOD + AGENT + PROVIDER + HOUSE + LLM.replace("MODEL", "gpt"), "gpt, which is no model of this node"),
    ],
)
def test_a_plug_in_asks_a_model_of_this_node_and_never_a_providers(text, told):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert "plug-in second-look" in str(caught.value)
    assert told in str(caught.value)
    assert read(GOOD + HOUSE + LLM.replace("MODEL", "house")).classification.others()[0].model == "house"


EMBEDDER = '[routing]\nembedder = "minilm"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD + EMBEDDER, "write one under [[models]] with embeddings = true"),
        (GOOD + EMBEDDER + HOUSE.replace("house", "minilm"), "write one under [[models]] with embeddings = true"),
        (GOOD + EMBEDDER + HOUSE.replace("house", "mini-lm") + "embeddings = true\n", "write mini-lm"),
    ],
)
def test_prompts_are_embedded_by_a_model_of_this_node_that_embeds(text, told):
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert "routing.embedder" in str(caught.value)
    assert told in str(caught.value)
    able = GOOD + EMBEDDER + HOUSE.replace("house", "minilm") + "embeddings = true\n"
    assert read(able).routing.embedder == "minilm"
    assert read(GOOD).routing.embedder is None

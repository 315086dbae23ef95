"""What must be true of several sections at once is told with what to write instead."""

from __future__ import annotations

import pytest

from fakes.daemonfile import AGENT, GOOD, HOUSE, PROVIDER, SOURCE, read
from ringfence.configfile import ConfigError

LLM = """
[[classification.plugins]]
name = "second-look"
kind = "llm"
model = "MODEL"
"""
EMBEDDER = '[routing]\nembedder = "minilm"\n'
RULE = '[[policy.rules]]\nname = "wards only"\nonly_site = true\n'
TWO_WORKERS = "workers = 2\n"


def told_of(text):
    with pytest.raises(ConfigError) as caught:
        read(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD + PROVIDER, "nothing leaves but through it"),
        (GOOD.replace('department = "ward"', 'department = "x"'), "belongs to x, which no [[departments]] names"),
        (TWO_WORKERS + GOOD, "give listen.tcp a number"),
        (TWO_WORKERS + GOOD.replace('tcp = "127.0.0.1:0"', 'unix = "daemon.sock"'), "a unix socket has one listener"),
        (GOOD + '[[models]]\nname = "m"\nlibrary = "m"\n', "m comes from the library, and there is no [library]"),
    ],
)
def test_what_does_not_fit_together_is_told(text, told):
    assert told in told_of(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD + HOUSE + HOUSE, "every model needs a name of its own; twice: house"),
        (GOOD + HOUSE + 'adapters = [{ name = "house", path = "a" }]\n', "every model needs"),
        (GOOD + AGENT + PROVIDER + HOUSE.replace("house", "gpt"), "every model needs"),
        (GOOD + AGENT + PROVIDER + PROVIDER.replace("gpt", "other"), "every provider needs"),
        (GOOD + SOURCE + SOURCE, "every source needs"),
        (GOOD + '[[departments]]\nname = "ward"\ngrant_credits = 1\n', "every department needs"),
        (GOOD + '[[evaluators]]\nname = "e"\nkind = "schema"\n' * 2, "every evaluator needs"),
    ],
)
def test_a_name_stands_for_one_thing(text, told):
    """A model's is one for callers, whether it is a model, an adapter or a provider's."""
    assert told in told_of(text)


def test_a_caller_speaks_for_a_source_that_is_there():
    text = GOOD.replace('department = "ward"\nroles', 'department = "ward"\nsource = "pharmacy"\nroles')
    assert "pharmacy, which no [[sources]] names" in told_of(text + SOURCE)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ('departments = ["word"]\n', "the policy's rule wards only names word, which this file does not; write ward"),
        ('callers = ["spiffe://site.example/ward-ap"]\n', "write spiffe://site.example/ward-app"),
        ('sources = ["laboratory"]\n', "there is none at all"),
        ('only_providers = ["acne"]\n', "write acme"),
        ('only_models = ["acme/gtp"]\n', "write acme/gpt"),
        ('[[policy.ceilings]]\ndepartment = "word"\nladder_length_max = 1\n', "a policy's ceiling names word"),
    ],
)
def test_a_policy_names_who_and_what_is_there(rule, told):
    """A name that is nobody's would make a rule that never applies."""
    assert told in told_of(GOOD + AGENT + PROVIDER + RULE + rule)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD + LLM, "write one under [[models]]"),
        (GOOD + HOUSE + LLM.replace("MODEL", "hause"), "write house"),
        (GOOD + AGENT + PROVIDER + HOUSE + LLM.replace("MODEL", "gpt"), "gpt, which is no model of this node"),
    ],
)
def test_a_plug_in_asks_a_model_of_this_node_and_never_a_providers(text, told):
    problem = told_of(text)
    assert "plug-in second-look" in problem
    assert told in problem
    assert read(GOOD + HOUSE + LLM.replace("MODEL", "house")).classification.others()[0].model == "house"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD + EMBEDDER, "write one under [[models]] with embeddings = true"),
        (GOOD + EMBEDDER + HOUSE.replace("house", "minilm"), "write one under [[models]] with embeddings = true"),
        (GOOD + EMBEDDER + HOUSE.replace("house", "mini-lm") + "embeddings = true\n", "write mini-lm"),
    ],
)
def test_prompts_are_embedded_by_a_model_of_this_node_that_embeds(text, told):
    problem = told_of(text)
    assert "routing.embedder" in problem
    assert told in problem
    able = GOOD + EMBEDDER + HOUSE.replace("house", "minilm") + "embeddings = true\n"
    assert read(able).routing.embedder == "minilm"
    assert read(GOOD).routing.embedder is None

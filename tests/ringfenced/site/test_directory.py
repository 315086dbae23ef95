"""The directory offers what both sides agree on, and is closed when in doubt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from ringfence.configfile import parse
from ringfence.labels import Category, Label, Level
from ringfenced.config import Config
from ringfenced.errors import NotFound
from ringfenced.site.directory import SiteDirectory
from ringfenced.site.exits import NoExits

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
[[sources]]
name = "laboratory"
label = { level = "CONFIDENTIAL", categories = ["PHI"] }
[[models]]
name = "house"
path = "house.gguf"
[agent]
target = "unix:/run/agent.sock"
tls = { ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }
permit_key = "permit.key"
log_public_key = "log.pub"
log_origin = "site.example/egress"
[[providers]]
name = "acme"
region = "eu"
clearance = { level = "CONFIDENTIAL", categories = ["PII", "PHI"] }
[[providers.models]]
name = "gpt"
"""


INTERNAL_PII = Label(Level.INTERNAL, frozenset({Category.PII}))


@dataclass
class Exit:
    region: str = "eu"
    clearance: Label = INTERNAL_PII


class Exits:
    def __init__(self, exit_=None, closed_reason=""):
        self.closed_reason = closed_reason
        self._exit = exit_

    def exit(self, provider, model):
        return self._exit


class State:
    def __init__(self, state="ready"):
        self.state, self.failure, self.running = state, "", 0


class Engines:
    def __init__(self, state="ready"):
        self._state = State(state)

    def engine(self, name):
        return None

    def states(self):
        return {"house": self._state}


def directory(exits, engines=None, failure=""):
    return SiteDirectory(parse(FILE, Path("d.toml"), Config), engines or Engines(), exits, lambda: failure)


def offers(made):
    return {offer.target.model: offer for offer in made.offers()}


def test_a_provider_is_cleared_for_what_both_sides_clear_it_for():
    assert offers(directory(Exits(Exit())))["gpt"].clearance == Label(Level.INTERNAL, frozenset({Category.PII}))


@pytest.mark.parametrize(
    ("exits", "failure", "why"),
    [
        (Exits(None), "", "does not list it"),
        (Exits(Exit(region="us")), "", "another region"),
        (Exits(Exit(), "the egress agent is away"), "", "away"),
        (Exits(Exit()), "settlements cannot be written", "cannot be written"),
        (NoExits(), "", "no egress agent"),
    ],
)
def test_when_in_doubt_the_way_out_is_closed_and_says_why(exits, failure, why):
    offer = offers(directory(exits, failure=failure))["gpt"]
    assert not offer.available
    assert why in offer.unavailable_reason


def test_offers_follow_what_is_true_now():
    engines, exits = Engines("loading"), Exits(Exit())
    made = directory(exits, engines)
    assert not offers(made)["house"].available
    engines._state.state = "ready"
    assert offers(made)["house"].available
    first = made.offers()
    assert made.offers() is first
    exits._exit.clearance = Label(Level.PUBLIC)
    assert offers(made)["gpt"].clearance == Label(Level.PUBLIC)


def test_an_unknown_model_is_told_the_nearest_names():
    with pytest.raises(NotFound) as caught:
        directory(Exits()).check_model("hous")
    assert caught.value.suggestions == ("house",)


def test_a_source_has_a_label_and_an_unknown_one_is_told_the_nearest_names():
    made = directory(Exits())
    made.check_source("laboratory")
    assert made.sources == {"laboratory": Label(Level.CONFIDENTIAL, frozenset({Category.PHI}))}
    with pytest.raises(NotFound) as caught:
        made.check_source("labratory")
    assert (caught.value.reason, caught.value.suggestions) == ("source_unknown", ("laboratory",))


ADAPTED = FILE.replace(
    'path = "house.gguf"\n',
    'path = "house.gguf"\nadapters = [{ name = "house-letters", path = "letters.gguf", quality = 0.7 }]\n',
)


class Hosting(Engines):
    """Engines that note what is begun on them."""

    def __init__(self):
        super().__init__()
        self.begun = []

    def engine(self, name):
        return self if name == "house" else None

    def start(self, prompt, **how):
        self.begun.append(how)


def test_an_adapter_is_offered_like_a_model_and_runs_on_its_models_engine():
    engines = Hosting()
    directory = SiteDirectory(parse(ADAPTED, Path("d.toml"), Config), engines, NoExits(), lambda: "")
    by_name = {offer.target.model: offer for offer in directory.offers()}
    assert by_name["house-letters"].quality == 0.7
    assert by_name["house-letters"].available
    assert "house-letters" in {facts.name for facts in directory.models()}
    directory.check_model("house-letters")
    assert directory.context_tokens_max("house-letters") == directory.context_tokens_max("house")
    how = {"cache_salt": b"", "confidential": True, "deadline_ms": 0, "claim": None}
    directory.engine("house-letters").start("prompt", **how)
    directory.engine("house").start("prompt", **how)
    assert engines.begun == [{**how, "adapter": "house-letters"}, how]


def test_what_a_local_model_can_is_offered():
    embedding = FILE.replace('path = "house.gguf"\n', 'path = "house.gguf"\nembeddings = true\n')
    for text, embeds in ((FILE, False), (embedding, True)):
        config = parse(text, Path("d.toml"), Config)
        offer = next(iter(SiteDirectory(config, Engines(), NoExits(), lambda: "").offers()))
        assert (offer.supports_embeddings, offer.supports_text) == (embeds, not embeds)
        assert offer.supports_grammar
        assert offer.supports_logprobs

"""The directory offers what both sides agree on, and is closed when in doubt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ringfence.configfile import parse
from ringfence.labels import Category, Label, Level
from ringfenced.config import Config
from ringfenced.engines.status import EngineState, EngineStatus
from ringfenced.engines.wire import Description
from ringfenced.errors import NotFound
from ringfenced.model import ModelMemory
from ringfenced.site.directory import SiteDirectory
from ringfenced.site.exits import NoExits, Spent

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
evaluators = ["arithmetic"]
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
evaluators = ["format", "citations"]
"""


INTERNAL_PII = Label(Level.INTERNAL, frozenset({Category.PII}))


@dataclass
class Exit:
    region: str = "eu"
    clearance: Label = INTERNAL_PII


class Exits:
    def __init__(self, exit_=None, closed_reason=""):
        self.closed_reason = closed_reason
        self.resting = False
        self.used_up = None
        self._exit = exit_

    def exit(self, provider, model):
        return self._exit

    def is_resting(self, provider, model):
        return self.resting

    def spent(self, provider, model):
        return self.used_up


class Engines:
    def __init__(self, state="ready", **values):
        self.changes = 0
        self.waiting = {}
        self.set(state, **values)

    def set(self, state, **values):
        self.changes += 1
        self._status = EngineStatus("house", "llama.cpp", EngineState(state), **values)

    def states(self):
        return {"house": self._status}

    def waits(self):
        return dict(self.waiting)


def directory(exits, engines=None, failure=""):
    return SiteDirectory(parse(FILE, Path("d.toml"), Config), engines or Engines(), exits, lambda: failure)


def offers(made):
    return {offer.target.model: offer for offer in made.offers()}


def test_a_provider_is_cleared_for_what_both_sides_clear_it_for():
    assert offers(directory(Exits(Exit())))["gpt"].clearance == Label(Level.INTERNAL, frozenset({Category.PII}))


def test_a_model_whose_rate_is_spent_is_kept_from_requests_until_then():
    exits = Exits(Exit())
    made = directory(exits)
    assert offers(made)["gpt"].available
    exits.used_up = Spent("tokens", 1_700_000_007_000)
    assert not offers(made)["gpt"].available
    assert offers(made)["gpt"].unavailable_reason == "its rate of tokens is spent until 22:13:27 UTC"
    (facts,) = [one for one in made.models() if one.name == "gpt"]
    assert (facts.state, facts.failure) == ("ready", "its rate of tokens is spent until 22:13:27 UTC")
    exits.used_up = Spent("quota", 1_700_000_007_000)
    assert offers(made)["gpt"].unavailable_reason.startswith("the agent's quota for the provider is spent until")
    exits.used_up = None
    assert offers(made)["gpt"].available
    assert offers(made)["house"].available


def test_every_offer_names_who_judges_its_answers():
    made = offers(directory(Exits(Exit())))
    assert made["house"].evaluators == ("arithmetic",)
    assert made["gpt"].evaluators == ("format", "citations")
    assert made["house"].is_judged


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
    engines, exits = Engines("failed", obstacle="it keeps dying"), Exits(Exit())
    made = directory(exits, engines)
    assert not offers(made)["house"].available
    assert offers(made)["house"].unavailable_reason == "it keeps dying"
    engines.set("ready")
    assert offers(made)["house"].available
    first = made.offers()
    assert made.offers() is first
    exits._exit.clearance = Label(Level.PUBLIC)
    assert offers(made)["gpt"].clearance == Label(Level.PUBLIC)


def test_a_provider_that_the_agent_leaves_alone_is_told_as_such():
    """Nobody looks for it in a configuration."""
    exits = Exits(None)
    exits.resting = True
    assert "for it failed too often" in offers(directory(exits, Engines()))["gpt"].unavailable_reason


def slower(offer, wait_ms):
    """An offer whose target takes so much longer until it works."""
    return replace(offer, first_token_ms=offer.first_token_ms + wait_ms, wait_ms=wait_ms)


def test_a_model_that_can_be_loaded_is_on_offer_and_takes_the_longer():
    engines = Engines("ready")
    made = directory(Exits(), engines)
    loaded = offers(made)["house"]
    engines.set("unloaded", load_ms=1500.0)
    assert offers(made)["house"] == slower(loaded, 1500)


def test_a_line_before_a_model_makes_it_take_the_longer():
    """So that who cannot wait is served elsewhere, or told."""
    engines = Engines("ready")
    made = directory(Exits(Exit()), engines)
    free = offers(made)
    engines.waiting = {"house": 4000}
    assert offers(made) == free | {"house": slower(free["house"], 4000)}
    assert made.offers() is made.offers()
    engines.waiting = {}
    assert offers(made) == free


def test_a_model_whose_context_had_to_be_cut_offers_that():
    described = Description("llama.cpp", "1", "llama", 512, 4, 0, False, False, False)
    assert offers(directory(Exits(), Engines("ready", description=described)))["house"].context_tokens_max == 512


def test_what_is_known_of_a_model_is_told_to_operators():
    engines = Engines("unloaded", planned={"cpu": 7}, deaths=2, pinned=True, replicas=3, waiting=4, used_unix_ms=9)
    [facts] = [facts for facts in directory(Exits(), engines).models() if facts.name == "house"]
    assert facts.memory == (ModelMemory("cpu", 7),)
    assert (facts.deaths, facts.pinned, facts.replicas, facts.requests_waiting) == (2, True, 3, 4)
    assert (facts.last_used_unix_ms, facts.process_bytes) == (9, None)


@pytest.mark.parametrize(
    ("state", "values", "ok", "told"),
    [
        ("ready", {}, True, ""),
        ("unloaded", {}, True, "loaded when it is asked for"),
        ("unloaded", {"obstacle": "too large"}, False, "too large"),
        ("loading", {"stage": "reading weights"}, False, "reading weights"),
        ("failed", {"failure": "it died"}, False, "it died"),
    ],
)
def test_what_failed_or_should_be_there_is_unwell(state, values, ok, told):
    [check] = directory(Exits(), Engines(state, **values)).checks()
    assert check.ok is ok
    assert told in check.message


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

    engine = property(lambda self: self)

    def place(self, name, **_):
        assert name == "house"
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

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
    for name in ("house-letters", "house"):
        with directory.place(name, seconds_max=None, salt=b"") as place:
            place.engine.start("prompt", **how)
    assert engines.begun == [{**how, "adapter": "house-letters"}, how]


def test_what_a_local_model_can_is_offered():
    embedding = FILE.replace('path = "house.gguf"\n', 'path = "house.gguf"\nembeddings = true\n')
    for text, embeds in ((FILE, False), (embedding, True)):
        config = parse(text, Path("d.toml"), Config)
        offer = next(iter(SiteDirectory(config, Engines(), NoExits(), lambda: "").offers()))
        assert (offer.supports_embeddings, offer.supports_text) == (embeds, not embeds)
        assert offer.supports_grammar
        assert offer.supports_logprobs

"""Sampling first, then the grammar over the likeliest tokens: the same token as from the whole vocabulary."""

from __future__ import annotations

import numpy as np
import pytest

from fakes.random_gguf import BYTES_FROM, write_random_gguf
from ringfenced.engines.llama.binding import LlamaContext, LlamaModel
from ringfenced.engines.llama.matcher import Grammars
from ringfenced.engines.llama.sampler import Sampler, Settings
from ringfenced.weights.dryrun import LoadSettings

pytestmark = pytest.mark.llama

WORDS = tuple(f" w{number}" for number in range(3000))
LETTERS = 'root ::= [a-p]+ " w1"*'


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return LlamaModel(
        write_random_gguf(tmp_path_factory.mktemp("gguf") / "words.gguf", words=WORDS), LoadSettings(cells=64)
    )


@pytest.fixture(scope="module")
def context(model):
    return LlamaContext(model, LoadSettings(cells=64, batch_tokens=64), threads=1)


@pytest.fixture
def draw(model, context):
    grammars = Grammars(model)

    def drawn(row, grammar=LETTERS, **settings):
        """The token, and how often the whole vocabulary was asked."""
        matcher = grammars.matcher(b"", grammar, lambda: grammar, keep=True)
        sampler = Sampler(model, context, Settings(**settings), matcher, 64)
        return sampler.draw(0, np.asarray(row, np.float32)), sampler.full_applications

    return drawn


def rows(model, spread):
    random = np.random.default_rng(0)
    return [random.standard_normal(model.tokens_n) * spread for _ in range(60)]


def test_a_greedy_token_is_the_likeliest_that_is_allowed(model, draw):
    allowed = [BYTES_FROM + byte for byte in b"abcdefghijklmnop"]
    full = 0
    for row in rows(model, 6.0):
        token, applications = draw(row)
        assert token == max(allowed, key=row.__getitem__)
        full += applications
    assert full < 40  # mostly the likeliest 256 hold one


def test_a_drawn_token_comes_from_the_likeliest_only_where_these_hold_nearly_all(model, draw):
    row = np.full(model.tokens_n, -20.0)
    row[BYTES_FROM + ord("z")] = 5.0  # refused
    row[BYTES_FROM + ord("c")] = 4.0
    assert draw(row, temperature=1.0, seed=1) == (BYTES_FROM + ord("c"), 0)
    token, applications = draw(np.where(row > -20, row, 3.0), temperature=1.0, seed=1)
    assert applications == 1
    assert token in {BYTES_FROM + byte for byte in b"abcdefghijklmnop"}


def test_what_changes_the_order_of_tokens_asks_the_whole_vocabulary(model, draw):
    row = np.linspace(5.0, 0.0, model.tokens_n)
    bias = ((BYTES_FROM + ord("k"), 100.0), (0, 200.0))
    assert draw(row, logit_bias=bias) == (BYTES_FROM + ord("k"), 1)


def test_a_compiled_grammar_is_kept_within_a_salt_and_never_where_it_is_confidential(model):
    grammars = Grammars(model)
    made = []

    def source():
        made.append(1)
        return LETTERS

    for salt, keep in ((b"a", False), (b"a", True), (b"a", True), (b"b", True), (b"b", False)):
        assert grammars.matcher(salt, "key", source, keep=keep).allows(BYTES_FROM + ord("a"))
    assert len(made) == 3
    for number in range(40):
        grammars.matcher(b"a", str(number), source, keep=True)
    grammars.matcher(b"a", "key", source, keep=True)
    assert len(made) == 3 + 40 + 1

"""Answers are judged by what the site has learned, or what ships; weights that cannot be read end nothing."""

from __future__ import annotations

import logging

import numpy as np

from ringfenced.learn.answers_kept import unpacked
from ringfenced.learn.verifier import Linear, Verifier
from ringfenced.learn.verifier_prior import SHIPPED, Prior
from ringfenced.site.verifying import verifying

QUESTION = "A box holds 12 apples. Tom has 3 boxes and eats 4 apples. How many apples are left?"
WORKED = "There are 12 * 3 = 36 apples. Tom eats 4, so 36 - 4 = 32 are left. The answer is 32."
SALT = b"s" * 16


def test_a_worked_answer_looks_better_than_a_shrug():
    verify = verifying(lambda: None, b"")
    shrug = verify(QUESTION, "I am not sure. Maybe 12 * 3 = 39, it could be 17.5 apples or so, I cannot say.")
    assert 0 < shrug.good < verify(QUESTION, WORKED).good < 1


def test_what_the_site_has_learned_judges_from_when_it_is_there():
    shipped = Prior.from_bytes(SHIPPED.read_bytes()).cheap
    linear = shipped.linear
    blank = np.zeros(len(linear.weights))
    sure = Verifier(Linear(linear.mean, linear.scale, blank, 3.0, blank, blank), np.zeros(0, np.float32), None, 0.0, 40)
    now = [None]
    verify = verifying(lambda: now[0], SALT)
    before = verify(QUESTION, WORKED).good
    now[0] = sure
    assert verify(QUESTION, WORKED).good > 0.95 > before
    now[0] = None
    assert verify(QUESTION, WORKED).good == before


def test_what_is_read_goes_with_it_only_where_something_is_learned():
    """Under the site's salt: another one puts the same words elsewhere."""
    assert verifying(lambda: None, b"")(QUESTION, WORKED).read == b""
    one, two = (unpacked(verifying(lambda: None, salt * 16)(QUESTION, WORKED).read) for salt in (b"a", b"b"))
    assert np.array_equal(one.hand, two.hand)
    assert len(np.intersect1d(one.index, two.index)) < len(one.index) / 4


def test_weights_that_cannot_be_read_are_told_and_end_nothing(tmp_path, caplog):
    cut = tmp_path / "verifier.bin"
    cut.write_bytes(SHIPPED.read_bytes()[:-1])
    with caplog.at_level(logging.ERROR):
        assert verifying(lambda: None, SALT, cut) is None
        assert verifying(lambda: None, SALT, tmp_path / "missing.bin") is None
    assert [record.message for record in caplog.records] == ["verifier_unread"] * 2

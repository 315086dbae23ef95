"""The shipped verifier judges answers; weights that cannot be read end nothing."""

from __future__ import annotations

import logging

from ringfenced.site.verifying import SHIPPED, shipped_verify

QUESTION = "A box holds 12 apples. Tom has 3 boxes and eats 4 apples. How many apples are left?"


def test_a_worked_answer_looks_better_than_a_shrug():
    verify = shipped_verify()
    worked = verify(QUESTION, "There are 12 * 3 = 36 apples. Tom eats 4, so 36 - 4 = 32 are left. The answer is 32.")
    shrug = verify(QUESTION, "I am not sure. Maybe 12 * 3 = 39, it could be 17.5 apples or so, I cannot say.")
    assert 0 < shrug < worked < 1


def test_weights_that_cannot_be_read_are_told_and_end_nothing(tmp_path, caplog):
    cut = tmp_path / "verifier.bin"
    cut.write_bytes(SHIPPED.read_bytes()[:-1])
    with caplog.at_level(logging.ERROR):
        assert shipped_verify(cut) is None
        assert shipped_verify(tmp_path / "missing.bin") is None
    assert [record.message for record in caplog.records] == ["verifier_unread"] * 2

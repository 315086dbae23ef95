"""Directives of the scripted engine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.engines.script import Script, ScriptError, read_script, tokenize

USUAL = Script(tokens=3)


@given(st.text())
def test_tokens_joined_are_the_text(text):
    assert "".join(tokenize(text)) == text


def test_a_message_without_a_directive_gets_the_usual_answer():
    assert read_script("hello /crash", USUAL) == USUAL
    assert read_script("/unknown", USUAL) == USUAL
    assert USUAL.pieces() == [" tok"] * 3


def test_directives_change_the_answer():
    assert read_script("/echo a b", USUAL).pieces() == ["a", " b"]
    assert read_script("/crash", USUAL).crash_after == 0
    assert read_script("/hang 2", USUAL).hang_after == 2
    assert read_script("/logprob -3.2", USUAL).logprob == -3.2
    assert read_script('/script {"tokens": 5, "burst": 2}', USUAL) == Script(tokens=5, burst=2)


@pytest.mark.parametrize(
    "text", ["/script {", '/script {"no": 1}', "/script []", '/script {"burst": 0}', "/crash x", "/logprob"]
)
def test_a_directive_that_cannot_be_read_is_refused_without_its_text(text):
    with pytest.raises(ScriptError) as caught:
        read_script(text, USUAL)
    assert text not in str(caught.value)

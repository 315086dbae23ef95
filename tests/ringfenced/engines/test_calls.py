"""Tool calls in an answer's text: every family's form, however it is cut."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.engines.llama.calls import Arguments, Begin, CallParser, Style

CALL = '{"name": "f", "arguments": {"a": "}\\"{"}}'
ARGUMENTS = json.loads(CALL)["arguments"]
PIECES = st.sampled_from(
    [
        *("<tool_call>", "</tool_call>", "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "<|python_tag|>", "<tool"),
        *(
            CALL,
            '{"name":"g","parameters":{}}',
            '{"name": "other", "arguments": {}}',
            '{"name": "f", "arguments": "{}"}',
        ),
        *(
            '{"a": 1}',
            "{",
            "}",
            "[",
            "]",
            ",",
            ";",
            '"',
            "\\",
            "\n",
            " ",
            "f",
            "g",
            "hello",
            '{"name": "\\q", "arguments": {}}',
        ),
    ]
)


def read(style, parts, *, is_bound=False):
    """The pieces that come out, texts and arguments that follow each other joined."""
    parser = CallParser(style, {"f", "g"}, lambda _: is_bound)
    joined = []
    for piece in [piece for part in parts for piece in parser.push(part)] + parser.finish():
        if joined and type(piece) is type(joined[-1]) and not isinstance(piece, Begin):
            joined[-1] = joined[-1] + piece if isinstance(piece, str) else Arguments(joined[-1].text + piece.text)
        else:
            joined.append(piece)
    return joined


@pytest.mark.parametrize("is_bound", [False, True])
@pytest.mark.parametrize(
    ("style", "text", "expected"),
    [
        (
            Style.HERMES,
            f"I look.\n<tool_call>\n{CALL}\n</tool_call>\n<tool_call>\n{CALL}\n</tool_call>\n",
            ["I look.", "f", "f"],
        ),
        (Style.HERMES, f"<tool_call>{CALL}", ["f"]),
        (Style.LLAMA, f"{CALL}; {CALL}".replace("arguments", "parameters"), ["f", "f"]),
        (Style.LLAMA, f"  <|python_tag|>{CALL}\n", ["f"]),
        (Style.LLAMA, f"not first {CALL}", [f"not first {CALL}"]),
        (Style.MISTRAL_LIST, f"[TOOL_CALLS] [{CALL}, {CALL}] done", ["f", "f", " done"]),
        (Style.MISTRAL, 'so [TOOL_CALLS]f[ARGS]{"a": "}\\"{"}[TOOL_CALLS]f{"a": "}\\"{"}', ["so", "f", "f"]),
        (Style.MISTRAL, 'x [TOOL_CALLS]f[CALL_ID]123456789[ARGS]{"a": "}\\"{"}', ["x", "f"]),
    ],
)
def test_each_familys_calls_are_read(style, text, expected, is_bound):
    pieces = read(style, [text], is_bound=is_bound)
    assert [
        piece.name if isinstance(piece, Begin) else piece for piece in pieces if not isinstance(piece, Arguments)
    ] == (expected)
    arguments = [json.loads(piece.text) for piece in pieces if isinstance(piece, Arguments)]
    assert arguments == [ARGUMENTS] * sum(isinstance(piece, Begin) for piece in pieces)


@pytest.mark.parametrize(
    ("style", "text"),
    [
        (Style.HERMES, "<tool_call>hello</tool_call> and more"),
        (Style.HERMES, '<tool_call>{"name": "unknown", "arguments": {}}</tool_call>'),
        (Style.HERMES, '<tool_call>{"name": "f", "arguments": [1]}</tool_call>'),
        (Style.HERMES, '<tool_call>{"name": "f", "argu'),
        (Style.HERMES, "a < b <tool"),
        (Style.LLAMA, '{"just": "JSON"}'),
        (Style.MISTRAL, "[TOOL_CALLS]nothing of the kind " + "x" * 2000),
        (Style.MISTRAL_LIST, "[TOOL_CALLS]no list"),
    ],
)
def test_what_only_looks_like_a_call_stays_text(style, text):
    assert "".join(read(style, [text])) == text


def test_arguments_come_as_they_are_written_where_they_are_bound():
    parser = CallParser(Style.HERMES, {"f"}, lambda _: True)
    assert parser.push('<tool_call>{"name": "f", "arguments": {"a"') == [Begin("f"), Arguments('{"a"')]
    assert parser.push(": 1}") == [Arguments(": 1}")]
    assert parser.push("}</tool") == []
    assert parser.called


def test_where_calls_open_is_told_with_the_text_from_there():
    """What follows the mark in the same token is bound, too."""
    told = []
    parser = CallParser(Style.HERMES, {"f"}, lambda text: not told.append(text))
    parser.push('so <tool_call>{"')
    parser.push('name": "f", "arguments": {}}</tool_call> <tool_call>')
    assert told == ['<tool_call>{"']


@given(st.sampled_from(list(Style)), st.lists(PIECES, max_size=9).map("".join), st.booleans(), st.data())
def test_every_way_to_cut_an_answer_gives_the_same(style, text, is_bound, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    expected = read(style, [text], is_bound=is_bound)
    assert read(style, parts, is_bound=is_bound) == read(style, list(text), is_bound=is_bound) == expected
    if not is_bound:
        assert all(isinstance(json.loads(piece.text), dict) for piece in expected if isinstance(piece, Arguments))

"""Reasons stand in logs, receipts and what is learned: they hold nothing of question, answer, schema or tools."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from fakes.cases import case
from ringfenced.evaluate import calls, citations, confidence, form, pattern, schema, sums
from ringfenced.evaluate.agreement import share
from ringfenced.evaluate.verified import Seen, verified
from ringfenced.model import Answer, Tool, ToolCall

CANARY = "zyzzyva"
PIECES = st.sampled_from(
    [
        CANARY,
        f'"{CANARY} one two three"',
        f"[{CANARY}, 2020]",
        "2 + 2 = 5",
        "77",
        "[9]",
        "I cannot help",
        "{",
        "}",
        " ",
        "\n",
    ]
)
TEXTS = st.lists(PIECES, max_size=30).map(" ".join)
NAMED = {CANARY: {"type": "integer", "pattern": CANARY}}
SCHEMAS = st.sampled_from(
    [
        {"type": "object", "properties": NAMED, "required": [CANARY]},
        {"type": "object", "additionalProperties": False, "patternProperties": {f"^{CANARY}$": {"const": CANARY}}},
        {"enum": [CANARY]},
    ]
).map(json.dumps)
DOCUMENTS = TEXTS | st.sampled_from([{CANARY: CANARY}, {CANARY + "x": 1}, [CANARY]]).map(json.dumps)
EVALUATORS = (
    schema.evaluate,
    calls.evaluate,
    sums.evaluate,
    citations.evaluate,
    form.form(form.Form(chars_max=40, language="de", repetition_max=0.1)),
    pattern.pattern([CANARY + "!"], [CANARY]),
    confidence.confidence(least=-0.1, mean=-0.1, tail=-0.1),
    confidence.filtered,
    verified(lambda _question, _answer: Seen(0.2, CANARY.encode())),
)


@given(DOCUMENTS, TEXTS, SCHEMAS, st.sampled_from([CANARY, "f"]), DOCUMENTS)
def test_no_reason_holds_anything_of_what_was_read(answer, question, wanted, name, arguments):
    tools = (Tool(CANARY, CANARY, wanted),)
    for made in ([], [ToolCall(CANARY, name, arguments)]):
        one = case(answer, question, calls=made, json_schema=wanted, tools=tools, logprobs=[-3.0])
        for evaluate in EVALUATORS:
            opinion = evaluate(one)
            assert opinion is None or CANARY not in opinion.reason
        agreed = share(one.prompt, one.answer, [Answer(question), Answer(answer + " 7")])
        assert agreed is None or CANARY not in agreed.reason

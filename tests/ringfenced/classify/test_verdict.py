"""Step 2 on whole requests."""

import pytest

from ringfence.labels import RESTRICTED, Category, Label, Level, covers, join
from ringfenced.classify import classify
from ringfenced.model import (
    Caller,
    CallerRole,
    File,
    Image,
    Inherited,
    Json,
    Message,
    Prompt,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
)

CALLER = Caller("spiffe://s/app", "t", "ward", frozenset({CallerRole.CALLER}), Label(Level.INTERNAL))
SSN = "524-71-6038"


def request(*parts, **fields):
    prompt_fields = {key: fields.pop(key) for key in ("tools", "json_schema") if key in fields}
    return Request("r", Prompt((Message(Role.USER, parts),), **prompt_fields), **fields)


def test_a_clean_request_has_the_callers_label(recogniser):
    """Nothing found: the default where the caller says nothing, else what the caller says."""
    clean = classify(request(Text("What does HbA1c measure?")), CALLER, recogniser.scan)
    assert (clean.label, clean.label_asserted, clean.findings) == (CALLER.label_default, CALLER.label_default, ())
    assert clean.prompt_chars == 24
    public = classify(request(Text("What does HbA1c measure?"), label=Label()), CALLER, recogniser.scan)
    assert public.label == Label()


def test_a_caller_cannot_lower_what_is_found(recogniser):
    """PUBLIC by the caller's word stays RESTRICTED by the SSN in it; only the word is asserted."""
    result = classify(request(Text(f"SSN {SSN}"), label=Label()), CALLER, recogniser.scan)
    assert result.label == Label(Level.RESTRICTED, frozenset({Category.PII}))
    assert result.label_asserted == Label()
    assert result.findings_by_type() == {"SSN": 1}


@pytest.mark.parametrize(
    "hidden",
    [
        request(Json(f'{{"a": ["{SSN}"]}}')),
        request(Json('{"a": "524\\u002d71-6038"}')),
        request(Json('{"ssn": 524716038}')),
        request(Text("x"), tools=(Tool("t", f"for {SSN}", "{}"),)),
        request(Text("x"), tools=(Tool("t", "d", f'{{"default": "{SSN}"}}'),)),
        request(Text("x"), json_schema=f'{{"enum": ["{SSN}"]}}'),
        request(Text("x"), json_schema=f"{{broken {SSN}"),
        request(Text("x"), metadata={SSN: "v"}),
        request(Text("x"), metadata={"k": SSN}),
        request(File(b"", "text/plain", f"{SSN}.txt", "x")),
        request(File(b"", "text/csv", "a.csv", f"1,{SSN}")),
        request(Text("SSN 524-71"), Text("-6038")),
        Request("r", Prompt((Message(Role.ASSISTANT, (), tool_calls=(ToolCall("1", "f", f'{{"x": "{SSN}"}}'),)),))),
        Request("r", Prompt((Message(Role.TOOL, (Text("x"),), tool_call_id=SSN),))),
        Request("r", Prompt((Message(Role.USER, (Text("x"),), name=SSN),))),
    ],
)
def test_an_identifier_is_found_wherever_it_hides(recogniser, hidden):
    """In JSON, escaped, as a number, in tools, schemas, metadata, file names, or split over two parts."""
    assert "SSN" in classify(hidden, CALLER, recogniser.scan).findings_by_type()


@pytest.mark.parametrize("part", [Image(b"\x89PNG", "image/png"), File(b"%PDF", "application/pdf", "a.pdf", None)])
def test_what_cannot_be_read_is_restricted_and_stays_so(recogniser, part):
    """Images and binary files make RESTRICTED, also after de-identification."""
    result = classify(request(Text("x"), part), CALLER, recogniser.scan)
    assert covers(result.label_asserted, RESTRICTED)


def test_a_recogniser_that_fails_makes_restricted():
    """When in doubt, never out; and the error's text, which may hold content, goes nowhere."""

    def broken(_text):
        raise RuntimeError(SSN)

    assert covers(classify(request(Text("x")), CALLER, broken).label_asserted, RESTRICTED)


def test_an_inherited_label_is_joined_and_what_was_asserted_of_it_stays(recogniser):
    """The labels of earlier steps hold here, and after de-identification."""
    found, said = (
        Label(Level.CONFIDENTIAL, frozenset({Category.PHI})),
        Label(Level.INTERNAL, frozenset({Category.CUSTOM})),
    )
    inherited = Inherited(join((found, said)), said)
    result = classify(request(Text("x")), CALLER, recogniser.scan, inherited)
    assert covers(result.label, found)
    assert covers(result.label_asserted, said)
    assert not covers(result.label_asserted, found)


def test_findings_carry_paths_and_positions(recogniser):
    """A finding says where it stands, in characters of the leaf."""
    result = classify(request(Text("é SSN 524-71-6038")), CALLER, recogniser.scan)
    (located,) = result.findings
    assert (located.path, located.finding.start, located.finding.end) == ("messages[0].parts[0].text", 6, 17)
    assert SSN not in repr(result)

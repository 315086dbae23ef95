"""Step 2 on whole requests."""

import hashlib
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.labels import PUBLIC, RESTRICTED, Category, Label, Level, covers, join
from ringfence.recognize import ENTITIES, TEMPLATES, Finding
from ringfenced.classify import classify
from ringfenced.classify.verdict import FINDINGS_MAX
from ringfenced.model import (
    Caller,
    CallerRole,
    Contribution,
    Contributor,
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


def test_categories_that_say_no_level_are_joined_with_the_callers_default(recogniser):
    """Whoever adds a category takes nothing away: neither the default's level nor its categories."""
    caller = replace(CALLER, label_default=Label(Level.CONFIDENTIAL, frozenset({Category.PHI})))
    result = classify(request(Text("x"), categories=frozenset({Category.PII})), caller, recogniser.scan)
    assert str(result.label) == str(result.label_asserted) == "CONFIDENTIAL {PHI, PII}"


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


def test_a_picture_that_the_site_approved_counts_as_read(recogniser):
    """By its exact bytes and its own media type; anything else of it is as unreadable as any picture."""
    data = b"\x89PNG\r\n\x1a\npublic"
    policy = replace(TEMPLATES["hospital-us"], pictures=frozenset({hashlib.sha256(data).hexdigest()}))

    def label(part):
        return classify(request(Text("x"), part, label=PUBLIC), CALLER, recogniser.scan, policy=policy).label

    assert label(Image(data, "image/png")) == PUBLIC
    for part in (Image(data + b"x", "image/png"), Image(data, "image/gif"), File(data, "image/png", "a.png", None)):
        assert label(part).level is Level.RESTRICTED


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


SOURCES = {"laboratory": Label(Level.CONFIDENTIAL, frozenset({Category.PHI}))}


def told(classification):
    """What made a label, without the counts of leaves."""
    return [(one.contributor, one.name, one.count, str(one.label), one.stays) for one in classification.contributions]


def test_department_and_source_are_joined_and_stay(recogniser):
    """A caller that says PUBLIC does not get below them, and de-identification does not take them away."""
    caller = replace(CALLER, label_department=Label(Level.INTERNAL, frozenset({Category.FINANCIAL})))
    asked = request(Text("x"), label=PUBLIC, source="laboratory")
    result = classify(asked, caller, recogniser.scan, sources=SOURCES)
    assert told(result) == [
        (Contributor.CALLER, "", 0, "PUBLIC", True),
        (Contributor.DEPARTMENT, "ward", 0, "INTERNAL {FINANCIAL}", True),
        (Contributor.SOURCE, "laboratory", 0, "CONFIDENTIAL {PHI}", True),
    ]
    assert str(result.label) == str(result.label_asserted) == "CONFIDENTIAL {FINANCIAL, PHI}"


def test_a_caller_that_speaks_for_a_source_cannot_leave_it_out(recogniser):
    caller = replace(CALLER, source="laboratory")
    result = classify(request(Text("x"), label=PUBLIC), caller, recogniser.scan, sources=SOURCES)
    assert covers(result.label_asserted, SOURCES["laboratory"])


def test_an_unknown_source_is_restricted(recogniser):
    result = classify(request(Text("x"), source="elsewhere"), CALLER, recogniser.scan, sources=SOURCES)
    assert covers(result.label_asserted, RESTRICTED)


def test_findings_are_told_by_type_with_their_labels(recogniser):
    """Each with its count; they do not stay, for they are replaced."""
    result = classify(request(Text(f"SSN {SSN}, mail a@b.org or c@d.org")), CALLER, recogniser.scan)
    assert told(result)[1:] == [
        (Contributor.FINDING, "EMAIL", 2, "CONFIDENTIAL {PII}", False),
        (Contributor.FINDING, "SSN", 1, "RESTRICTED {PII}", False),
    ]


def finds(*types):
    """A scan that finds each of `types` in every text, one after the other."""
    return lambda text: tuple(Finding(at, at + 1, name, 1.0, "t") for at, name in enumerate(types) if at < len(text))


def test_what_policy_does_not_replace_stays():
    """Quasi-identifiers in Europe: internal by themselves, and what three of them mean together stays too."""
    europe = TEMPLATES["hospital-eu"]
    one = classify(request(Text("x" * 9)), CALLER, finds("SEX", "PERSON"), policy=europe)
    assert str(one.label_asserted) == "INTERNAL"
    assert one.label.level is Level.CONFIDENTIAL
    three = classify(request(Text("x" * 9)), CALLER, finds("SEX", "AGE_UNDER_90", "KINSHIP"), policy=europe)
    assert str(three.label_asserted) == "CONFIDENTIAL {PII}"
    assert (Contributor.RULE, "several-quasi-identifiers", 3, "CONFIDENTIAL {PII}", True) in told(three)


def test_a_rule_over_findings_that_are_replaced_goes_with_them():
    bank = TEMPLATES["bank-us"]
    result = classify(request(Text("x" * 9)), CALLER, finds("PERSON", "ACCOUNT"), policy=bank)
    assert result.label.level is Level.RESTRICTED
    assert result.label_asserted == CALLER.label_default


def test_a_field_of_a_health_record_makes_its_names_phi():
    """The recogniser's name says which format a field stood in."""

    def scan(text):
        return (Finding(0, len(text), "PERSON", 1.0, "hl7:PID-5"),)

    assert classify(request(Text("x")), CALLER, scan).label.categories == {Category.PHI, Category.PII}


def test_what_nobody_reads_is_told(recogniser):
    """Images by number, recognisers that fail, and more findings than can be replaced."""
    image = Image(b"\x89PNG", "image/png")
    assert told(classify(request(Text("x"), image, image), CALLER, recogniser.scan))[-1] == (
        Contributor.UNREADABLE,
        "attachment",
        2,
        "RESTRICTED",
        True,
    )

    def broken(_text):
        raise RuntimeError(SSN)

    assert told(classify(request(Text("x")), CALLER, broken))[-1][1:3] == ("recogniser", 1)
    many = "PERSON," * (FINDINGS_MAX + 1)
    crowd = classify(request(Text(many)), CALLER, finds(*["PERSON"] * (FINDINGS_MAX + 1)))
    assert told(crowd)[-1][1:3] == ("too-many-findings", FINDINGS_MAX + 1)
    assert covers(crowd.label_asserted, RESTRICTED)


def test_too_many_are_counted_by_place_however_often_they_are_read():
    """Two parts are read alone and joined: as many findings again, and no more places."""
    half = Text("PERSON," * (FINDINGS_MAX // 2))
    full = classify(request(half, half), CALLER, finds_all)
    assert len(full.findings) > FINDINGS_MAX >= len(full.distinct)
    assert not any(one.name == "too-many-findings" for one in full.contributions)
    more = classify(request(half, half, Text("PERSON")), CALLER, finds_all)
    assert any(one.name == "too-many-findings" for one in more.contributions)


def finds_all(text):
    return tuple(Finding(*match.span(), "PERSON", 0.9, "test") for match in re.finditer("PERSON", text))


def test_earlier_turns_are_told_as_what_stays_and_what_does_not(recogniser):
    said, found = Label(Level.INTERNAL), Label(Level.CONFIDENTIAL, frozenset({Category.PHI}))
    result = classify(request(Text("x")), CALLER, recogniser.scan, Inherited(join((said, found)), said))
    assert [one for one in result.contributions if one.contributor is Contributor.EARLIER] == [
        Contribution(Contributor.EARLIER, "", 0, said, stays=True),
        Contribution(Contributor.EARLIER, "", 0, join((said, found)), stays=False),
    ]


@pytest.mark.parametrize(
    "raw", ['{"ssn": "524-71-6038"}', '{"ssn": 524716038}', '{"a": ["\\u0035\\u00324-71-6038"], "b": "SSN"}']
)
def test_what_stands_in_a_document_counts_once_and_is_told_at_its_place(recogniser, raw):
    """Raw and unescaped are two views of one place; the path names no key, and positions count in what was sent."""
    result = classify(request(Json(raw)), CALLER, recogniser.scan)
    assert result.findings_by_type() == {"SSN": 1}
    (located,) = result.distinct
    assert located.path == "messages[0].parts[0].json"
    span = raw[located.finding.start : located.finding.end]
    assert span.replace("\\u003", "").strip('"').startswith("52")
    assert span.rstrip('"').endswith("6038")


def test_a_type_that_another_covers_still_counts():
    """Where the raw document has one long finding over two of its values, both types make the label."""

    def scan(text):
        if text.startswith("{"):
            return (Finding(0, len(text), "IBAN", 1.0, "t"),)
        return (Finding(len(text) - 1, len(text), "PERSON", 1.0, "t"),) if text.endswith("x") else ()

    result = classify(request(Json('{"k": "x"}')), CALLER, scan)
    assert result.findings_by_type() == {"IBAN": 2, "PERSON": 1}  # the long one stands in the key and in the value
    assert result.label.categories == {Category.FINANCIAL, Category.PII}


def test_a_key_that_is_somebodys_name_stands_in_no_path(recogniser):
    result = classify(request(Json('{"524-71-6038": "x"}')), CALLER, recogniser.scan)
    assert result.distinct
    assert all(SSN not in located.path for located in result.distinct)


def test_what_is_split_over_two_parts_is_told_in_each(recogniser):
    result = classify(request(Text("SSN 524-71"), Text("-6038")), CALLER, recogniser.scan)
    assert {located.path for located in result.distinct} == {"messages[0].parts[0].text", "messages[0].parts[1].text"}


LABELS = st.builds(Label, st.sampled_from(Level), st.frozensets(st.sampled_from(Category), max_size=2))
KINDS = st.lists(st.sampled_from(list(ENTITIES)), max_size=6)


@given(LABELS, LABELS, LABELS, KINDS, KINDS, st.sampled_from(list(TEMPLATES.values())))
def test_a_request_is_never_below_anything_that_made_it(said, department, source, some, more, policy):  # noqa: PLR0917 - hypothesis hands them over
    """Label and what stays of it are joins of what is told, and further findings lower neither."""
    caller = replace(CALLER, label_department=department)
    asked = request(Text("x" * 20), label=said, source="s")

    def result(types):
        wanted = [name for name in types if policy.wants(name)]
        return classify(asked, caller, finds(*wanted), policy=policy, sources={"s": source})

    fewer, all_ = result(some), result([*some, *more])
    for made in (fewer, all_):
        assert made.label == join(one.label for one in made.contributions)
        assert made.label_asserted == join(one.label for one in made.contributions if one.stays)
        assert covers(made.label_asserted, join((said, department, source)))
        assert covers(made.label, made.label_asserted)
    assert covers(all_.label, fewer.label)
    assert covers(all_.label_asserted, fewer.label_asserted)


def test_a_text_that_stands_in_several_places_is_scanned_once_and_found_in_each():
    asked = []
    text = '["PERSON", {"a": "PERSON"}, "PERSON"]'

    def scan(piece):
        asked.append(piece)
        return finds("PERSON")(piece)

    found = classify(request(Json(text)), CALLER, scan)
    assert len(asked) == len(set(asked))
    assert len(found.distinct) == 3

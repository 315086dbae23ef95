"""An allow list lets go exactly what it lists, where it stands alone, and never what is RESTRICTED."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.labels import Level
from ringfence.recognize import DEFAULT, ENTITIES, Stages, load
from ringfence.recognize.custom import CustomError, CustomSettings, load_custom
from ringfence.recognize.custom.allow import NEVER, AllowList, _Entry
from ringfence.recognize.custom.expression import compile_expression
from ringfence.recognize.fold import Folder
from ringfence.recognize.site import load_site
from ringfence.recognize.span import Span

LIST = """
[[allow]]
terms = ["St. Mary's Hospital", "020 7946 0018"]
types = ["ORGANISATION", "PLACE", "PERSON", "PHONE"]

[[allow]]
patterns = ['help-[a-z]{1,10}@stmarys\\.example']
types = ["EMAIL"]
"""


@pytest.fixture
def allow(write):
    return load_custom(CustomSettings(allow_files=(write("allow.toml", LIST),)), None).allow


def kept(allow, text, entity_type, found):
    """Whether a finding of `found` in `text` stays."""
    start = text.index(found)
    span = Span(start, start + len(found), entity_type, 0.9, "test")
    folded = Folder().fold(text)
    assert folded.offsets is None
    return bool(allow(folded.data, [span]))


@pytest.mark.parametrize(
    ("text", "entity_type", "found"),
    [
        ("seen at St. Mary's Hospital.", "ORGANISATION", "St. Mary's Hospital"),
        ("seen at ST MARY'S HOSPITAL", "ORGANISATION", "ST MARY'S HOSPITAL"),
        ("seen at St. Mary's Hospital.", "PERSON", "Mary"),
        ("seen at St. Mary's Hospital.", "PERSON", "Mary's"),
        ("call 020 7946 0018 now", "PHONE", "020 7946 0018"),
        ("write to help-desk@stmarys.example", "EMAIL", "help-desk@stmarys.example"),
    ],
)
def test_what_is_listed_is_let_go(allow, text, entity_type, found):
    assert not kept(allow, text, entity_type, found)


@pytest.mark.parametrize(
    ("text", "entity_type", "found"),
    [
        ("seen by Mary today", "PERSON", "Mary"),
        ("Mary Jones, St. Mary's Hospital", "PERSON", "Mary Jones"),
        ("at St. Mary's Hospital Trust", "ORGANISATION", "St. Mary's Hospital Trust"),
        ("at St. Mary's Hospital-Jones", "ORGANISATION", "St. Mary's Hospital"),
        ("seen at St. Mary's Hospital.", "DATE", "St. Mary's Hospital"),
        ("call 1-020 7946 0018", "PHONE", "020 7946 0018"),
        ("call 020 7946 0018-22", "PHONE", "020 7946 0018"),
        ("call 020 7946 0019", "PHONE", "020 7946 0019"),
        ("write to jane@stmarys.example", "EMAIL", "jane@stmarys.example"),
        ("write to x.help-desk@stmarys.example", "EMAIL", "help-desk@stmarys.example"),
        ("help-desk@stmarys.example, jane@a.example", "EMAIL", "help-desk@stmarys.example, jane@a.example"),
    ],
)
def test_what_is_anything_else_stays(allow, text, entity_type, found):
    assert kept(allow, text, entity_type, found)


@pytest.mark.parametrize("entity_type", sorted(NEVER))
def test_restricted_types_cannot_be_listed(write, entity_type):
    path = write("allow.toml", f'[[allow]]\nterms = ["4111 1111 1111 1111"]\ntypes = ["{entity_type}"]\n')
    with pytest.raises(CustomError, match=rf"allow\.toml:3: types: {entity_type} is RESTRICTED"):
        load_custom(CustomSettings(allow_files=(path,)), None)


def test_restricted_findings_stay_even_where_an_entry_got_past_the_check():
    entry = _Entry(frozenset({"SECRET", "CUSTOM"}), (compile_expression(b"[a-z]{4}", any_case=True),))
    allow = AllowList(None, [entry])
    spans = [Span(0, 4, "SECRET", 1.0, "test"), Span(0, 4, "CUSTOM", 1.0, "test")]
    assert allow(b"abcd", spans) == spans[:1]


def test_the_types_that_never_go_are_those_whose_built_in_label_is_restricted():
    assert {"SECRET", "PAN", "SSN", "CARD_CODE", "CARD_TRACK"} <= NEVER
    assert all(ENTITIES[entity_type].level is Level.RESTRICTED for entity_type in NEVER)


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(1, 30), st.sampled_from([*sorted(NEVER), "PERSON", "ORGANISATION"])),
        max_size=6,
    )
)
def test_a_restricted_finding_stays_wherever_it_stands_and_nothing_is_added(spans):
    text = b"call St. Mary's Hospital on 020 7946 0018 or St Marys Hospital, St. Mary's Hospital Trust"
    given_spans = [
        Span(start, min(start + size, len(text)), entity_type, 0.9, "test") for start, size, entity_type in spans
    ]
    left = _ALLOW[0](text, list(given_spans))
    assert set(left) <= set(given_spans)
    assert [span for span in left if span.entity_type in NEVER] == [
        span for span in given_spans if span.entity_type in NEVER
    ]


@pytest.mark.parametrize(
    ("entry", "advice"),
    [
        ('terms = ["Acme"]', "types: is missing"),
        ('types = ["PERSON"]', "terms: is missing"),
        ('terms = ["Acme"]\ntypes = ["PRESON"]', "1 of them unknown"),
        ('terms = ["ab"]\ntypes = ["PERSON"]', "term 1: write 3 letters or more"),
        ("patterns = ['Dr [A-Z]{1,9}']\ntypes = [\"PERSON\"]", "not for PERSON"),
        ("patterns = ['[0-9 ()+-]{6,20}']\ntypes = [\"PHONE\"]", "pattern 1"),
        ("patterns = ['[a-z.]{1,20}@[a-z.]{1,20}']\ntypes = [\"EMAIL\"]", "pattern 1 allows anybody's"),
        ('term = ["Acme"]\ntypes = ["PERSON"]', "term: is unknown; write terms"),
    ],
)
def test_an_entry_that_lets_too_much_go_or_makes_no_sense_is_refused(write, entry, advice):
    path = write("allow.toml", f"[[allow]]\n{entry}\n")
    with pytest.raises(CustomError) as caught:
        load_custom(CustomSettings(allow_files=(path,)), None)
    assert advice in str(caught.value)
    assert "Acme" not in str(caught.value)


def test_each_use_is_counted_by_type_without_content(allow):
    text = "St. Mary's Hospital"
    for entity_type in ("PERSON", "PERSON", "ORGANISATION", "DATE"):
        kept(allow, text, entity_type, text)
    assert allow.used() == {"PERSON": 2, "ORGANISATION": 1}


def test_positions_in_text_as_written_are_let_go_too(allow):
    text = "Grüße, ﬁn: St. Mary\u2019s Hos\u200bpital\u2026 and \uff2dary"
    start, end = text.index("St."), text.index("\u2026")
    person = text.index("\uff2d")
    spans = [Span(start, end, "ORGANISATION", 0.9, "test"), Span(person, person + 4, "PERSON", 0.9, "test")]
    assert allow.in_text(text, spans) == spans[1:]


@given(st.text(max_size=40), st.integers(0, 39), st.integers(1, 40))
def test_no_text_makes_it_raise(text, start, size):
    spans = [Span(start, min(len(text), start + size), "PERSON", 0.9, "test")] if start < len(text) else []
    assert _ALLOW[0].in_text(text, spans) == spans


def test_the_recogniser_lets_go_before_it_looks_for_further_mentions(allow, tmp_path):
    """A person in the hospital's name is none, and so are no further mentions of her."""

    def stage(folded):
        place = folded.find(b"Mary")
        return [Span(place, place + 4, "PERSON", 0.9, "test")]

    text = "St. Mary's Hospital wrote. Mary is a name."
    plain, allowed = (
        load(tmp_path / "cache", stages=Stages(folded=(stage,), allow=one)).scan(text) for one in (None, allow)
    )
    assert [text[found.start : found.end] for found in plain] == ["Mary", "Mary"]
    assert allowed == ()


def test_the_digest_changes_with_the_list(write):
    digests = set()
    for terms in ('["Acme Bank"]', '["Acme Trust"]', '["Acme Bank", "Acme Trust"]'):
        path = write("allow.toml", f'[[allow]]\nterms = {terms}\ntypes = ["ORGANISATION"]\n')
        digests.add(load_custom(CustomSettings(allow_files=(path,)), None).digest)
    assert len(digests) == 3
    assert load_custom(CustomSettings(), None).digest == ""


_ALLOW: list = []


@pytest.fixture(scope="module", autouse=True)
def _loaded(tmp_path_factory):
    path = tmp_path_factory.mktemp("allow") / "allow.toml"
    path.write_text(LIST)
    _ALLOW.append(load_custom(CustomSettings(allow_files=(path,)), None).allow)


def test_a_recogniser_tells_what_its_lists_let_go(write):
    path = write("allow.toml", '[[allow]]\nterms = ["555-867-5309"]\ntypes = ["PHONE"]\n')
    recogniser = load_site(None, DEFAULT, CustomSettings(allow_files=(path,)))
    assert recogniser.allowed() == {}
    assert not recogniser.scan("call 555-867-5309")
    assert recogniser.allowed().keys() == {"PHONE"}
    assert load(None).allowed() == {}

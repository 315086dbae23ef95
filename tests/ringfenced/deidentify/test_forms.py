"""Other forms in which a model may write a surrogate."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.deidentify import Mapping, Reidentifier
from ringfenced.deidentify.forms import further

DATES = {date(2150, 3, 4): date(1957, 10, 12), date(2151, 5, 20): date(1958, 12, 28)}
PEOPLE = [(("Belvavel", "Brackarvex"), ("Anna", "Smith"))]
MAPPING = Mapping(
    {"Belvavel": "Anna", "Brackarvex": "Smith", "2150-03-04": "1957-10-12", "BRACKUS": "JONES", "9991234": "4471120"},
    DATES,
    PEOPLE,
)


def back(text, cuts=(), **options):
    reidentifier = Reidentifier(MAPPING, **options)
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return "".join(reidentifier.feed(text[a:b]) for a, b in pairwise(edges)) + reidentifier.flush()


CASES = [
    ("on March 4, 2150.", "on October 12, 1957."),
    ("on Mar 4th, 2150", "on Oct 12th, 1957"),
    ("March 4", "October 12"),
    ("04.03.2150", "12.10.1957"),
    ("03/04/2150", "10/12/1957"),
    ("4 de marzo de 2150", "12 de octubre de 1957"),
    ("4. März 2150", "12. Oktober 1957"),
    ("since 2150 she", "since 1957 she"),
    ("since 2150-03-04 she", "since 1957-10-12 she"),
    ("in May 2151", "in December 1958"),
    ("2150-03-05", "2150-03-05"),
    ("you may 20 times", "you may 20 times"),
    ("2150 mg", "2150 mg"),
    ("B. Brackarvex", "A. Smith"),
    ("Brackarvex, B.", "Smith, A."),
    ("B. Other", "B. Other"),
    ("the Brackarvexes and Belvavels", "the Smiths and Annas"),
    ("Belvavel's, BELVAVEL, belvavel", "Anna's, ANNA, anna"),
    ("Brackus", "Jones"),
    ("**Belv**avel_ `Brackarvex`", "**Anna**_ `Smith`"),
    ("Bel\\vavel", "Anna"),
    ("Belvavel\u00a0Brackarvex", "Anna\u00a0Smith"),
    ("\\nBelvavel", "\\nAnna"),
    ("xBelvavel Belvavelling 99912345", "xBelvavel Belvavelling 99912345"),
    ("Belvável", "Anna"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_forms_come_back_in_their_own_form(text, expected):
    """Dates in other writings, initials, plurals, other cases, Markdown: whole, letter by letter and cut anywhere."""
    assert back(text) == expected
    assert back(text, range(len(text))) == expected
    for cut in range(len(text)):
        assert back(text, [cut]) == expected


@given(
    st.lists(st.sampled_from([text for text, _ in CASES] + [" ", "\n", "-", "2150", "Mar", "s", "*"]), max_size=8),
    st.lists(st.integers(0, 400), max_size=30),
)
def test_the_cuts_never_matter(parts, cuts):
    text = "".join(parts)
    assert back(text, cuts) == back(text)
    assert back(text, cuts, json=True) == back(text, json=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": "\\u0042elvavel\\nBrackarvex"}', '{"a": "Anna\\nSmith"}'),
        ('{"on": "03\\/04\\/2150"}', '{"on": "10/12/1957"}'),
        ('{"x": "\\u00e9Belvavel", "y": "C:\\\\Belvavel"}', '{"x": "\\u00e9Belvavel", "y": "C:\\\\Anna"}'),
    ],
)
def test_escapes_of_json_are_read(text, expected):
    """In tool-call arguments, over every cut."""
    for cut in range(len(text) + 1):
        assert back(text, [cut], json=True) == expected


def test_what_could_stand_for_two_is_no_form():
    """Two days of one surrogate month, and two people of one set of initials."""
    forms = further(
        {},
        {date(2150, 3, 4): date(1957, 10, 12), date(2150, 3, 28): date(1957, 11, 5)},
        [(("Belvavel", "Brackarvex"), ("Anna", "Smith")), (("Belvella", "Brackarvex"), ("Berta", "Smith"))],
        day_first=False,
    )
    assert "March 2150" not in forms
    assert "B. Brackarvex" not in forms
    assert forms["March 4, 2150"] == "October 12, 1957"
    assert forms["Belvavel B."] == "Anna S."


def test_the_short_and_the_long_name_of_may_are_one():
    assert (
        further({}, {date(2150, 5, 4): date(1957, 9, 12)}, (), day_first=False)["May 4, 2150"] == "September 12, 1957"
    )


def test_a_form_that_stands_in_the_text_stands_for_itself():
    """``D.`` is Don in the prompt, not the surrogate's initial."""
    mapping = Mapping(
        {"Delmavel": "Porfirio", "Brackarvex": "Magaña"},
        {},
        [(("Delmavel", "Brackarvex"), ("Porfirio", "Magaña"))],
        ["D. Brackarvex, Delmavel"],
    )
    reidentifier = Reidentifier(mapping)
    assert reidentifier.feed("D. Brackarvex; Brackarvex, D.") + reidentifier.flush() == "D. Magaña; Magaña, P."

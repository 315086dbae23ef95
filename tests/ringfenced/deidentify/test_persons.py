"""Names, taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.deidentify.genders import is_female
from ringfenced.deidentify.persons import Roles, initials_of, like, pieces


def told(name, roles=None):
    found = pieces(name, (roles or Roles()).role)
    return [(name[piece.start : piece.end], piece.role) for piece in found]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("John Smith", [("John", "given"), ("Smith", "family")]),
        ("SMITH, JOHN P.", [("SMITH", "family"), ("JOHN", "given"), ("P", "initial")]),
        ("Dr. Anna Varga, MD", [("Anna", "given"), ("Varga", "family")]),
        ("Smith's", [("Smith", "family")]),
        ("Maria", [("Maria", "given")]),
        ("Jan van der Berg", [("Jan", "given"), ("Berg", "family")]),
        ("Van Morrison", [("Van", "given"), ("Morrison", "family")]),
        ("José García-López", [("José", "given"), ("García", "family"), ("López", "family")]),
        ("J. Smith", [("J", "initial"), ("Smith", "family")]),
        ("Le, Minh", [("Le", "family"), ("Minh", "given")]),
        ("王伟", [("王伟", "family")]),
        ("王", [("王", "family")]),
        ("42", []),
    ],
)
def test_words_and_roles(name, words):
    """Titles, particles and possessives are no words of a name; halves of a double name are."""
    assert told(name) == words


def test_full_names_tell_the_role_of_a_single_word():
    """Whatever the order that they are written in."""
    roles = Roles()
    for name in ("Marta Nowak", "NOWAK, MARTA"):
        roles.learn(name)
    assert told("Marta", roles) == [("Marta", "given")]
    assert told("Nowak Marta", roles) == [("Nowak", "family"), ("Marta", "given")]
    assert roles.named("m", "nowak", "given") == "marta"
    assert roles.named("n", "marta", "family") == "nowak"
    assert roles.named("x", "nowak", "given") is None


@given(st.text())
def test_pieces_never_raise_and_lie_in_the_name(name):
    end = 0
    for piece in pieces(name, Roles().role):
        assert end <= piece.start < piece.end <= len(name)
        end = piece.end


@pytest.mark.parametrize(
    ("original", "made"),
    [
        ("Smith", "Brackarvex"),
        ("SMITH", "BRACKARVEX"),
        ("smith", "brackarvex"),
        ("García", "Brackarvéx"),
        ("GARCÍA", "BRACKARVÉX"),
    ],
)
def test_case_and_accents_are_kept(original, made):
    assert like("Brackarvex", original) == made


def test_women_get_womens_names():
    assert is_female("maria")
    assert is_female("zuzanna")
    assert not is_female("john")
    assert not is_female("luca")


def test_forms_with_initials():
    assert "J. Smith" in set(initials_of([("John", "Smith")]))
    assert "Smith, J." in set(initials_of([("John", "Smith")]))

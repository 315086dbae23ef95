"""Plain and hashed lists find the same terms in the same texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.custom import Case, CustomError, CustomSettings, Dictionary, load_custom
from ringfence.recognize.custom.dictionaries import Dictionaries, Owner, literal
from ringfence.recognize.custom.hashed import HashedDictionaries, build, parse
from ringfence.recognize.custom.literals import SHARD_TERMS_MAX, load_literals
from ringfence.recognize.custom.terms import fold_term, written
from ringfence.recognize.fold import Folder

BOTH = pytest.mark.parametrize("hashed", [False, True], ids=["plain", "hashed"])
KEY = b"k" * 32


@BOTH
@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("Anneliese Vogt", "seen by ANNELIESE VOGT today", "ANNELIESE VOGT"),
        ("Anneliese Vogt", "Anneliese,\n Vogt", "Anneliese,\n Vogt"),
        ("Anneliese Vogt", "\u0410nneliese\u200b V\u043egt", "\u0410nneliese\u200b V\u043egt"),
        ("Zoë O'Brien-Núñez", "zoe o'brien nunez.", "zoe o'brien nunez"),
        ("Zoe OBrien", "Dr. Zoe OBrien's note", "Zoe OBrien"),
        ("DE44 5001-0517", "paid to DE4450010517.", "DE4450010517"),
        ("DE4450010517", "paid to DE44 5001 0517.", "DE44 5001 0517"),
        ("12345678", "account 12-34-56-78, please", "12-34-56-78"),
        ("EMP-123456", "emp 123456", "emp 123456"),
        (
            "12345678",
            "\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668",
            "\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668",
        ),
    ],
)
def test_a_term_is_found_however_it_is_written(look, dictionary, hashed, term, text, found):  # noqa: PLR0917 - columns of the table
    assert look(text, dictionaries=[dictionary(term, hashed=hashed)]) == [("PERSON", found)]


@BOTH
@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("Vogt", "Vogtland"),
        ("Anneliese Vogt", "Anneliese.\n\nVogt"),
        ("Anneliese Vogt", "Anneliese - and - Vogt"),
        ("Anneliese Vogt", "Anneliese ... Vogt"),
        ("Anneliese Vogt", "Anneliese"),
        ("12345678", "12 34 56 79"),
        ("12345678", "99 12 34 56 789"),
        ("Anneliese Vogt", ""),
    ],
)
def test_what_only_resembles_a_term_is_not_found(look, dictionary, hashed, term, text):
    assert look(text, dictionaries=[dictionary(term, hashed=hashed)]) == []


@BOTH
@pytest.mark.parametrize(
    "text", ["Vogt, Anneliese", "A. Vogt", "Vogt A", "Anneliese Vogt", "Vogt, Anneliese Maria", "Anneliese M. Vogt"]
)
def test_variants_of_a_name_are_found_where_they_are_asked_for(look, dictionary, hashed, text):
    terms = ("Anneliese Maria Vogt",)
    found = look(text, dictionaries=[dictionary(*terms, hashed=hashed, person_variants=True)])
    assert ("PERSON", text) in found
    assert all(one in text for _, one in found)
    assert look(text, dictionaries=[dictionary(*terms, hashed=hashed)]) == []


@BOTH
def test_with_capital_a_word_in_small_letters_is_none(look, dictionary, hashed):
    lists = [dictionary("Brown", hashed=hashed, case=Case.CAPITAL)]
    assert look("Brown saw a brown BROWN", dictionaries=lists) == [("PERSON", "BROWN"), ("PERSON", "Brown")]


def test_with_exact_case_capitals_count(look, dictionary):
    assert look("Rose rose", dictionaries=[dictionary("Rose", case=Case.EXACT)]) == [("PERSON", "Rose")]


def test_a_part_of_a_word_is_found_where_that_is_asked_for(look, dictionary):
    lists = [dictionary("zorblax", whole_word=False)]
    assert look("the Prezorblaxine study", dictionaries=lists) == [("PERSON", "zorblax")]


def test_several_lists_have_types_of_their_own(look, dictionary):
    lists = [
        dictionary("Anna Vogt"),
        dictionary("Ward Seven", name="wards", entity_type="PLACE"),
        dictionary("DE4450010517", name="accounts", entity_type="ACCOUNT", hashed=True),
        dictionary("Project Zorblax", name="projects", entity_type="CUSTOM", hashed=True),
    ]
    text = "Anna Vogt, Ward Seven, DE44 5001 0517, Project Zorblax"
    assert look(text, dictionaries=lists) == [
        ("ACCOUNT", "DE44 5001 0517"),
        ("CUSTOM", "Project Zorblax"),
        ("PERSON", "Anna Vogt"),
        ("PLACE", "Ward Seven"),
    ]


def test_a_csv_column_is_a_list(look, write):
    path = write("staff.csv", 'id,"full name"\n1,"Vogt, Anna"\n\n2,Bo Zhu\n')
    lists = [Dictionary("staff", path, "PERSON", column="full name")]
    assert look("Bo Zhu and Vogt Anna", dictionaries=lists) == [("PERSON", "Bo Zhu"), ("PERSON", "Vogt Anna")]


@pytest.mark.parametrize(
    ("name", "text", "options", "line", "advice"),
    [
        ("a.txt", "Anna Vogt\n\n# ok\n---\n", {}, 4, "no letter or digit"),
        ("a.txt", "Anna Vogt\nx\n", {}, 2, "stands everywhere"),
        ("a.txt", "123\n", {}, 1, "stands everywhere"),
        ("a.txt", "the\n", {}, 1, "everyday word"),
        ("a.txt", "\u738b\u5c0f\u660e\n", {}, 1, "Latin letters"),
        ("a.txt", "a b c d e f g h i\n", {}, 1, "longer than"),
        ("a.txt", "abc\n", {"whole_word": False}, 1, "shorter than 4"),
        ("a.txt", "\n#\n", {}, 0, "holds no term"),
        ("a.csv", "name\nAnna Vogt\n", {}, 1, "needs a column"),
        ("a.csv", "name\nAnna Vogt\n", {"column": "nam"}, 1, "no column 'nam'"),
        ("a.csv", 'name\n"Anna" Vogt\n', {"column": "name"}, 2, "no CSV"),
    ],
)
def test_a_wrong_line_is_named_and_never_repeated(write, name, text, options, line, advice):  # noqa: PLR0917 - columns of the table
    settings = CustomSettings((), (Dictionary("staff", write(name, text), "PERSON", **options),))
    with pytest.raises(CustomError) as caught:
        load_custom(settings, None)
    (problem,) = caught.value.problems
    assert problem.line == line
    assert advice in problem.what
    assert not any(term in problem.what for term in ("Anna", "Vogt", "\u738b", "abc"))


def test_a_thousand_wrong_lines_are_counted_not_printed(write):
    settings = CustomSettings((), (Dictionary("staff", write("a.txt", "x\n" * 1000)),))
    with pytest.raises(CustomError, match="and 980 more") as caught:
        load_custom(settings, None)
    assert str(caught.value).count("\n") == 20


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path):
    path = tmp_path / "a.txt"
    settings = CustomSettings((), (Dictionary("staff", path),))
    with pytest.raises(CustomError, match="cannot be read"):
        load_custom(settings, None)
    path.write_bytes(b"Anna Vogt\nM\xfcller\n")
    with pytest.raises(CustomError, match=r"a\.txt:2: is not UTF-8"):
        load_custom(settings, None)


def test_settings_that_make_no_sense_are_refused(dictionary):
    one = dictionary("Anna Vogt")
    for lists, advice in (
        ((one, one), "stands twice"),
        ((dictionary("Anna Vogt", entity_type="STAFF"),), "write one of PERSON"),
        ((dictionary("Anna Vogt", name="a b"),), "needs a name"),
    ):
        with pytest.raises(CustomError, match=advice):
            load_custom(CustomSettings((), lists), None)


# ── the cache ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_from_the_cache_the_same_is_found_and_no_list_is_parsed_again(look, dictionary, tmp_path, monkeypatch):
    lists = [dictionary("Anna Vogt", "DE4450010517")]
    cache = tmp_path / "cache"
    first = look("Anna Vogt DE44 5001 0517", dictionaries=lists, cache=cache)
    monkeypatch.setattr("ringfence.recognize.custom.dictionaries.read_terms", None)
    assert look("Anna Vogt DE44 5001 0517", dictionaries=lists, cache=cache) == first != []


def test_cached_files_are_private_and_go_when_their_list_changes(look, dictionary, tmp_path):
    cache = tmp_path / "cache"
    look("", dictionaries=[dictionary("Anna Vogt")], cache=cache)
    before = set(cache.iterdir())
    assert {path.stat().st_mode & 0o777 for path in before} == {0o600}
    look("", dictionaries=[dictionary("Bo Zhu")], cache=cache)
    assert before.isdisjoint(cache.iterdir())


@pytest.mark.parametrize("damage", [lambda blob: blob[:-1], lambda blob: b"", lambda blob: b"x" + blob[1:]])
def test_a_damaged_cache_is_made_anew(look, dictionary, tmp_path, damage):
    cache = tmp_path / "cache"
    look("", dictionaries=[dictionary("Anna Vogt")], cache=cache)
    for path in cache.iterdir():
        path.write_bytes(damage(path.read_bytes()))
    assert look("Anna Vogt", dictionaries=[dictionary("Anna Vogt")], cache=cache) == [("PERSON", "Anna Vogt")]


def test_a_hashed_list_leaves_no_file_in_the_cache(look, dictionary, tmp_path):
    look("", dictionaries=[dictionary("Anna Vogt", hashed=True)], cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


# ── hashes ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hashed_file_holds_no_term_and_another_key_makes_another_file():
    terms = [fold_term("Anneliese Vogt"), fold_term("12345678")]
    one, other = (build(terms, key, person_variants=True) for key in (b"a" * 32, b"b" * 32))
    assert one != other
    for word in (b"nneliese", b"ogt", b"12345678"):
        assert word not in one
    body, other_body = one.split(b"\n", 2)[2], other.split(b"\n", 2)[2]
    hashes = {body[place : place + 8] for place in range(0, len(body), 8)}
    assert hashes.isdisjoint(other_body[place : place + 8] for place in range(0, len(other_body), 8))


def test_the_order_of_a_list_does_not_show_in_its_hashed_file():
    terms = [fold_term(term) for term in ("Anna Vogt", "Bo Zhu", "Cy Lam")]
    assert build(terms, KEY, person_variants=False) == build(reversed(terms), KEY, person_variants=False)


def test_keys_and_files_that_cannot_be_right_are_refused(dictionary, key_file, tmp_path):
    lists = (dictionary("Anna Vogt", hashed=True),)
    blob = lists[0].path.read_bytes()

    def refused(match, key=key_file, lists=lists):
        with pytest.raises(CustomError, match=match):
            load_custom(CustomSettings((), lists, (), key), None)

    refused("needs a key file", key=None)
    exact = Dictionary("staff", lists[0].path, case=Case.EXACT, hashed=True)
    refused("is hashed", lists=(exact,))
    key_file.chmod(0o644)
    refused("others may read")
    key_file.chmod(0o600)
    for damaged in (blob[:-1], blob[:-8], blob.replace(b'"words"', b'"wards"'), blob[:40]):
        lists[0].path.write_bytes(damaged)
        refused("damaged")
    lists[0].path.write_bytes(b"Anna Vogt\n")
    refused("no hashed dictionary")
    lists[0].path.write_bytes(blob)
    key_file.write_bytes(b"z" * 32)
    refused("another key")
    key_file.write_bytes(b"z" * 31)
    refused("shorter than 32")


# ── properties ───────────────────────────────────────────────────────────────────────────────────────────────────────

WORD = st.text(alphabet="abcdefgABCXYZéß0123456789", min_size=2, max_size=9)
TERM = st.lists(WORD, min_size=1, max_size=4).map(" ".join)


def _plain(terms):
    dictionary = Dictionary("d", None, "PERSON")
    ways = {literal(way, 0, dictionary) for term in terms for way in written(fold_term(term), variants=False)}
    literals, _ = load_literals(lambda: sorted(ways), cache_dir=None, name="")
    return Dictionaries(literals, [Owner.of(dictionary)])


def _hashed(terms):
    blob = build((fold_term(term) for term in terms), KEY, person_variants=False)
    return HashedDictionaries([parse(None, blob, KEY)], [Owner.of(Dictionary("d", None, "PERSON"))], KEY)


@given(st.lists(TERM, min_size=1, max_size=5), st.lists(st.sampled_from([" ", ", ", ".\n", " - "]) | WORD, max_size=12))
def test_plain_and_hashed_lists_find_the_same(terms, parts):
    """And every term that stands in the text is found whole."""
    text = " ".join((*parts, terms[0], *parts))
    folded = Folder().fold(text).data
    plain, hashed = set(_plain(terms)(folded)), set(_hashed(terms)(folded))
    assert {span[:2] for span in plain} == {span[:2] for span in hashed}
    start = len(Folder().fold(" ".join(parts)).data) + bool(parts)
    end = start + len(Folder().fold(terms[0]).data)
    assert any(span.start <= start and end <= span.end for span in plain)


@given(st.binary(max_size=300))
def test_no_bytes_make_them_raise_and_spans_lie_inside(data):
    for stage in (_plain(["ab", "12345 67"]), _hashed(["ab", "12345 67"])):
        assert all(0 <= span.start < span.end <= len(data) for span in stage(data))


def test_lists_of_more_than_a_shard_are_found_whole(look, dictionary, tmp_path):
    count = SHARD_TERMS_MAX + 3
    terms = [f"Q{number:06d}X" for number in range(count)]
    lists = [dictionary(*terms)]
    for _ in range(2):
        found = look(f"{terms[0]} {terms[-1]} Q{count:06d}X", dictionaries=lists, cache=tmp_path / "cache")
        assert found == [("PERSON", terms[0]), ("PERSON", terms[-1])]

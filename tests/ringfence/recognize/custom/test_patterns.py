"""A site's own patterns: what they find, and what is refused when they are loaded."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.custom import CustomError, CustomSettings, load_custom
from ringfence.recognize.custom.checks import CHECKS, is_mod11
from ringfence.recognize.custom.expression import wrong
from ringfence.recognize.fold import Folder


@pytest.fixture
def pattern(write):
    """A file of one pattern."""

    def make(expression, **keys):
        lines = [f"{key} = {value if isinstance(value, (list, float)) else repr(value)}" for key, value in keys.items()]
        return write(
            "patterns.toml", "\n".join(["[[pattern]]", "name = 'one'", f"expression = '{expression}'", *lines])
        )

    return make


@pytest.mark.parametrize(
    ("expression", "keys", "text", "found"),
    [
        (r"\bEMP-\d{6}\b", {}, "EMP-123456 emp-123456 EMP-1234567", ["EMP-123456"]),
        (r"\bEMP-\d{6}\b", {"case": "ignore"}, "see emp-123456", ["emp-123456"]),
        (r"\bEMP-\d{4,8}", {}, "EMP-123456", ["EMP-123456"]),
        (r"badge (\d{5})", {}, "badge 12345", ["12345"]),
        (r"\bCafé-\d{2}\b", {}, "CAFE-12 Cafe-12 Café-13", ["Cafe-12", "Café-13"]),
        (r"\bX\d{5}\b", {"near": ["badge", "Ausweis"]}, "badge: X12345", ["X12345"]),
        (r"\bX\d{5}\b", {"near": ["badge", "Ausweis"]}, "X12345, ein AUSWEIS", ["X12345"]),
        (r"\bX\d{5}\b", {"near": ["badge"]}, "X12345 badges " + "z " * 60 + "badge", []),
        (r"\b\d{3} \d{3} \d{4}\b", {"check": "mod11"}, "943 476 5919, 943 476 5918", ["943 476 5919"]),
        (r"\bC\d{7,9}\b", {"check": "luhn"}, "C79927398713", []),
        (r"\b\d{9,11}\b", {"check": "luhn"}, "79927398713", ["79927398713"]),
        (r"\bEMP-\d{6}\b", {}, "\uff25MP-12\u200b3456", ["\uff25MP-12\u200b3456"]),
    ],
)
def test_a_pattern_finds_what_it_says(look, pattern, expression, keys, text, found):  # noqa: PLR0917 - columns of the table
    assert look(text, patterns=[pattern(expression, **keys)]) == [("CUSTOM", one) for one in found]


def test_a_pattern_has_a_type_a_name_and_a_score(pattern):
    path = pattern(r"\bEMP-\d{6}\b", type="USERNAME", score=0.5)
    (stage,) = load_custom(CustomSettings((path,)), None).stages
    assert [tuple(span) for span in stage(b"EMP-123456")] == [(0, 10, "USERNAME", 0.5, "custom:one")]


@pytest.mark.parametrize(
    ("expression", "advice"),
    [
        ("", "is missing"),
        ("(", "is no RE2 expression: missing )"),
        (r"(\d)\1", "is no RE2 expression"),
        (r"(?=x)y", "is no RE2 expression"),
        (r"EMP-\d+", "no upper limit"),
        (r"EMP-.*", "no upper limit"),
        (r"EMP-\d{3,}", "no upper limit"),
        (r"\d{0,4}", "matches an empty text"),
        (r"\w{1,20}", "places in half a page of ordinary text"),
        (r"\d", "places in half a page of ordinary text"),
        (r"\pL{3}-\d{4}", "cannot be used"),
        (r"(?:a{1,999}b{1,999}){1,1}c{1,999}", "too large"),
        ("x" * 501, "longer than 500"),
    ],
)
def test_an_expression_that_cannot_be_used_is_refused_with_what_to_write(expression, advice):
    assert advice in wrong(expression, any_case=False)


@pytest.mark.parametrize("expression", [r"\bEMP-\d{6}\b", r"[*+]X\d{4}", r"a\*\d{3}b", r"[[:alpha:]*]-\d{9}"])
def test_stars_in_classes_and_escapes_are_no_quantifiers(expression):
    assert wrong(expression, any_case=False) == ""


def test_every_problem_of_a_file_is_named_with_its_line(write):
    path = write(
        "patterns.toml",
        """# ours
[[pattern]]
name = "employee"
expression = 'EMP-[0-9]+'

[[pattern]]
name = "badge"
expresion = 'B-[0-9]{5}'
type = "BADGE"
check = "mod12"
case = "any"
score = 2
near = ["two words"]

[[pattern]]
name = "badge"
expression = 'B-[0-9]{5}'
misses = "B-12345"
""",
    )
    with pytest.raises(CustomError) as caught:
        load_custom(CustomSettings((path,)), None)
    said = {(problem.line, problem.what.partition(";")[0].partition(",")[0]) for problem in caught.value.problems}
    assert said >= {
        (8, "expresion: is unknown"),
        (9, "type: write one of PERSON"),
        (10, "check: write one of luhn"),
        (11, 'case: write "exact" or "ignore"'),
        (12, "score: write a number above 0"),
        (13, "near: write single words"),
        (18, "misses: must be a list of strings"),
    }


@pytest.mark.parametrize(
    ("examples", "line", "advice"),
    [
        ('matches = ["EMP-12345"]', 4, "example 1 is not found"),
        ('misses = ["EMP-1", "x EMP-123456"]', 4, "example 2 is found"),
    ],
)
def test_examples_are_tried_when_the_file_is_loaded(write, tmp_path, examples, line, advice):
    """From the cache too."""
    text = f"[[pattern]]\nname = 'one'\nexpression = 'EMP-[0-9]{{6}}'\n{examples}\n"
    path = write("patterns.toml", text)
    for cache in (None, tmp_path / "cache", tmp_path / "cache"):
        with pytest.raises(CustomError, match=advice) as caught:
            load_custom(CustomSettings((path,)), cache)
        assert caught.value.problems[0].line == line
        assert "EMP-1" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[[pattern]\n", 1),
        ("pattern = 3\n", 1),
        ("", 1),
        ('a = 1\n[[pattern]]\nname = "x"\n', 1),
        ("[[pattern]]\nname = \n", 2),
    ],
)
def test_what_is_no_file_of_patterns_is_refused(write, text, line):
    with pytest.raises(CustomError) as caught:
        load_custom(CustomSettings((write("patterns.toml", text),)), None)
    assert caught.value.problems[0].line == line


def test_an_expression_that_only_hyperscan_refuses_is_named_with_its_line(write):
    path = write(
        "patterns.toml",
        "[[pattern]]\nname = 'a'\nexpression = 'EMP-[0-9]{6}'\n"
        "[[pattern]]\nname = 'b'\nexpression = 'EMP-(?U)[0-9]{6}'\n",
    )
    with pytest.raises(CustomError, match=r"patterns\.toml:6: expression: cannot be searched for at speed"):
        load_custom(CustomSettings((path,)), None)


def test_patterns_of_more_than_a_shard_are_found(look, write, tmp_path, monkeypatch):
    monkeypatch.setattr("ringfence.recognize.custom.patterns.SHARD_PATTERNS_MAX", 2)
    tables = [f"[[pattern]]\nname = 'p{number}'\nexpression = '\\bP{number}-[0-9]{{4}}\\b'\n" for number in range(5)]
    path = write("patterns.toml", "".join(tables))
    for _ in range(2):
        found = look("P0-1234 P3-1234 P4-1234 P5-1234", patterns=[path], cache=tmp_path / "cache")
        assert found == [("CUSTOM", "P0-1234"), ("CUSTOM", "P3-1234"), ("CUSTOM", "P4-1234")]


def test_from_the_cache_the_same_is_found(look, pattern, tmp_path):
    path = pattern(r"\bEMP-\d{6}\b")
    once, again = (look("EMP-123456", patterns=[path], cache=tmp_path / "cache") for _ in range(2))
    assert once == again == [("CUSTOM", "EMP-123456")]


def test_cost_grows_with_the_text_and_no_faster(pattern):
    """A text of nothing but beginnings of a match: ten times the text is less than thirty times the time."""
    (stage,) = load_custom(CustomSettings((pattern(r"a[a-z]{0,60}-\d{4}"),)), None).stages

    def seconds(size):
        started = time.process_time()
        stage(b"a" * size)
        return time.process_time() - started

    short, long = (min(seconds(size) for _ in range(3)) for size in (20_000, 200_000))
    assert long < 30 * max(short, 0.001)


@given(st.text(max_size=200))
def test_no_text_makes_a_pattern_raise(text):
    (stage,) = _STAGES
    data = Folder().fold(text).data
    assert all(0 <= span.start < span.end <= len(data) for span in stage(data))


@given(st.from_regex(r"[A-Z]{2}-[0-9]{4,8}", fullmatch=True), st.text(alphabet="ab .,é\u200b", max_size=20))
def test_what_the_expression_describes_is_found_in_any_text(value, around):
    text = f"{around} {value} {around}"
    folded = Folder().fold(text)
    places = [folded.span(span.start, span.end) for stage in _STAGES for span in stage(folded.data)]
    assert value in {text[start:end] for start, end in places}


@given(st.text(max_size=30))
def test_no_text_makes_a_check_raise(text):
    for check in CHECKS.values():
        assert check(text) in (True, False)


def test_mod11_is_that_of_isbns_and_nhs_numbers():
    assert is_mod11("9434765919")
    assert is_mod11("080442957X")
    assert not is_mod11("9434765918")
    assert not is_mod11("")


def _stages(tmp):
    tmp.write_text("[[pattern]]\nname = 'one'\nexpression = '\\b[A-Z]{2}-\\d{4,8}\\b'\n")
    return load_custom(CustomSettings((tmp,)), None).stages


_STAGES: tuple = ()


@pytest.fixture(scope="module", autouse=True)
def _loaded(tmp_path_factory):
    global _STAGES  # noqa: PLW0603 - hypothesis and function fixtures do not mix
    _STAGES = _stages(tmp_path_factory.mktemp("patterns") / "p.toml")

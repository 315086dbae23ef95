"""The generators: pure, honest about where identifiers stand, and with halves that do not meet."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deid_parts.generate import CLEAN, GROUPS, KINDS, LANGUAGES, OPTIONAL, generate
from deid_parts.generate.grammar import HELD_OUT_FROM, Shared, alternatives, write
from deid_parts.generate.identifiers import iban, luhn
from deid_parts.generate.names import family_names, given_names
from deid_parts.generate.reading import grammar, parse

GROUP_NAMES = {"PERSON", "LOC", "ORG", "DATE", "AGE", "CONTACT", "ID", "OTHER"}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("split", ["train", "eval"])
def test_spans_are_sorted_apart_and_hold_words_without_white_space_at_their_ends(kind, lang, split):
    for document in generate(kind, lang, 3, 40, split):
        end = 0
        for span in document.spans:
            assert end <= span.start < span.end <= len(document.text)
            held = document.text[span.start : span.end]
            assert held == held.strip()
            assert span.group in GROUP_NAMES
            assert span.label not in GROUPS or GROUPS[span.label] == span.group
            end = span.end


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", CLEAN)
@pytest.mark.parametrize("split", ["train", "eval"])
def test_look_alikes_hold_nothing_that_identifies(kind, lang, split):
    for document in generate(kind, lang, 3, 60, split):
        assert {span.label for span in document.spans} <= OPTIONAL


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_most_documents_speak_of_somebody(kind, lang):
    documents = generate(kind, lang, 4, 60)
    told = sum(any(span.label not in OPTIONAL for span in document.spans) for document in documents)
    assert told >= 54


@given(st.sampled_from(KINDS + CLEAN), st.sampled_from(LANGUAGES), st.integers(0, 2**40), st.integers(0, 5))
@settings(deadline=None, max_examples=30)
def test_the_same_arguments_give_the_same_documents_whatever_their_number(kind, lang, seed, number):
    assert generate(kind, lang, seed, number) == generate(kind, lang, seed, number + 2)[:number]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_training_and_evaluation_share_no_whole_name(lang):
    names = {
        split: {
            document.text[span.start : span.end]
            for kind in KINDS
            for document in generate(kind, lang, 5, 60, split)
            for span in document.spans
            if span.label == "PERSON" and " " in document.text[span.start : span.end]
        }
        for split in ("train", "eval")
    }
    assert names["train"]
    assert names["eval"]
    assert not {name.casefold() for name in names["train"]} & {name.casefold() for name in names["eval"]}


def test_titles_are_marked_only_for_who_asks():
    plain, marked = (generate("referral", "de", 1, 40, titles=titles) for titles in (False, True))
    assert [document.text for document in plain] == [document.text for document in marked]
    titles = {d.text[s.start : s.end] for d in marked for s in d.spans if s.label == "TITLE"}
    assert {"Frau", "Dr."} <= titles
    assert not any(span.label == "TITLE" for document in plain for span in document.spans)


def test_training_and_evaluation_draw_names_from_lists_that_do_not_meet():
    assert not set(given_names("en_US", "F", "train")) & set(given_names("en_US", "F", "eval"))
    assert not set(family_names("de_DE", "train")) & set(family_names("de_DE", "eval"))


@given(st.randoms(use_true_random=False), st.sampled_from(LANGUAGES))
def test_ibans_pass_mod_97(rng, lang):
    text = iban(rng, lang).replace(" ", "")
    assert int("".join(str(int(mark, 36)) for mark in text[4:] + text[:4])) % 97 == 1


def test_the_check_digit_of_iso_7812s_example_is_right():
    assert luhn("7992739871") == "3"


RULES = {
    "a": ("x {b} [y|y] {=SEX:man}, {@PLACE:b}; {k=b} {k=b}",),
    "b": ("{=PERSON:Ann}",),
}


def test_a_template_knows_where_its_identifiers_stand():
    text, marks = write(RULES, "a", lambda name, argument: (("?", None),), _Chance(), "train")
    assert text == "x Ann y man, Ann; Ann Ann"
    assert [(text[mark.start : mark.end], mark.label) for mark in marks] == [
        ("Ann", "PERSON"),
        ("man", "SEX"),
        ("Ann", "PLACE"),
        ("Ann", "PERSON"),
        ("Ann", "PERSON"),
    ]


@pytest.mark.parametrize("template", ["{b", "[b", "[[b]"])
def test_a_template_with_an_open_bracket_is_refused(template):
    with pytest.raises(ValueError, match="closing"):
        write({"a": (template,)}, "a", lambda name, argument: (), _Chance(), "train")


def test_a_grammar_file_says_where_a_line_is_lost():
    with pytest.raises(ValueError, match="line 2"):
        parse("# words\nlost\n= rule\nfound\n")


def test_a_list_may_run_over_lines_and_a_rule_keeps_its_spaces():
    assert parse(": a\nx y; z\nw; v\n= b\n\\sq\\n\n\\e\n") == {"a": ("x y", "z w", "v"), "b": (" q\n", "")}


class _Chance:
    def choice(self, options):
        return options[0]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_long_rules_part_their_alternatives_and_shared_ones_do_not(lang):
    rules = grammar(lang)
    for name, all_of_them in rules.items():
        train, held = (alternatives(rules, name, split) for split in ("train", "eval"))
        assert set(train) | set(held) == set(all_of_them)
        if isinstance(all_of_them, Shared) or len(all_of_them) < HELD_OUT_FROM:
            assert train == held
        elif len(set(all_of_them)) == len(all_of_them):
            assert not set(train) & set(held), name


def test_an_unknown_language_is_a_key_error():
    with pytest.raises(KeyError):
        generate("note", "xx", 1, 1)

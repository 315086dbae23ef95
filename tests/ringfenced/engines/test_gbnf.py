"""Callers' grammars: what would make llama.cpp's parser or matcher fall over is refused before it sees it."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_cpp import llama_grammar

from ringfenced.engines.llama.gbnf import BadGrammar, check_grammar, prefixed, read_grammar
from ringfenced.engines.llama.grammar import schema_to_grammar

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 50},
        "kinds": {"type": "array", "items": {"enum": ["x", "yy"]}, "maxItems": 20},
        "when": {"type": "string", "format": "date"},
        "code": {"type": "string", "pattern": "^[a-z]+(foo|bar)*$"},
        "inner": {"$ref": "#/$defs/inner"},
    },
    "required": ["name"],
    "$defs": {"inner": {"type": "object", "properties": {"n": {"type": "number"}}}},
}


@pytest.mark.parametrize("name", [name for name in dir(llama_grammar) if name.endswith("_GBNF")])
def test_the_grammars_that_llama_cpp_ships_pass(name):
    check_grammar(getattr(llama_grammar, name))


def test_what_schemas_become_passes():
    check_grammar(schema_to_grammar(json.dumps(SCHEMA)))


@pytest.mark.parametrize(
    "source",
    [
        'root ::= "yes" | "yesterday"',
        'root ::= [^"\\]\\x41-\\u00ff-]{0,1000} # comment\n\n',
        'root ::= ( "a" |\n  "b" )+ other?\nother ::= .\n',
        'root ::= ("a"|"a"|"a")* "b"',
        'root ::= "" | "a" root',
        "root ::= x{2,}\nx ::= [a-z] y\ny ::=\n",
    ],
)
def test_a_sound_grammar_passes(source):
    check_grammar(source)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "root"),
        ('other ::= "a"', "root"),
        ("root ::= missing", "not there"),
        ('root ::= "', "without an end"),
        ("root ::= [a", "without an end"),
        ('root ::= "\\q"', "escape"),
        ('root = "a"', "::="),
        ('root ::= "a" )', "after a rule"),
        ('root ::= "a"**', "repetition of a repetition"),
        ("root ::= <[12]>", "after a rule"),
        ('root ::= root "a"', "begins with itself"),
        ('root ::= x root "a"\nx ::= "b"?', "begins with itself"),
        ('root ::= (("a"?)*)*', "begins with itself"),
        ("root ::= " + "(" * 100_000 + '"a"' + ")" * 100_000, "deeper"),
        ('root ::= "a"{100000}', "repetition"),
        ('root ::= "a"{5,2}', "repetition"),
        ('root ::= ("' + "a" * 1000 + '"{2000}){2000}', "elements"),
        ('root ::= "' + "a" * 300_000 + '"', "characters"),
        ("root::=0\n" + "\n".join(f"{n:x}::={n + 1:x}" for n in range(21_000)), "rules"),
        ('root ::= s\ns ::= "a" s t | "a" t s | "a"\nt ::= "a" t s | "a"', "ways"),
    ],
)
def test_an_unsound_grammar_is_refused(source, why):
    with pytest.raises(BadGrammar, match=why) as caught:
        check_grammar(source)
    assert "aaa" not in str(caught.value)


def test_a_repetition_becomes_rules():
    """``"ab"{1,2}``: a and b, then a rule for both once more or nothing."""
    grammar = read_grammar('root ::= "ab"{1,2}')
    (head,) = grammar.rules[grammar.root]
    once, nothing = grammar.rules[head[-1]]
    assert (len(head), len(once), nothing) == (3, 2, ())


def test_a_prefix_is_put_before_names_alone():
    source = 'root ::= "root" [root] a-1{2} # root\na-1 ::= root'
    assert prefixed(source, "p-") == 'p-root ::= "root" [root] p-a-1{2} # root\np-a-1 ::= p-root'


@given(st.text(alphabet='rot:=ab"[]()|*+?{}1, \n\\x^-.#', max_size=60))
def test_no_text_does_more_than_pass_or_be_refused(text):
    with contextlib.suppress(BadGrammar):
        check_grammar("root ::= " + text)

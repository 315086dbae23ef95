"""The part of ``[classification]`` that names a site's own files."""

import hashlib

import pytest

from ringfence.configfile import ConfigError, Section, parse
from ringfence.recognize.custom.settings import Case, CustomSettings, Dictionary
from ringfence.recognize.plugins.settings import Kind, Plugin
from ringfence.recognize.settings import Classification


class Whole(Section):
    """A file with this section alone."""

    classification: Classification = Classification()


@pytest.fixture
def read(tmp_path):
    """A function from a text to the section of a file in a folder that has every file of the examples."""
    for name in ("patterns.toml", "allow.toml", "staff.txt", "staff.csv", "staff.hashes", "site.key"):
        (tmp_path / name).write_text("# nothing yet\n")
    return lambda text: parse(text, tmp_path / "site.toml", Whole).classification


EVERYTHING = """
[classification]
pattern_files = ["patterns.toml"]
allow_files = ["allow.toml"]
key_file = "site.key"

[[classification.dictionaries]]
name = "staff"
path = "staff.csv"
column = "name"
entity = "PERSON"
case = "capital"
person_variants = true

[[classification.dictionaries]]
name = "accounts"
path = "staff.hashes"
entity = "ACCOUNT"
hashed = true
"""


def test_every_file_becomes_a_value_beside_the_configuration(read, tmp_path):
    assert read(EVERYTHING).custom() == CustomSettings(
        pattern_files=(tmp_path / "patterns.toml",),
        dictionaries=(
            Dictionary(
                "staff", tmp_path / "staff.csv", "PERSON", case=Case.CAPITAL, person_variants=True, column="name"
            ),
            Dictionary("accounts", tmp_path / "staff.hashes", "ACCOUNT", hashed=True),
        ),
        allow_files=(tmp_path / "allow.toml",),
        key_file=tmp_path / "site.key",
    )


def test_a_site_without_files_has_none(read):
    assert read("").custom() == CustomSettings()
    assert read("").others() == ()


PLUGIN = '[[classification.plugins]]\nname = "house"\nkind = "spacy"\npath = "."\n'


LLM = '[[classification.plugins]]\nname = "second"\nkind = "llm"\nmodel = "house"\n'


def test_which_model_is_asked_is_policy(read):
    assert read(LLM).others() == (Plugin("second", Kind.LLM, model="house"),)
    assert read(LLM).digest() != read(LLM.replace('"house"', '"other"')).digest()


def test_a_plug_in_becomes_a_value_and_is_policy(read, tmp_path):
    section = read(PLUGIN + 'labels = { PER = "PERSON" }\nscore_min = 0.8\n')
    assert section.others() == (Plugin("house", Kind.SPACY, tmp_path, {"PER": "PERSON"}, score_min=0.8),)
    assert section.document() != read(PLUGIN).document()
    one, other = (PLUGIN + f"labels = {{ {pairs} }}\n" for pairs in ('A = "ID", B = "URL"', 'B = "URL", A = "ID"'))
    assert read(one).digest() == read(other).digest()
    assert str(tmp_path) not in str(section.document())


HEAD = '[[classification.dictionaries]]\nname = "a"\npath = "staff.txt"\n'


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (HEAD.replace("staff.txt", "stuff.txt"), 3, "cannot be read: No such file"),
        (HEAD + 'entity = "PERSN"\n', 4, "write PERSON"),
        (HEAD + 'entty = "PERSON"\n', 4, "write entity"),
        (HEAD + 'case = "any"\n', 4, "'ignore', 'capital' or 'exact'"),
        (HEAD + HEAD, 1, "twice: a"),
        (HEAD + "hashed = true\n", 1, "needs key_file"),
        ('[classification]\nkey_file = "site.key"\n' + HEAD + 'hashed = true\ncase = "exact"\n', 3, "no exact case"),
        (HEAD.replace("staff.txt", "staff.csv"), 1, "needs column"),
        (HEAD.replace('"a"', '"a b"'), 2, "pattern"),
        (PLUGIN + PLUGIN, 1, "twice: house"),
        (PLUGIN.replace('path = "."\n', ""), 1, "needs path"),
        (PLUGIN.replace('"spacy"', '"llm"'), 1, "llm has none"),
        (LLM.replace('model = "house"\n', ""), 1, "an llm needs model"),
        (PLUGIN + 'model = "house"\n', 1, "no other kind has one"),
        (PLUGIN.replace('"."', '"elsewhere"'), 4, "there is no such folder"),
        (PLUGIN + 'labels = { PER = "PERSN" }\n', 5, "write PERSON"),
        ('[classification]\npattern_files = ["patern.toml"]\n', 2, "cannot be read"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(read, text, line, told):
    with pytest.raises(ConfigError) as caught:
        read(text)
    (first, *_) = str(caught.value).splitlines()
    assert f"site.toml:{line}: classification" in first
    assert told in first


def test_the_policy_names_files_by_their_digests_and_never_by_their_content(read, tmp_path):
    """A changed list is another policy; neither a term, nor a path, nor anything of the key stands there."""
    (tmp_path / "staff.csv").write_text("name\nJoanna Whitfield\n")
    (tmp_path / "site.key").write_bytes(b"k" * 32)
    before = read(EVERYTHING).document()
    assert "Whitfield" not in str(before)
    assert str(tmp_path) not in str(before)
    assert hashlib.sha256(b"k" * 32).hexdigest() not in str(before)
    assert hashlib.sha256((tmp_path / "staff.csv").read_bytes()).hexdigest() in str(before)
    (tmp_path / "staff.csv").write_text("name\nJoanna Whitfeld\n")
    assert read(EVERYTHING).document() != before


def test_the_list_of_approved_pictures_is_part_of_the_policy_and_of_its_digest(read, tmp_path):
    """Another list is another digest; a site without one has none in it."""
    text = '[classification]\napproved_pictures = "pictures.sha256"\n'
    (tmp_path / "pictures.sha256").write_text(f"{'a' * 64}  logo.png\n")
    first = read(text)
    assert first.policy().pictures == {"a" * 64}
    digest = first.digest()
    (tmp_path / "pictures.sha256").write_text(f"{'b' * 64}  logo.png\n")
    assert len({digest, read(text).digest(), read("[classification]\n").digest()}) == 3
    assert read("").policy().pictures == frozenset()


def test_a_list_of_pictures_that_is_none_is_refused_with_its_line(read, tmp_path):
    (tmp_path / "pictures.sha256").write_text("logo.png\n")
    with pytest.raises(ConfigError, match="line 1 is no digest and name"):
        read('[classification]\napproved_pictures = "pictures.sha256"\n')

import pytest

from ringfence.recognize.custom import CustomSettings, Dictionary, load_custom
from ringfence.recognize.custom.hashed import build
from ringfence.recognize.custom.terms import read_terms
from ringfence.recognize.fold import Folder

KEY = bytes(range(32))


@pytest.fixture
def write(tmp_path):
    """Write a file of the site's; its path."""

    def run(name, text):
        path = tmp_path / name
        path.write_text(text)
        return path

    return run


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "site.key"
    path.write_bytes(KEY)
    path.chmod(0o600)
    return path


@pytest.fixture
def dictionary(write, tmp_path):
    """A dictionary of some terms, plain or hashed."""

    def make(*terms, hashed=False, name="staff", entity_type="PERSON", **options):
        path = write(f"{name}.txt", "\n".join(terms))
        plain = Dictionary(name, path, entity_type, **options)
        if not hashed:
            return plain
        blob = build(read_terms(plain), KEY, person_variants=plain.person_variants)
        path = tmp_path / f"{name}.hashed"
        path.write_bytes(blob)
        return Dictionary(name, path, entity_type, plain.case, hashed=True)

    return make


@pytest.fixture
def look(key_file):
    """What the site's own recognisers find in a text, as pairs of type and text; sorted, once each."""

    def run(text, *, patterns=(), dictionaries=(), cache=None):
        settings = CustomSettings(tuple(patterns), tuple(dictionaries), (), key_file)
        folded = Folder().fold(text)
        found = set()
        for stage in load_custom(settings, cache).stages:
            for span in stage(folded.data):
                start, end = folded.span(span.start, span.end)
                found.add((span.entity_type, text[start:end]))
        return sorted(found)

    return run

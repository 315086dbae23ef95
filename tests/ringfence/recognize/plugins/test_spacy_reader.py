"""A spaCy pipeline from a folder: through a stand-in everywhere, for real where spaCy is installed."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from ringfence.recognize.plugins import Kind, Plugin, PluginUnavailable, load_plugins


def stand_in(load):
    module = ModuleType("spacy")
    module.load = load
    return module


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.cfg").write_text("")
    return tmp_path


def test_entities_of_a_pipeline_become_spans(monkeypatch, folder):
    def load(path):
        assert path == folder
        entity = SimpleNamespace(start_char=0, end_char=3, label_="PERSON")
        return lambda _text: SimpleNamespace(ents=[entity])

    monkeypatch.setitem(sys.modules, "spacy", stand_in(load))
    (reading,) = load_plugins([Plugin("mine", Kind.SPACY, folder)])
    assert [(span.start, span.end, span.entity_type) for span in reading("Ana came")] == [(0, 3, "PERSON")]


def test_labels_are_mapped_as_configured(monkeypatch, folder):
    entity = SimpleNamespace(start_char=0, end_char=3, label_="WARD")
    nlp = stand_in(lambda _path: lambda _text: SimpleNamespace(ents=[entity]))
    monkeypatch.setitem(sys.modules, "spacy", nlp)
    (reading,) = load_plugins([Plugin("mine", Kind.SPACY, folder, labels={"ward": "PLACE"})])
    assert [span.entity_type for span in reading("Ana came")] == ["PLACE"]


def test_a_type_that_we_do_not_have_is_refused_by_name(folder):
    with pytest.raises(PluginUnavailable, match="STAFF: write one of PERSON"):
        load_plugins([Plugin("mine", Kind.SPACY, folder, labels={"WARD": "STAFF"})])


def test_without_spacy_the_error_says_what_to_install(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(PluginUnavailable, match="pip install spacy"):
        load_plugins([Plugin("mine", Kind.SPACY, folder)])


def test_a_folder_that_holds_no_pipeline_is_refused(monkeypatch, tmp_path, folder):
    def broken(_path):
        raise ValueError("E053")

    monkeypatch.setitem(sys.modules, "spacy", stand_in(broken))
    with pytest.raises(PluginUnavailable, match="cannot load it: ValueError"):
        load_plugins([Plugin("mine", Kind.SPACY, folder)])
    (folder / "config.cfg").unlink()
    with pytest.raises(PluginUnavailable, match="no spaCy pipeline"):
        load_plugins([Plugin("mine", Kind.SPACY, folder)])
    with pytest.raises(PluginUnavailable, match="nothing is downloaded"):
        load_plugins([Plugin("mine", Kind.SPACY, tmp_path / "en_core_web_lg")])


@pytest.mark.filterwarnings("default")  # spaCy's own imports warn
def test_a_real_pipeline_with_an_entity_ruler_is_read(tmp_path):
    spacy = pytest.importorskip("spacy", reason="spaCy is not installed")
    nlp = spacy.blank("en")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "ORG", "pattern": "Zorblax Ward"}])
    nlp.to_disk(tmp_path / "pipeline")
    (reading,) = load_plugins([Plugin("mine", Kind.SPACY, tmp_path / "pipeline", seconds_max=30)])
    text = "Seen at Zorblax Ward."
    assert [(text[span.start : span.end], span.entity_type) for span in reading(text)] == [
        ("Zorblax Ward", "ORGANISATION")
    ]

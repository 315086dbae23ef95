"""A GLiNER model from a folder, through a stand-in of its interface."""

import sys
from types import ModuleType

import pytest

from ringfence.recognize.plugins import Kind, Plugin, PluginUnavailable, load_plugins


class StandIn:
    """What gliner.GLiNER does, as far as it is used."""

    @classmethod
    def from_pretrained(cls, folder, *, local_files_only):
        assert local_files_only
        assert folder
        return cls()

    def predict_entities(self, text, labels, *, threshold):
        assert threshold == 0.4
        return [{"start": 0, "end": 3, "text": text[:3], "label": labels[0], "score": 0.8}]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "gliner_config.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize("labels", [{}, {"Person name": "PERSON"}])
def test_the_model_is_asked_for_labels_and_its_answers_are_spans(monkeypatch, folder, labels):
    module = ModuleType("gliner")
    module.GLiNER = StandIn
    monkeypatch.setitem(sys.modules, "gliner", module)
    (reading,) = load_plugins([Plugin("mine", Kind.GLINER, folder, labels=labels, score_min=0.4)])
    assert [(span.entity_type, span.score) for span in reading("Ana came")] == [("PERSON", 0.8)]


def test_without_gliner_the_error_says_what_to_install(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "gliner", None)
    with pytest.raises(PluginUnavailable, match="pip install gliner"):
        load_plugins([Plugin("mine", Kind.GLINER, folder)])


def test_a_folder_that_holds_no_model_is_refused(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "gliner", ModuleType("gliner"))
    with pytest.raises(PluginUnavailable, match=r"gliner_config\.json"):
        load_plugins([Plugin("mine", Kind.GLINER, tmp_path)])

"""Token classes become entities; a real graph is read where onnx is installed."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.plugins import Kind, Plugin, PluginFailed, PluginUnavailable, load_plugins
from ringfence.recognize.plugins.guard import Guarded
from ringfence.recognize.plugins.onnx_reader import decode, misfit

LABELS = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 4: "I-LOC"}


def decoded(*classes, real=None):
    logits = np.full((len(classes), len(LABELS)), -5.0)
    for row, best in enumerate(classes):
        logits[row, best] = 5.0
    offsets = [(2 * row, 2 * row + 1) for row in range(len(classes))]
    return [
        (claim.start, claim.end, claim.label)
        for claim in decode(logits, offsets, real or [True] * len(classes), LABELS)
    ]


def test_a_begin_and_its_insides_are_one_entity():
    assert decoded(0, 1, 2, 2, 0) == [(2, 7, "PER")]


def test_a_second_begin_begins_a_second_entity():
    assert decoded(1, 1, 2) == [(0, 1, "PER"), (2, 5, "PER")]


def test_an_inside_after_nothing_or_after_another_type_counts():
    assert decoded(2, 4, 0, 4) == [(0, 1, "PER"), (2, 3, "LOC"), (6, 7, "LOC")]


def test_special_tokens_are_no_text():
    assert decoded(1, 1, 1, real=[False, True, False]) == [(2, 3, "PER")]


def test_an_entity_is_as_sure_as_its_least_sure_token():
    (claim,) = decode(np.array([[0.0, 9, 0, 0, 0], [0, 0, 1, 0, 0]]), [(0, 1), (2, 3)], [True, True], LABELS)
    assert 0.3 < claim.score < 0.5


@given(st.lists(st.integers(0, 4), max_size=30))
def test_every_token_of_a_class_lies_in_an_entity_of_its_type_and_no_other_token_does(classes):
    claims = decoded(*classes)
    for row, best in enumerate(classes):
        types = [label for start, end, label in claims if start <= 2 * row < end]
        assert types == ([] if best == 0 else [LABELS[best][2:]])


def test_without_the_libraries_or_the_files_it_is_unavailable(tmp_path):
    """The text names what to install, or what is missing."""
    with pytest.raises(PluginUnavailable, match=r"pip install onnxruntime tokenizers|model\.onnx"):
        load_plugins([Plugin("mine", Kind.ONNX, tmp_path)])


def test_a_real_graph_is_read(tmp_path):
    """A graph whose logits are rows of a table by token: `ana` and `perez` are a person."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed")
    words = {"[UNK]": 0, "ana": 1, "perez": 2, "came": 3}
    table = np.full((4, len(LABELS)), -5.0, np.float32)
    for token, best in ((0, 0), (1, 1), (2, 2), (3, 0)):
        table[token, best] = 5.0
    helper = onnx.helper
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["logits"], axis=0)],
        "tiny",
        [helper.make_tensor_value_info("input_ids", onnx.TensorProto.INT64, [1, None])],
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [1, None, len(LABELS)])],
        [onnx.numpy_helper.from_array(table, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(tmp_path / "model.onnx"))
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    config = {"id2label": {str(index): label for index, label in LABELS.items()}, "max_position_embeddings": 16}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (reading,) = load_plugins([Plugin("mine", Kind.ONNX, tmp_path)])
    text = "then " * 40 + "Ana Pérez came"
    assert {(text[span.start : span.end], span.entity_type) for span in reading(text)} == {("Ana Pérez", "PERSON")}


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", [(0, 0), (1, 3), (2, 4)])
def test_logits_that_are_no_numbers_fail_the_reading(wrong, where):
    """The largest of a row with a NaN is its first, which is O: a broken graph would find a text clean."""
    logits = np.zeros((3, len(LABELS)))
    logits[where] = wrong
    with pytest.raises(PluginFailed, match="finite"):
        list(decode(logits, [(0, 1), (2, 3), (4, 5)], [False, True, True], LABELS))


@pytest.mark.parametrize("shape", [(2, 4), (2, 6), (3, 5), (1, 5), (5,), (1, 2, 5)])
def test_logits_of_another_shape_fail_the_reading(shape):
    with pytest.raises(PluginFailed, match="shape"):
        list(decode(np.zeros(shape), [(0, 1), (2, 3)], [True, True], LABELS))


def test_a_class_that_has_no_label_fails_the_reading():
    labels = {0: "O", 1: "B-PER", 2: "I-PER", 3: "B-LOC", 7: "I-LOC"}
    with pytest.raises(PluginFailed, match="no label"):
        list(decode(np.eye(5)[4:], [(0, 1)], [True], labels))


def test_a_failed_reading_is_not_a_clean_one():
    broken = np.full((1, 5), np.nan)
    plugin = Guarded(Plugin("mine", Kind.ONNX), lambda _text: decode(broken, [(0, 4)], [True], LABELS), {})
    with pytest.raises(PluginFailed):
        plugin("Jane Doe")


@pytest.mark.parametrize(
    ("labels", "width", "told"),
    [
        (LABELS, 5, ""),
        (LABELS, "labels", ""),
        (LABELS, None, ""),
        (LABELS, 4, "id2label has 5 labels and the graph 4 classes"),
        (LABELS, 9, "id2label has 5 labels and the graph 9 classes"),
        ({}, None, "id2label is not numbered from 0 on"),
        ({0: "O", 2: "B-PER"}, 2, "id2label is not numbered from 0 on"),
        ({1: "O", 2: "B-PER"}, None, "id2label is not numbered from 0 on"),
    ],
)
def test_labels_must_be_as_many_as_the_graph_has_classes(labels, width, told):
    """A width that the graph leaves open is compared with each answer."""
    assert misfit(labels, width) == told

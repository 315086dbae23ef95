"""The tagger's weights: what ships and what measures are alike, intact, and good on rows that they have not seen."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from ringfence.recognize import TEMPLATES, load, shipped
from ringfence.recognize.tagger import WEIGHTS, load_tagger

ROOT = Path(__file__).parents[2]
JUDGE = ROOT / "models" / "tagger" / "judge.npz"
CARD = ROOT / "models" / "tagger" / "MODEL_CARD.md"
DATA = ROOT.parent / "shared" / "data" / "deid"
sys.path.insert(0, str(ROOT / "bench"))
sys.path.insert(0, str(ROOT / "models"))

from tagger.augment import Augmenter  # noqa: E402 - likewise
from tagger.corpus import TYPES, Document, example, read_folder, read_generated  # noqa: E402 - likewise

from deid_parts.generate import generate  # noqa: E402 - found on the path just added
from ringfence.recognize.fold import Folder  # noqa: E402 - after the ones above


def test_both_files_of_weights_are_whole_and_tell_the_same_types():
    with np.load(WEIGHTS, allow_pickle=False) as ships, np.load(JUDGE, allow_pickle=False) as judges:
        assert tuple(ships["types"]) == tuple(judges["types"]) == TYPES
        assert {name: ships[name].shape for name in ships.files} == {name: judges[name].shape for name in judges.files}


def test_the_card_names_the_weights_that_ship():
    card = CARD.read_text(encoding="utf-8")
    assert load_tagger(WEIGHTS).version in card
    assert load_tagger(JUDGE).version in card


@pytest.mark.parametrize(
    ("stem", "policy", "recall_min"),
    [
        ("asq_phi_dev", "hospital-us", 0.98),
        ("meddocan_dev", "hospital-eu", 0.98),
        ("presidio_research_dev", "bank-eu", 0.9),
    ],
)
def test_entities_of_rows_that_were_held_out_are_found(stem, policy, recall_min, tmp_path):
    path = DATA / f"{stem}.jsonl"
    if not path.exists():
        pytest.skip("the development data is not here")
    recogniser = load(tmp_path, TEMPLATES[policy], shipped(JUDGE))
    found = entities = 0
    for row in (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[::5]):
        covered = bytearray(len(row["text"]))
        for finding in recogniser.scan(row["text"]):
            covered[finding.start : finding.end] = b"\x01" * (finding.end - finding.start)
        for start, end, _label, _group in row["spans"]:
            entities += 1
            found += all(covered[place] for place in range(start, end) if not row["text"][place].isspace())
    assert found / entities >= recall_min


def test_a_name_in_a_plain_sentence_is_found(tmp_path):
    recogniser = load(tmp_path, TEMPLATES["hospital-us"], shipped())
    text = "We saw Margaret Ellison at Boston General Hospital and she is better."
    found = {(finding.entity_type, text[finding.start : finding.end]) for finding in recogniser.scan(text)}
    assert ("PERSON", "Margaret Ellison") in found
    assert any(kind in ("PLACE", "ORGANISATION") and "Boston General Hospital" in words for kind, words in found)


def test_a_clinical_question_has_no_findings(tmp_path):
    recogniser = load(tmp_path, TEMPLATES["hospital-us"], shipped())
    assert recogniser.scan("What is the first-line treatment of Crohn's disease in a 45-year-old woman?") == ()


def test_what_a_corpus_does_not_annotate_teaches_nothing():
    document = Document("Anna is 45.", ((0, 4, "PERSON"),), frozenset({"PERSON"}), "test")
    one = example(document, Folder())
    assert one.targets[:, TYPES.index("PERSON")].tolist() == [1, 0, 0, 0]
    assert one.mask[:, TYPES.index("PERSON")].tolist() == [1, 1, 1, 1]
    assert one.mask[1:, TYPES.index("AGE")].tolist() == [0, 0, 0]


def test_a_variation_keeps_the_frame_and_marks_what_it_put_there():
    document = Document(
        "Dr. Anna Smith saw Bob.", ((0, 14, "PERSON"), (19, 22, "PERSON")), frozenset({"PERSON"}), "asq"
    )
    varied = [Augmenter([document], seed).vary(document) for seed in range(5)]
    for one in varied:
        assert one is not None
        assert len(one.spans) == 2
        assert one.text.lower().startswith("dr.")
        start, end, _ = one.spans[1]
        assert one.text[start:end].strip() == one.text[start:end] != ""


def test_generated_documents_teach_from_their_training_split_alone():
    taught = {document.text for document in read_generated(3, 2)}
    assert not taught & {made.text for made in generate("note", "en", 3, 50, "eval")}


def test_every_corpus_has_labels_that_are_known():
    if not DATA.exists():
        pytest.skip("the development data is not here")
    for stem, _row, document in read_folder(DATA):
        assert all(kind in TYPES or kind == "" for _start, _end, kind in document.spans), stem

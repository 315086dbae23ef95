"""The bundled model file: intact, small, complete, and able to do what its card says."""

import hashlib
import json
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))

from tiny import notes, questions
from tiny.names import RESERVED
from tiny.surrogates import replaced

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "models" / "tiny" / "ringfence-tiny.gguf"
EXAMPLES = ROOT / "examples"
FLOOR = -0.25  # the card's floor for the lowest token log-probability of an answer


@pytest.fixture(scope="module")
def model() -> Any:
    """The model in llama.cpp, one thread, or a skip where llama-cpp-python is not installed."""
    llama_cpp = pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed")
    return llama_cpp.Llama(str(MODEL), n_ctx=1024, n_threads=1, n_threads_batch=1, verbose=False, logits_all=True)


def ask(model: Any, text: str) -> tuple[str, float]:
    """Return the answer to one user message and the lowest log-probability of its tokens."""
    choice = model.create_chat_completion(
        messages=[{"role": "user", "content": text}], temperature=0.0, max_tokens=160, logprobs=True, top_logprobs=1
    )["choices"][0]
    assert choice["finish_reason"] in {"stop", "length"}
    return choice["message"]["content"], min(token["logprob"] for token in choice["logprobs"]["content"])


def example(name: str) -> str:
    """Read one of the examples."""
    return (EXAMPLES / f"{name}.txt").read_text(encoding="utf-8")


def test_the_checksum_matches() -> None:
    """The file beside the model names it and holds its SHA-256."""
    digest, name = MODEL.with_name(f"{MODEL.name}.sha256").read_text(encoding="ascii").split()
    assert name == MODEL.name
    assert digest == hashlib.sha256(MODEL.read_bytes()).hexdigest()


def test_the_file_is_small() -> None:
    """Under two megabytes, so that a repository may carry it."""
    assert MODEL.stat().st_size < 2_000_000


def test_the_metadata_says_what_engines_need(model: Any) -> None:
    """Architecture, context, tokenizer, end of sequence and chat template are in the file."""
    metadata = model.metadata
    assert metadata["general.architecture"] == "llama"
    assert metadata["general.license"] == "Apache-2.0"
    assert metadata["llama.context_length"] == "1024"
    assert metadata["tokenizer.ggml.model"] == "gpt2"
    assert metadata["tokenizer.ggml.pre"] == "gpt-2"
    assert metadata["tokenizer.ggml.add_bos_token"] == "false"
    assert metadata["tokenizer.ggml.eos_token_id"] == "0"
    assert "<|assistant|>" in metadata["tokenizer.chat_template"]


def test_any_text_survives_the_tokenizer(model: Any) -> None:
    """Byte-level tokens give odd input back unchanged."""
    for text in ("Żółć  naïve 🏥\t\r\n\n x", "'s 've don't 12/34-56", "\x00\x7f", "日本語 العربية", "   "):
        assert model.detokenize(model.tokenize(text.encode(), add_bos=False)).decode() == text


def test_held_out_notes_are_read_right(model: Any) -> None:
    """At least 18 of 20 notes with names never trained on are answered byte for byte."""
    rng = Random(99)
    drawn = [notes.draw(rng, pool=RESERVED) for _ in range(20)]
    assert sum(ask(model, note.text)[0] == note.answer for note in drawn) >= 18


def test_public_questions_are_answered_from_memory(model: Any) -> None:
    """The demonstration's question gets its sentence."""
    question = example("public-question").strip()
    assert ask(model, question)[0] == dict(questions.QUESTIONS)[question]


def test_the_example_notes_are_read_right_and_surely(model: Any) -> None:
    """The two notes of the demonstration are answered exactly, above the floor."""
    answer, lowest = ask(model, example("discharge-note"))
    assert json.loads(answer) == {
        "name": "Margarete Ellison-Varga",
        "case": "H-2291-40873",
        "department": "cardiology",
        "urgency": "soon",
        "topic": "discharge",
    }
    assert lowest >= FLOOR
    answer, lowest = ask(model, example("payment-dispute"))
    assert json.loads(answer) == {
        "name": "Anselm O'Reardon",
        "case": "DSP-58204",
        "department": "cards",
        "urgency": "urgent",
        "topic": "payment dispute",
    }
    assert lowest >= FLOOR


def test_the_unfamiliar_note_falls_under_the_floor(model: Any) -> None:
    """A layout that was never trained on is not answered surely."""
    assert ask(model, example("unfamiliar-note"))[1] < FLOOR


def test_the_discharge_note_is_read_right_with_other_identifiers(model: Any) -> None:
    """Surrogates of the same formats do not confuse the model: at least 9 of 10 replacements are read right."""
    rng = Random(5)
    right = 0
    for _ in range(10):
        names = ("Margarete Ellison-Varga", "Ruben Castellan", "Tobias Varga")
        changed, people, case = replaced(rng, example("discharge-note"), names, "H-2291-40873", "She presented")
        answer = json.loads(ask(model, changed)[0])
        right += tuple(answer.values()) == (people[0], case, "cardiology", "soon", "discharge")
    assert right >= 9

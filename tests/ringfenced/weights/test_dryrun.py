"""Questions to a dry run and its answers, and what llama.cpp refuses."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.weights.dryrun import DeviceUse, DryRunFailed, LoadSettings, answer, answered, ask, asked
from ringfenced.weights.files import read_gguf_file

USE = DeviceUse("cpu", 1, 2, 3, 1)


def test_questions_come_back_as_they_were():
    settings = (LoadSettings(4096, 4), LoadSettings(256, tensor_split=(1.0, 2.0), gpu_layers=-1, value_type="q8_0"))
    assert asked(ask("/m.gguf", settings)) == ("/m.gguf", settings)


def test_answers_come_back_as_they_were():
    lines = "\n".join((answer([USE]), answer(None))).encode()
    assert answered(lines, 2) == ((USE,), None)
    assert USE.bytes == 6


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 1),
        (b"{", 1),
        (b"[]\n[]", 1),
        (b"[1]", 1),
        (b'[{"device": "cpu"}]', 1),
        (answer([replace(USE, cache_bytes=-1)]).encode(), 1),
        (json.dumps([{**json.loads(answer([USE]))[0], "cache_bytes": "1"}]).encode(), 1),
        (b"[" * 100_000, 1),
        (b"x" * (2 << 20), 1),
    ],
)
def test_anything_else_is_no_answer(data, expected):
    with pytest.raises(DryRunFailed):
        answered(data, expected)


@given(st.binary(max_size=80))
def test_any_bytes_are_an_answer_or_none(data):
    with contextlib.suppress(DryRunFailed):
        answered(data, 1)


def test_scores_are_whole_where_they_are_small_and_nothing_asks_for_flash():
    settings = LoadSettings(4096, batch_tokens=512)
    assert not settings.uses_flash(heads=32)
    assert settings.uses_flash(heads=33)
    assert replace(settings, gpu_layers=-1).uses_flash(heads=1)
    assert replace(settings, value_type="q8_0").uses_flash(heads=1)
    assert not replace(settings, flash_attention="off").uses_flash(heads=1000)


def test_results_are_a_row_for_each_sequence_or_token():
    assert LoadSettings(4096, 8).outputs == 8
    assert LoadSettings(4096, 8, embeddings=True).outputs == 512


@pytest.mark.parametrize(
    ("kind", "changes", "why"),
    [
        ("llama", {"value_type": "q8_0", "flash_attention": "off"}, "flash"),
        ("deepseek2", {"key_type": "q8_0", "value_type": "q8_0"}, "144"),
        ("deepseek2", {"key_type": "f32"}, "one type"),
        ("llama", {"key_type": "q8_0", "value_type": "q8_0"}, ""),
        ("mamba", {"key_type": "q8_0", "value_type": "q8_0"}, ""),
    ],
)
def test_what_llama_cpp_refuses_is_known_before(small_models, kind, changes, why):
    """test_probing.py asks it."""
    refusal = replace(LoadSettings(4096), **changes).cache_refusal(read_gguf_file(small_models[kind]).shape)
    assert why in refusal
    assert bool(why) == bool(refusal)

"""What vLLM's workers are asked for."""

from __future__ import annotations

from types import SimpleNamespace

from ringfenced.engines.vllm.extension import Extension


def worker(runner, device="cpu"):
    extension = Extension()
    extension.model_runner = runner
    extension.device = SimpleNamespace(type=device)
    return extension


def test_what_the_model_takes_is_told_by_device():
    tensor = SimpleNamespace(nbytes=8)
    runner = SimpleNamespace(model_memory_usage=100, kv_caches=[tensor, (tensor, [tensor])])
    assert worker(runner).ringfence_memory() == {"device": "cpu", "weights_bytes": 100, "cache_bytes": 24}


def test_weights_are_counted_where_vllm_did_not():
    model = SimpleNamespace(parameters=lambda: [SimpleNamespace(nbytes=3), SimpleNamespace(nbytes=4)])
    runner = SimpleNamespace(get_model=lambda: model)
    assert worker(runner).ringfence_memory() == {"device": "cpu", "weights_bytes": 7, "cache_bytes": None}


def test_what_is_not_known_is_none():
    assert Extension().ringfence_memory() == {"device": "cpu", "weights_bytes": None, "cache_bytes": None}


def test_its_names_are_nobody_elses():
    assert [name for name in vars(Extension) if not name.startswith("__")] == ["ringfence_memory"]

"""What vLLM is told by variables."""

from __future__ import annotations

from pathlib import Path

from ringfenced.engines.vllm.environment import apply


def applied(threads=0, *, needs_network=False, **before):
    environment = dict(before)
    apply(environment, folder=Path("/f"), cache=Path("/c"), threads=threads, needs_network=needs_network)
    return environment


def test_nothing_is_reported_or_fetched():
    environment = applied(VLLM_NO_USAGE_STATS="0", HF_HUB_OFFLINE="0")
    assert environment["VLLM_NO_USAGE_STATS"] == environment["DO_NOT_TRACK"] == environment["HF_HUB_OFFLINE"] == "1"
    assert environment["VLLM_LOGGING_LEVEL"] == "ERROR"


def test_its_processes_are_spawned_so_that_they_are_tied():
    assert applied(VLLM_WORKER_MULTIPROC_METHOD="fork")["VLLM_WORKER_MULTIPROC_METHOD"] == "spawn"


def test_sockets_and_caches_lie_where_they_are_told_to():
    environment = applied()
    assert environment["VLLM_RPC_BASE_PATH"] == "/f"
    for name in ("TMPDIR", "VLLM_CACHE_ROOT", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"):
        assert environment[name].startswith("/c/")


def test_the_only_network_is_the_loopback_but_of_a_model_on_several_nodes():
    assert applied()["VLLM_HOST_IP"] == "127.0.0.1"
    assert not {"VLLM_HOST_IP", "GLOO_SOCKET_IFNAME"} & applied(needs_network=True).keys()


def test_threads_are_vllms_affair_unless_they_are_asked_for():
    assert "OMP_NUM_THREADS" not in applied()
    assert applied(threads=3)["OMP_NUM_THREADS"] == "3"

"""What a vLLM engine is started with."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfenced.engines.vllm.options import LORA_RANKS, BadOption, Options, engine_arguments, lora_rank, parser, read


def options(*arguments):
    return read(parser().parse_args(["--socket", "/s", "--model", "/m", *arguments]))


def test_what_is_not_said_is_usual():
    assert options() == Options(Path("/m"))


def test_every_option_is_read():
    assert options(
        *("--context", "8192", "--sequences", "3", "--queue", "7", "--threads", "2", "--memory-share", "0.5"),
        *("--tensor-parallel", "4", "--pipeline-parallel", "2", "--no-prefix-cache", "--embeddings"),
        "--no-logprobs",
        *("--adapter", "a=/x", "--adapter", "b=/y=z", "--argument", "seed=1", "--argument", 'dtype="float32"'),
    ) == Options(
        Path("/m"),
        context_tokens=8192,
        sequences=3,
        queue=7,
        threads=2,
        memory_share=0.5,
        tensor_parallel=4,
        pipeline_parallel=2,
        prefix_cache=False,
        embeddings=True,
        tells_logprobs=False,
        adapters={"a": Path("/x"), "b": Path("/y=z")},
        arguments={"seed": 1, "dtype": "float32"},
    )


@pytest.mark.parametrize("pair", ["a", "=x", "a=", ""])
def test_a_pair_that_is_none_is_told_of(pair):
    with pytest.raises(BadOption, match="--adapter"):
        options("--adapter", pair)


def test_an_argument_that_is_no_json_is_told_of_by_its_name_alone():
    with pytest.raises(BadOption, match="--argument dtype") as caught:
        options("--argument", "dtype=float32")
    assert "float32" not in str(caught.value)


def test_vllm_gets_them_in_its_own_words():
    found = engine_arguments(options("--context", "64", "--tensor-parallel", "2", "--pipeline-parallel", "3"))
    assert found["model"] == "/m"
    assert found["max_model_len"] == 64
    assert (found["tensor_parallel_size"], found["pipeline_parallel_size"]) == (2, 3)
    assert found["scheduling_policy"] == "priority"
    assert found["trust_remote_code"] is False
    assert found["enable_log_requests"] is False
    assert found["disable_log_stats"] is True
    assert "enable_lora" not in found


def test_without_a_length_vllm_takes_the_models():
    assert "max_model_len" not in engine_arguments(options())


def test_adapters_get_room_for_the_highest_rank():
    found = engine_arguments(options("--adapter", "a=/x", "--adapter", "b=/y"), lora_rank([{"r": 4}, {"r": 20}]))
    assert (found["enable_lora"], found["max_loras"], found["max_lora_rank"]) == (True, 2, 32)


def test_a_model_that_embeds_pools():
    found = engine_arguments(options("--embeddings"))
    assert (found["runner"], found["convert"]) == ("pooling", "embed")
    assert not found["enable_prefix_caching"]


def test_further_arguments_have_the_last_word():
    found = engine_arguments(options("--memory-share", "0.5", "--argument", "gpu_memory_utilization=0.7"))
    assert found["gpu_memory_utilization"] == 0.7


@pytest.mark.parametrize(("ranks", "reserved"), [([], 0), ([1], 8), ([8], 8), ([9, 3], 16), ([512], 512)])
def test_ranks_are_rounded_up_to_what_vllm_takes(ranks, reserved):
    assert lora_rank([{"r": rank} for rank in ranks]) == reserved


@pytest.mark.parametrize("config", [{}, {"r": "8"}, {"r": LORA_RANKS[-1] + 1}])
def test_an_adapter_without_a_rank_or_with_too_high_a_one_is_told_of(config):
    with pytest.raises(BadOption, match="rank"):
        lora_rank([config])


@pytest.mark.parametrize(
    ("arguments", "is_so"),
    [
        ((), False),
        (("--argument", "nnodes=1"), False),
        (("--argument", "nnodes=2"), True),
        (("--argument", 'distributed_executor_backend="ray"'), True),
    ],
)
def test_only_a_model_on_several_nodes_needs_a_network(arguments, is_so):
    assert options(*arguments).needs_network is is_so

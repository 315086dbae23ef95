"""What a vLLM engine is started with: its command line, and what that is in vLLM's own words. Pure."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ringfenced.engines import walls

LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""Ranks of adapters that vLLM reserves room for (vllm/config/lora.py)."""


class BadOption(ValueError):
    """A setting that cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Options:
    """One model and how it is hosted."""

    model: Path
    """The folder that Hugging Face's libraries read."""
    context_tokens: int = 0
    """Prompt and answer of one sequence; 0 as the model was trained."""
    sequences: int = 8
    """Answers at the same time."""
    queue: int = 256
    """Answers that wait."""
    threads: int = 0
    """Compute threads of a worker on processors; 0 for vLLM's own choice."""
    tensor_parallel: int = 1
    """Devices that share each layer."""
    pipeline_parallel: int = 1
    """Groups of devices that take turns."""
    memory_share: float = 0.9
    """Share of a device's memory."""
    prefix_cache: bool = True
    """Keep what was read of prompts."""
    embeddings: bool = False
    """It embeds texts and answers nothing."""
    tells_logprobs: bool = True
    """Tell every answer's lowest log-probability, which costs some percent, and not only where somebody asks."""
    adapters: Mapping[str, Path] = field(default_factory=dict)
    """LoRA adapters: name and folder."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of AsyncEngineArgs; they have the last word."""

    @property
    def needs_network(self) -> bool:
        """Whether its processes are on several nodes."""
        nodes = self.arguments.get("nnodes", 1)
        return self.arguments.get("distributed_executor_backend") == "ray" or (isinstance(nodes, int) and nodes > 1)


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    usual = Options(Path())
    parser = argparse.ArgumentParser(prog="ringfenced.engines.vllm", description="Host a model with vLLM.")
    parser.add_argument("--socket", type=Path, required=True, help="unix socket to listen on")
    parser.add_argument("--parent", type=int, default=0, help="process to die with; 0 for none")
    walls.add_options(parser)
    parser.add_argument("--progress-fd", type=int, default=-1, help="file to tell the stages of the start; -1 for none")
    parser.add_argument("--model", type=Path, required=True, help="folder of config, tokenizer and safetensors")
    parser.add_argument("--cache", type=Path, help="folder for compiled kernels; beside the socket if not given")
    parser.add_argument("--context", type=int, default=0, help="tokens, prompt and answer of one; 0 as trained")
    parser.add_argument("--sequences", type=int, default=usual.sequences, help="answers at the same time")
    parser.add_argument("--queue", type=int, default=usual.queue, help="answers that wait")
    parser.add_argument("--threads", type=int, default=0, help="compute threads on processors; 0 for vLLM's choice")
    parser.add_argument("--tensor-parallel", type=int, default=1, help="devices that share each layer")
    parser.add_argument("--pipeline-parallel", type=int, default=1, help="groups of devices that take turns")
    parser.add_argument("--memory-share", type=float, default=usual.memory_share, help="share of a device's memory")
    parser.add_argument("--no-prefix-cache", action="store_true", help="read every prompt anew")
    parser.add_argument("--embeddings", action="store_true", help="embed texts instead of answering")
    parser.add_argument(
        "--no-logprobs", action="store_true", help="tell log-probabilities only where they are asked for"
    )
    parser.add_argument("--adapter", action="append", default=[], metavar="NAME=FOLDER", help="a LoRA adapter")
    parser.add_argument(
        "--argument", action="append", default=[], metavar="NAME=JSON", help="a further field of AsyncEngineArgs"
    )
    return parser


def read(arguments: argparse.Namespace) -> Options:
    """Return the options of a parsed command line.

    Raises:
        BadOption: a pair is none, or a value is no JSON.
    """
    further: dict[str, Any] = {}
    for name, text in _pairs(arguments.argument, "--argument"):
        try:
            further[name] = json.loads(text)
        except ValueError:
            raise BadOption(f"--argument {name}: the value is no JSON; write text in quotation marks") from None
    return Options(
        model=arguments.model,
        context_tokens=arguments.context,
        sequences=arguments.sequences,
        queue=arguments.queue,
        threads=arguments.threads,
        tensor_parallel=arguments.tensor_parallel,
        pipeline_parallel=arguments.pipeline_parallel,
        memory_share=arguments.memory_share,
        prefix_cache=not arguments.no_prefix_cache,
        embeddings=arguments.embeddings,
        tells_logprobs=not arguments.no_logprobs,
        adapters={name: Path(folder) for name, folder in _pairs(arguments.adapter, "--adapter")},
        arguments=further,
    )


def engine_arguments(options: Options, lora_rank: int = 0) -> dict[str, Any]:
    """Return the fields of AsyncEngineArgs.

    Args:
        options: what is asked.
        lora_rank: highest rank of its adapters; 0 where it has none.
    """
    found: dict[str, Any] = {
        "model": str(options.model),
        "max_num_seqs": options.sequences,
        "tensor_parallel_size": options.tensor_parallel,
        "pipeline_parallel_size": options.pipeline_parallel,
        "gpu_memory_utilization": options.memory_share,
        "enable_prefix_caching": options.prefix_cache and not options.embeddings,
        "scheduling_policy": "priority",
        "disable_log_stats": True,
        "enable_log_requests": False,
        "trust_remote_code": False,
        "worker_extension_cls": "ringfenced.engines.vllm.extension.Extension",
    }
    if options.context_tokens:
        found["max_model_len"] = options.context_tokens
    if options.embeddings:
        found["runner"] = "pooling"
        found["convert"] = "embed"
        del found["scheduling_policy"]
    if options.adapters:
        found |= {"enable_lora": True, "max_loras": len(options.adapters), "max_lora_rank": lora_rank}
    return {**found, **options.arguments}


def lora_rank(configs: Sequence[Mapping[str, Any]]) -> int:
    """Return the rank to reserve for adapters with these configurations; 0 for none of them.

    Raises:
        BadOption: one has no rank, or a higher one than vLLM takes.
    """
    ranks = [config.get("r") for config in configs]
    if not all(isinstance(rank, int) for rank in ranks):
        raise BadOption("an adapter's adapter_config.json has no rank (r); it is not a LoRA adapter")
    needed = max(map(int, ranks), default=0)  # type: ignore[arg-type]  # all are integers
    if not needed:
        return 0
    for rank in LORA_RANKS:
        if rank >= needed:
            return rank
    raise BadOption(f"an adapter has rank {needed}; vLLM takes {LORA_RANKS[-1]} at most")


def _pairs(texts: Sequence[str], option: str) -> list[tuple[str, str]]:
    pairs = [text.partition("=") for text in texts]
    for name, equals, value in pairs:
        if not (name and equals and value):
            raise BadOption(f"{option} takes a name, =, and a value")
    return [(name, value) for name, _, value in pairs]

"""vLLM itself: the one module that imports it, with what differs between its versions.

Written for 0.26 to 0.32: AsyncLLM and the names around it are no stable interface of vLLM's.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import vllm
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.inputs import TokensPrompt
from vllm.lora.request import LoRARequest
from vllm.platforms import current_platform
from vllm.pooling_params import PoolingParams
from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams
from vllm.usage.usage_lib import UsageContext
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError

from ringfence.v1 import engine_pb2
from ringfenced.engines.vllm.making import Facts
from ringfenced.engines.vllm.options import BadOption, Options, engine_arguments, lora_rank
from ringfenced.engines.vllm.vocabulary import HfVocabulary
from ringfenced.engines.vllm.work import Generation, Refusal

SERVING = UsageContext.OPENAI_API_SERVER
"""What vLLM takes its defaults by, such as the tokens of a step: those of ``vllm serve``."""

_BATCH = 1
"""vLLM's priority of what gives way; the others have 0."""

_BLOCK_TOKENS = 128
"""Tokens of a block of the cache on processors, where nothing else is asked for (vllm/platforms/cpu.py)."""


class VllmHost:
    """One model in vLLM's processes, started by this one; belongs to the loop that runs."""

    def __init__(self, engine: Any, adapters: Mapping[str, LoRARequest], options: Options) -> None:
        """Take over an AsyncLLM; `open_host` makes one."""
        self._engine = engine
        self._adapters = adapters
        model, cache = engine.vllm_config.model_config, engine.vllm_config.cache_config
        self.vocabulary = HfVocabulary(engine.get_tokenizer())
        self.facts = Facts(
            version=vllm.__version__,
            architecture=str(next(iter(getattr(model, "architectures", None) or ["unknown"]))),
            model_bytes=sum(file.stat().st_size for file in options.model.glob("*.safetensors")),
            context_tokens_max=model.max_model_len,
            tokens_n=model.get_vocab_size(),
            cells=(cache.num_gpu_blocks or 0) * cache.block_size,
            defaults={} if options.embeddings else _defaults(model),
            adapters=tuple(adapters),
            dimensions=_dimensions(model) if options.embeddings else 0,
            tells_logprobs=options.tells_logprobs,
        )
        self.memory: list[engine_pb2.EngineMemory] = []

    # ── what requests ask for ────────────────────────────────────────────────────────────────────────────────────

    async def generate(self, generation: Generation) -> AsyncGenerator[Any, None]:
        """Yield RequestOutputs of what is new.

        Raises:
            Refusal: vLLM does not take the request.
            EngineDeadError: EngineCore is gone.
        """
        structure = generation.structure
        try:
            params = SamplingParams(
                **generation.params,
                structured_outputs=None if structure is None else StructuredOutputsParams(**structure),
                output_kind=RequestOutputKind.DELTA,
                detokenize=self.vocabulary.pieces is None,
            )
            stream = self._engine.generate(
                _prompt(generation),
                params,
                generation.name,
                lora_request=self._adapters.get(generation.adapter),
                priority=_BATCH if generation.is_batch else 0,
            )
            async with aclosing(stream):
                async for output in stream:
                    yield output
        except EngineDeadError:
            raise
        except Exception:  # noqa: BLE001  # whatever it raises, its text may quote the request
            raise Refusal("vLLM does not take the request") from None

    async def embed(self, generation: Generation) -> Sequence[float]:
        """Return the embedding of a prompt.

        Raises:
            Refusal: vLLM does not take it.
            EngineDeadError: EngineCore is gone.
        """
        vector: Sequence[float] = ()
        try:
            stream = self._engine.encode(_prompt(generation), PoolingParams(task="embed"), generation.name, priority=0)
            async with aclosing(stream):
                async for output in stream:
                    vector = output.outputs.data.float().reshape(-1).tolist()
        except EngineDeadError:
            raise
        except Exception:  # noqa: BLE001  # likewise
            raise Refusal("vLLM does not take the prompt") from None
        return vector

    async def sleep(self) -> bool:
        """Give the devices' memory back, the weights kept in the host's; return whether that is so."""
        if not self._can_sleep:
            return False
        await self._engine.sleep(level=1)
        return True

    async def wake(self) -> bool:
        """Take it again; return whether that is so."""
        if self._can_sleep:
            await self._engine.wake_up()
        return True

    @property
    def _can_sleep(self) -> bool:
        return bool(self._engine.vllm_config.model_config.enable_sleep_mode)

    # ── starting ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def warm_up(self) -> None:
        """Have everything compiled that is compiled on first use, and ask the workers for their memory."""
        prompt = [0] * max(1, min(8, self.facts.context_tokens_max - 3))
        if self.facts.dimensions:
            await self.embed(Generation("warm-up", prompt, {}))
        else:
            params = {"max_tokens": 2, "logprobs": 0, "temperature": 1.0, "top_p": 0.9, "top_k": 10, "seed": 1}
            rounds = [["", ""], *([adapter] for adapter in self._adapters)]  # compiled for one, and for several
            for number, adapters in enumerate([[""], *rounds]):
                names = (f"warm-up-{number}-{place}" for place in range(len(adapters)))
                await asyncio.gather(
                    *(
                        self._exhaust(Generation(name, prompt, params, adapter=adapter))
                        for name, adapter in zip(names, adapters, strict=True)
                    )
                )
        self.memory = await self._measure()

    async def _exhaust(self, generation: Generation) -> None:
        async for _ in self.generate(generation):
            pass

    async def _measure(self) -> list[engine_pb2.EngineMemory]:
        """Return what the model takes by device; nothing where the workers do not tell."""
        try:
            found = await self._engine.collective_rpc("ringfence_memory")
        except EngineDeadError:
            raise
        except Exception:  # noqa: BLE001  # a fact that is not known is left out
            return []
        return [
            engine_pb2.EngineMemory(**{name: value for name, value in one.items() if value is not None})
            for one in found
        ]


def open_host(options: Options) -> VllmHost:
    """Start vLLM's processes and load the model; blocks for as long as that takes. A loop must run.

    Raises:
        BadOption: a setting cannot be used.
        Exception: whatever vLLM raises, most often ``RuntimeError`` after its processes have printed why.
    """
    rank = lora_rank([_adapter_config(folder) for folder in options.adapters.values()])
    try:
        arguments = AsyncEngineArgs(**engine_arguments(options, rank))
    except TypeError as error:
        raise BadOption(f"vLLM {vllm.__version__} does not take one of the arguments: {error}") from None
    config = arguments.create_engine_config(SERVING)
    # Without this a model may write space between JSON's parts for ever. vLLM's check of the setting does not know that
    # both backends among which it chooses by itself keep to it, so it is set behind that check.
    config.structured_outputs_config.disable_any_whitespace = True
    if current_platform.is_cpu() and not config.cache_config.kv_cache_memory_bytes:
        config.cache_config.kv_cache_memory_bytes = _cache_bytes(config, options)
    engine = AsyncLLM.from_vllm_config(config, usage_context=SERVING, disable_log_stats=True)
    adapters = {
        name: LoRARequest(name, number, str(folder))
        for number, (name, folder) in enumerate(options.adapters.items(), start=1)
    }
    return VllmHost(engine, adapters, options)


def hush() -> None:
    """Stop this process's logging: from readiness on a line may hold content."""
    logging.disable(logging.CRITICAL)


def _prompt(generation: Generation) -> Any:
    """Return a prompt in the form that vLLM takes without looking for more to do on it."""
    try:
        from vllm.inputs import tokens_input  # noqa: PLC0415  # not everywhere
    except ImportError:
        salt = {"cache_salt": generation.salt} if generation.salt else {}
        return TokensPrompt(prompt_token_ids=generation.prompt, **salt)
    return tokens_input(generation.prompt, cache_salt=generation.salt)


def _adapter_config(folder: Path) -> Mapping[str, Any]:
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BadOption(f"{folder} has no readable adapter_config.json; it is no LoRA adapter") from None
    return config if isinstance(config, dict) else {}


def _cache_bytes(config: Any, options: Options) -> int:
    """Return room for a whole context of every sequence, in whole blocks.

    On processors only: left alone, vLLM would take a share of the whole host's memory there.
    """
    model, parallel = config.model_config, config.parallel_config
    block = config.cache_config.block_size or _BLOCK_TOKENS
    blocks = options.sequences * (math.ceil(model.max_model_len / block) + 1) + 1
    cell = 2 * model.get_num_kv_heads(parallel) * model.get_head_size() * model.dtype.itemsize
    return int(blocks * block * cell * model.get_num_layers(parallel))


def _defaults(model: Any) -> dict[str, Any]:
    """Return the sampling that the model's folder recommends, without a bound on the answer."""
    found = dict(model.get_diff_sampling_param())
    found.pop("max_tokens", None)
    return found


def _dimensions(model: Any) -> int:
    size = getattr(model, "embedding_size", None)
    return int(size if size is not None else model.get_hidden_size())

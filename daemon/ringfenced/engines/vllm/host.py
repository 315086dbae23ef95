"""vLLM itself: the one module that imports it, with what differs between its versions.

Written for 0.26 to 0.32: AsyncLLM and the names around it are no stable interface of vLLM's.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import vllm
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.inputs import TokensPrompt
from vllm.lora.request import LoRARequest
from vllm.platforms import current_platform
from vllm.pooling_params import PoolingParams
from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError

from ringfenced.engines.llama.template import ChatTemplate
from ringfenced.engines.vllm.answer import Generation
from ringfenced.engines.vllm.backend import Facts, Refusal
from ringfenced.engines.vllm.options import BadOption, Options, engine_arguments, lora_rank
from ringfenced.engines.vllm.pieces import decoders_of, pieces_of
from ringfenced.engines.vllm.prompt import Prompter

_BATCH = 1
"""vLLM's priority of what gives way; the others have 0."""


class VllmHost:
    """One model in vLLM's processes, started by this one; belongs to the loop that runs."""

    def __init__(self, engine: Any, adapters: Mapping[str, LoRARequest], options: Options) -> None:
        """Take over an AsyncLLM; `open_host` makes one."""
        self._engine = engine
        self._adapters = adapters
        self._options = options
        self._tokenizer = engine.get_tokenizer() if not hasattr(engine, "renderer") else engine.renderer.tokenizer
        fast = getattr(self._tokenizer, "backend_tokenizer", None) or getattr(self._tokenizer, "_tokenizer", None)
        self._fast = fast if hasattr(fast, "to_str") else None
        model = engine.vllm_config.model_config
        cache = engine.vllm_config.cache_config
        self.facts = Facts(
            version=vllm.__version__,
            architecture=_architecture(model),
            model_bytes=sum(file.stat().st_size for file in options.model.glob("*.safetensors")),
            context_tokens_max=model.max_model_len,
            tokens_n=model.get_vocab_size(),
            cells=(cache.num_gpu_blocks or 0) * cache.block_size,
            pieces=self._pieces(),
            defaults={} if options.embeddings else _defaults(model),
            adapters=tuple(adapters),
            dimensions=_dimensions(model) if options.embeddings else 0,
        )
        self.prompter = Prompter(self._template(), self._encode_plain())

    # ── what the backend asks for ────────────────────────────────────────────────────────────────────────────────

    async def generate(self, generation: Generation) -> AsyncIterator[Any]:
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
                detokenize=self.facts.pieces is None,
                skip_special_tokens=True,
            )
            stream = self._engine.generate(
                _prompt(generation.prompt, generation.salt),
                params,
                generation.name,
                lora_request=self._adapters.get(generation.adapter),
                priority=_BATCH if generation.is_batch else 0,
            )
            async for output in stream:
                yield output
        except EngineDeadError:
            raise
        except Exception:  # noqa: BLE001  # every one of a request's, whose text may quote it
            raise Refusal("vLLM does not take the request") from None

    async def embed(self, name: str, prompt: list[int], *, is_batch: bool) -> Sequence[float]:
        """Return a prompt's embedding.

        Raises:
            Refusal: vLLM does not take the prompt.
            EngineDeadError: EngineCore is gone.
        """
        vector: Sequence[float] = ()
        try:
            params = PoolingParams(task="embed")
            async for output in self._engine.encode(
                _prompt(prompt, None), params, name, priority=_BATCH if is_batch else 0
            ):
                vector = output.outputs.data.float().reshape(-1).tolist()
        except EngineDeadError:
            raise
        except Exception:  # noqa: BLE001  # likewise
            raise Refusal("vLLM does not take the prompt") from None
        return vector

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text to embed, with those that the model expects around it."""
        if self._fast is not None:
            return list(self._fast.encode(text, add_special_tokens=True).ids)
        return list(self._tokenizer.encode(text))

    async def sleep(self) -> bool:
        """Give the devices' memory back, weights kept in the host's; return whether that is so."""
        if not self._engine.vllm_config.model_config.enable_sleep_mode:
            return False
        await self._engine.sleep(level=1)
        return True

    async def wake(self) -> bool:
        """Take it again; return whether that is so."""
        if self._engine.vllm_config.model_config.enable_sleep_mode:
            await self._engine.wake_up()
        return True

    # ── starting ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def warm_up(self) -> None:
        """Have everything compiled that is compiled on first use, so that no request waits for it."""
        prompt = [0] * min(8, self.facts.context_tokens_max - 3)
        if self.facts.dimensions:
            await self.embed("warm-up", prompt, is_batch=False)
            return
        params = {"max_tokens": 2, "logprobs": 0, "temperature": 1.0, "top_p": 0.9, "top_k": 10, "seed": 1}
        for number, adapter in enumerate(["", *self._adapters]):
            async for _ in self.generate(
                Generation(f"warm-up-{number}", prompt, params, None, None, adapter, is_batch=False)
            ):
                pass

    async def measure(self) -> tuple[Mapping[str, Any], ...]:
        """Ask each worker what the model takes on its device; nothing where they do not tell."""
        try:
            return tuple(await self._engine.collective_rpc("ringfence_memory"))
        except EngineDeadError:
            raise
        except Exception:  # noqa: BLE001  # a fact that is not known is left out
            return ()

    # ── the tokenizer ────────────────────────────────────────────────────────────────────────────────────────────

    def _pieces(self) -> Sequence[bytes] | None:
        if self._fast is None:
            return None
        file = json.loads(self._fast.to_str())
        added = {token["id"]: token["special"] for token in file["added_tokens"]}
        return pieces_of(
            self._fast.get_vocab(with_added_tokens=True),
            special={token for token, is_special in added.items() if is_special},
            added=added.keys(),
            decoders=decoders_of(file["decoder"]),
        )

    def _template(self) -> ChatTemplate:
        source = getattr(self._tokenizer, "chat_template", None) or ""
        if isinstance(source, Mapping):
            source = source.get("default", "")
        special = getattr(self._tokenizer, "all_special_tokens", [])
        added = getattr(self._tokenizer, "added_tokens_decoder", {})
        control = {*special, *(token.content for token in added.values() if token.special)}
        return ChatTemplate(
            source,
            bos=getattr(self._tokenizer, "bos_token", None) or "",
            eos=getattr(self._tokenizer, "eos_token", None) or "",
            control=sorted(control),
        )

    def _encode_plain(self) -> Callable[[str], list[int]]:
        fast, tokenizer = self._fast, self._tokenizer
        if fast is not None:
            return lambda text: list(fast.encode(text, add_special_tokens=False).ids)
        return lambda text: list(tokenizer.encode(text, add_special_tokens=False))


def open_host(options: Options) -> VllmHost:
    """Start vLLM's processes and load the model; blocks for as long as that takes. A loop must run.

    Raises:
        BadOption: a setting cannot be used.
        Exception: whatever vLLM raises, most often ``RuntimeError`` after its processes have printed why.
    """
    configs = [_adapter_config(folder) for folder in options.adapters.values()]
    try:
        arguments = AsyncEngineArgs(**engine_arguments(options, lora_rank(configs)))
    except TypeError as error:
        raise BadOption(f"vLLM {vllm.__version__} does not take one of the arguments: {error}") from None
    config = arguments.create_engine_config()
    if current_platform.is_cpu() and not config.cache_config.kv_cache_memory_bytes:
        # left alone it would take its share of the whole host's memory
        config.cache_config.kv_cache_memory_bytes = _cache_bytes(config, options)
    engine = AsyncLLM.from_vllm_config(config, disable_log_stats=True)
    adapters = {
        name: LoRARequest(name, number, str(folder))
        for number, (name, folder) in enumerate(options.adapters.items(), start=1)
    }
    return VllmHost(engine, adapters, options)


def hush() -> None:
    """Stop this process's logging: from readiness on a line may hold content."""
    logging.disable(logging.CRITICAL)


def _prompt(tokens: list[int], salt: str | None) -> Any:
    """Return tokens as vLLM takes them without looking for something to do on them."""
    try:
        from vllm.inputs import tokens_input  # noqa: PLC0415  # not in every version
    except ImportError:
        return TokensPrompt(prompt_token_ids=tokens, **({"cache_salt": salt} if salt else {}))
    return tokens_input(tokens, cache_salt=salt)


def _adapter_config(folder: Path) -> Mapping[str, Any]:
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BadOption(f"{folder} has no readable adapter_config.json; it is not a LoRA adapter") from None
    return config if isinstance(config, dict) else {}


def _cache_bytes(config: Any, options: Options) -> int:
    """Return room for a whole context of every sequence, rounded up to blocks; on processors only."""
    model, parallel = config.model_config, config.parallel_config
    block = config.cache_config.block_size or 128
    blocks = options.sequences * (math.ceil(model.max_model_len / block) + 1) + 1
    cell = 2 * model.get_num_kv_heads(parallel) * model.get_head_size() * model.dtype.itemsize
    return int(blocks * block * cell * model.get_num_layers(parallel))


def _architecture(model: Any) -> str:
    names = getattr(model, "architectures", None) or ["unknown"]
    return str(names[0])


def _defaults(model: Any) -> dict[str, Any]:
    """Return the sampling that the model's folder recommends, without a bound on the answer."""
    found = dict(model.get_diff_sampling_param())
    found.pop("max_tokens", None)
    return found


def _dimensions(model: Any) -> int:
    size = getattr(model, "embedding_size", None)
    return int(size if size is not None else model.get_hidden_size())

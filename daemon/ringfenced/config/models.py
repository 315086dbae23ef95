"""The sections of the daemon's file that tell of the models that it hosts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ringfence.configfile import Section
from ringfenced.config.types import FilePath, Name, Price, Share, Speed


class Adapter(Section):
    """A LoRA adapter of a model; callers ask for it like for a model of its own."""

    name: Name
    """Unique among models and adapters."""
    path: FilePath
    """With llama.cpp: the GGUF file; with vllm: the folder."""
    quality: Share = 0.5
    """Expected quality, 0 to 1, until learned."""


class Vllm(Section):
    """What only vLLM takes."""

    python: FilePath | None = None
    """Interpreter of the virtual environment that has vLLM; the daemon's own if unset."""
    tensor_parallel: int = Field(default=1, ge=1, le=64)
    """GPUs that share each layer."""
    pipeline_parallel: int = Field(default=1, ge=1, le=64)
    """Groups of GPUs that take turns; more than one node needs vLLM's own launcher (docs/vllm.md)."""
    memory_share: float = Field(default=0.9, gt=0, le=1)
    """Share of a device's memory that it may take (vLLM's gpu_memory_utilization)."""
    arguments: dict[str, bool | int | float | str] = Field(default_factory=dict)
    """Further fields of vLLM's AsyncEngineArgs, by their names."""


_LLAMA_ONLY = (
    *("sha256", "gpu_layers", "tensor_split", "cache_tokens", "cache_type", "flash_attention", "step_tokens"),
    "projector",
)
"""Settings of a model that only llama.cpp heeds."""


class LocalModel(Section):
    """One model that this node hosts, in an engine process of its own."""

    name: Name
    """Unique within the site."""
    engine: Literal["llama.cpp", "vllm", "command"] = "llama.cpp"
    """``llama.cpp``, ``vllm``, or ``command`` for any program that speaks the engine protocol on ``--socket PATH``; who
    listens there must be of the session that it is started in, so no ``setsid`` and no container."""
    path: FilePath | None = None
    """With llama.cpp: the GGUF file; with vllm: the folder that Hugging Face's libraries read."""
    library: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9._\-]*)?$", max_length=128)
    """Instead of path: a name in the library, whose files were verified when they came."""
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    """With llama.cpp: digest that the file must have, hex; unchecked if empty."""
    command: tuple[str, ...] = ()
    """With command: the program and its arguments."""
    preload: bool = True
    """Load it when the daemon starts; otherwise when the first request comes."""
    pin: bool = False
    """Never unload it to make room for another."""
    rank: int = Field(default=0, ge=-100, le=100)
    """Which model gives way where memory is short: the lower one, even one with running requests, if it must; models of
    one rank never end each other's requests."""
    idle_unload_s: int = Field(default=0, ge=0)
    """Unload it after so many seconds without a request; 0 for never."""
    replicas: int = Field(default=1, ge=1, le=64)
    """Engine processes that share its requests."""
    memory_bytes: int = Field(default=0, ge=0)
    """What one engine process takes of the node's memory; 0 to compute it from the model's files."""
    devices: tuple[str, ...] = ()
    """Devices that it may use, as ``ringfence node`` names them; empty for any."""
    load_timeout_s: int = Field(default=600, ge=1, le=86_400)
    """How long loading may take."""
    context_tokens: int = Field(default=4096, ge=64)
    """Longest prompt and answer together of one sequence."""
    sequences: int = Field(default=4, ge=1, le=1024)
    """How many requests run at once; more wait."""
    waiting: int = Field(default=256, ge=0)
    """How many requests may wait; more are refused."""
    threads: int = Field(default=0, ge=0)
    """CPU threads of the engine; 0 for one a core."""
    gpu_layers: int = Field(default=0, ge=-1)
    """Layers on the GPU; -1 for all."""
    tensor_split: tuple[float, ...] = ()
    """With llama.cpp: each GPU's part of the layers, in proportion; empty to split by free memory."""
    cache_tokens: int = Field(default=0, ge=0)
    """With llama.cpp: tokens that the cache holds, all requests together; 0 for a whole context for each."""
    cache_type: Literal["f16", "bf16", "f32", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"] = "f16"
    """With llama.cpp: how the cache is kept; quantised takes less memory and needs flash attention."""
    flash_attention: Literal["auto", "on", "off"] = "auto"
    """With llama.cpp: attention without the whole matrix of scores."""
    step_tokens: int = Field(default=64, ge=8, le=8192)
    """Tokens of a prompt that are read in one step while other answers run: what a long prompt adds to their gaps."""
    prefix_cache: bool = True
    """Keep what was read of prompts, so that one that begins alike is read faster; never across tenants or labels, and
    never of what is confidential."""
    projector: FilePath | None = None
    """With llama.cpp: the GGUF file that makes pictures readable (mmproj)."""
    adapters: tuple[Adapter, ...] = ()
    """LoRA adapters."""
    embeddings: bool = False
    """It embeds texts and answers nothing."""
    vllm: Vllm = Vllm()
    """What only vLLM takes."""
    quality: Share = 0.5
    """Expected quality, 0 to 1, until learned."""
    price: Price = Price()
    """What it costs."""
    speed: Speed = Speed()
    """What it takes."""
    logprob_floor: float | None = Field(default=None, le=0)
    """Answers whose least certain token lies under this natural log-probability are handed up the ladder:
    short for an evaluator of kind logprobs with this ``least``."""
    evaluators: tuple[Name, ...] = ()
    """Who judges its answers, its adapters' as well: names of [[evaluators]], or of built-in ones
    (docs/evaluators.md)."""
    tools: bool = False
    """It can call tools."""
    json_schema: bool = True
    """It keeps to a JSON schema."""

    @model_validator(mode="after")
    def _complete(self) -> LocalModel:
        if self.engine != "command" and (self.path is None) == (not self.library):
            raise ValueError("a model needs either path, its file or folder, or library, its name there")
        if self.engine == "command" and not self.command:
            raise ValueError('a model with engine "command" needs command, the program and its arguments')
        foreign = [name for name in _LLAMA_ONLY if name in self.model_fields_set and self.engine != "llama.cpp"]
        foreign += ["vllm"] if "vllm" in self.model_fields_set and self.engine != "vllm" else []
        if foreign:
            raise ValueError(f'{", ".join(foreign)}: nothing that engine "{self.engine}" heeds; remove it')
        return self


class Library(Section):
    """The models that lie on this node (``ringfence models``)."""

    folder: FilePath
    """Where they are, a folder each."""
    signers: tuple[FilePath, ...] = ()
    """Public keys, PEM, one of which must have signed what is imported; unsigned models are taken if empty."""


class Placement(Section):
    """Which models are in memory."""

    memory_bytes: int = Field(default=0, ge=0)
    """Most that engines may take of the node's own memory, all together; 0 for what the machine has, or the daemon's
    control group, less ``reserve_bytes``."""
    reserve_bytes: int = Field(default=1024**3, ge=0)
    """What is left of it for everything else."""
    device_reserve_bytes: int = Field(default=512 * 1024**2, ge=0)
    """What is left free of each GPU."""

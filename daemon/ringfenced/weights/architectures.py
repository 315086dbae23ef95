"""What has to be known of llama.cpp's architectures beyond what their files say.

Source: llama.cpp as vendored by llama-cpp-python 0.3.36: ``LLM_ARCH_NAMES`` in src/llama-arch.cpp,
``load_arch_hparams`` in src/models/*.cpp, ``create_memory`` in src/llama-model.cpp.
"""

from __future__ import annotations

from dataclasses import dataclass

LLAMA_CPP = "0.3.36"
"""The llama-cpp-python whose architectures these are."""

_KNOWN = """
afmoe apertus arcee arctic arwkv7 baichuan bailingmoe bailingmoe2 bailingmoe3 bert bitnet bloom chameleon chatglm clip
codeshell cogvlm cohere2 cohere2moe command-r dbrx deci deepseek deepseek2 deepseek2-ocr deepseek32 deepseek4 dflash
dots1 dots3note dream eagle3 ernie4_5 ernie4_5-moe eurobert exaone exaone-moe exaone4 falcon falcon-h1 gemma
gemma-embedding gemma2 gemma3 gemma3n gemma4 gemma4-assistant glm-dsa glm4 glm4moe glm5-next gpt-oss gpt2 gptj gptneox
granite granite_swa granitehybrid granitemoe graniteswitch grok grovemoe hrm_text hunyuan-dense hunyuan-moe hunyuan_vl
hy_v3 hy_v4 internlm2 jais jais2 jamba jina-bert-v2 jina-bert-v3 kimi-k3 kimi-linear laguna lfm2 lfm2moe llada
llada-moe llama llama-embed llama4 maincoder mamba mamba2 maple mellum mimo2 minicpm minicpm3 minimax-01 minimax-m2
minimax-m3 mistral3 mistral4 modern-bert mpt muse-glimmer nanbeige nemotron nemotron_h nemotron_h_moe neo-bert
nomic-bert nomic-bert-moe olmo olmo2 olmoe openelm orion paddleocr pangu-embedded phi2 phi3 phimoe plamo plamo2 plamo3
plm pockettts qwen qwen2 qwen2moe qwen2vl qwen3 qwen35 qwen35moe qwen3moe qwen3next qwen3tts qwen3vl qwen3vlmoe
qwen4exp refact rnd1 rwkv6 rwkv6qwen2 rwkv7 seed_oss smallthinker smollm3 spark2_5 stablelm starcoder starcoder2
step35 t5 t5encoder talkie wavtokenizer-dec xverse
"""
KNOWN = frozenset(_KNOWN.split())
"""Architectures that it loads."""

RECURRENT = frozenset({"mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"})
"""All layers have a state and none a cache."""

WITHOUT_KEYS = frozenset(
    {"bailingmoe3", "granitehybrid", "jamba", "kimi-linear", "lfm2", "lfm2moe", "nemotron_h", "nemotron_h_moe"}
    | {"plamo2"}
)
"""A layer without heads of keys has a state instead of a cache."""

INTERVAL = frozenset({"qwen3next", "qwen35", "qwen35moe", "minimax-01"})
"""One layer in so many has a cache, the others a state."""

BOTH = frozenset({"falcon-h1"})
"""Every layer has a cache and a state."""

_ENCODERS = """
bert jina-bert-v2 jina-bert-v3 nomic-bert nomic-bert-moe neo-bert eurobert wavtokenizer-dec modern-bert
gemma-embedding dream llada llada-moe rnd1
"""
ENCODERS = frozenset(_ENCODERS.split())
"""They keep nothing from one step to the next."""

_UNUSUAL = """
deepseek32 deepseek4 dflash dots3note eagle3 gemma4-assistant glm-dsa glm5-next graniteswitch hy_v4 kimi-k3 minimax-m3
nanbeige pockettts qwen3tts qwen4exp spark2_5 t5 t5encoder
"""
UNUSUAL = frozenset(_UNUSUAL.split())
"""Their caches hold what the files' figures do not tell: only a dry run can."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Which layers of an architecture look back no further than a window, where the file does not list them."""

    every: int = 0
    """One layer in so many looks back all the way; 0 where the file has to list them."""
    is_full_first: bool = False
    """Whether that is the first of each so many, not the last."""
    tokens: int | None = None
    """The window where the file names none; None for no windows then."""
    is_fixed: bool = False
    """Whether llama.cpp takes `tokens` whatever the file says."""
    layers: int = 0
    """Only models of so many layers have windows; 0 for all."""


WINDOWS = {
    "afmoe": Windows(4),
    "cohere2": Windows(4),
    "cohere2moe": Windows(4, is_full_first=True),
    "exaone-moe": Windows(4, tokens=128),
    "exaone4": Windows(4, tokens=4096, layers=64),
    "gemma2": Windows(2, tokens=4096),
    "gemma3": Windows(6),
    "gemma3n": Windows(5),
    "gemma4": Windows(),
    "gpt-oss": Windows(2),
    "granite_swa": Windows(),
    "laguna": Windows(4, is_full_first=True),
    "lfm2": Windows(),
    "llama4": Windows(4, tokens=8192, is_fixed=True),
    "maple": Windows(),
    "mellum": Windows(4),
    "mimo2": Windows(),
    "muse-glimmer": Windows(4),
    "olmo2": Windows(4),
    "plamo3": Windows(8),
    "smallthinker": Windows(4, is_full_first=True),
    "step35": Windows(),
}
"""Architectures with windows; llama.cpp takes no notice of a window in a file of any other."""

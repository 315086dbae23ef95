"""The shape of a model: what a plan of its memory needs to know, whatever format its files have."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LayerShape:
    """One layer."""

    weights_bytes: int
    """What its weights take in the file."""
    key_elements: int = 0
    """Numbers that a token's keys are in the cache; 0 for a layer without a cache of its own."""
    value_elements: int = 0
    """The same of its values; 0 too where they are computed from the keys (MLA)."""
    is_windowed: bool = False
    """Whether it looks back no further than the model's window."""
    state_bytes: int = 0
    """What a sequence's recurrent state takes, however long the sequence is; 0 for none."""


@dataclass(frozen=True, slots=True)
class ModelShape:
    """One model."""

    format: str
    """``gguf`` or ``safetensors``."""
    architecture: str
    """What its files call it, for example ``llama``."""
    layers: tuple[LayerShape, ...] = field(repr=False)
    """Its layers, first to last."""
    input_bytes: int
    """Weights before the first layer: the embeddings of tokens."""
    output_bytes: int
    """Weights behind the last layer; where they are the embeddings again, only what is added to those."""
    is_tied: bool
    """Whether the output's matrix is that of the embeddings."""
    embeddings_bytes: int
    """Of the weights before the first layer, the matrix of the tokens' embeddings alone."""
    embeddings_type: str
    """How that matrix is kept, as the format calls it."""
    embedding: int
    """Numbers that stand for a token between layers."""
    heads: int
    """Attention heads of a layer, the largest number; 0 for none."""
    head_elements: int
    """Numbers of a head's key; 0 where there are no heads."""
    feed_forward: int
    """Width inside the feed-forward part, all experts that a token asks together; 0 where not known."""
    vocabulary: int | None
    """Tokens; None where not known."""
    context_trained: int | None
    """Tokens that it was trained for; None where not known."""
    window: int | None = None
    """How far back windowed layers look, in tokens; None where there are none."""
    experts: int = 0
    """Experts of a layer; 0 for none."""
    experts_used: int = 0
    """Experts that each token asks."""
    unused_bytes: int = 0
    """Weights that are in the file and not loaded: layers that predict several tokens, for drafts."""
    unused_layers: int = 0
    """How many layers those are."""
    quantization: str = ""
    """Type of most of the weights, as the format calls it; empty where there are none."""
    parameters: int = 0
    """Numbers in all weights."""
    pooling: str | None = None
    """How embeddings are pooled: ``none``, ``mean``, ``cls``, ``last`` or ``rank``; None where nothing is said."""
    has_chat_template: bool = False
    """Whether the files say how a conversation is written."""
    is_projector: bool = False
    """Whether this is no language model but what makes pictures readable to one (mmproj)."""
    has_cache: bool = True
    """Whether it keeps anything of a sequence from one step to the next; encoders do not."""
    is_cache_known: bool = True
    """Whether the layers' caches are as described; False for an architecture whose cache is not known here."""

    @property
    def weights_bytes(self) -> int:
        """What is loaded of its weights."""
        return self.input_bytes + self.output_bytes + sum(layer.weights_bytes for layer in self.layers)

    @property
    def is_embedding(self) -> bool:
        """Whether it embeds texts and answers nothing."""
        return self.pooling not in {None, "none"} or not self.has_cache

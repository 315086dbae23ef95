"""The network: a decoder of the llama architecture, as llama.cpp runs it.

RMSNorm before each part, rotary positions, SwiGLU, no biases; the embedding is also the output matrix.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Shape:
    """The sizes of the network. Widths are multiples of 32, the block size of GGML's Q8_0."""

    vocabulary: int = 1024
    """Tokens."""
    layers: int = 4
    """Decoder layers."""
    width: int = 128
    """Components of the residual stream."""
    heads: int = 4
    """Attention heads; each has width / heads components."""
    hidden: int = 352
    """Components of the feed-forward layer."""
    context: int = 1024
    """Most tokens in a sequence."""
    rope_base: float = 10000.0
    """Base of the rotary angles (RoFormer, arXiv:2104.09864)."""
    epsilon: float = 1e-5
    """Added to the mean square in RMSNorm."""


def rotation(shape: Shape) -> tuple[Tensor, Tensor]:
    """Return cosines and sines, each of shape (context, head width / 2)."""
    half = shape.width // shape.heads // 2
    angles = torch.outer(torch.arange(shape.context), shape.rope_base ** (-torch.arange(half) / half))
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn pairs of components of x (…, places, head width) by their place; a pair is components i and i + half.

    llama.cpp pairs neighbours instead, so `convert` reorders the rows of the query and key weights.
    """
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)


class Layer(nn.Module):
    """One decoder layer."""

    def __init__(self, shape: Shape) -> None:
        """Make the weights; the caller initialises them."""
        super().__init__()
        self.heads = shape.heads
        self.attn_norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        self.attn_qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.attn_output = nn.Linear(shape.width, shape.width, bias=False)
        self.ffn_norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        self.ffn_gate_up = nn.Linear(shape.width, 2 * shape.hidden, bias=False)
        self.ffn_down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
        """Map x (batch, places, width) to the same shape; `mask` (places, places) is added to the attention scores."""
        batch, places, width = x.shape
        parts = self.attn_qkv(self.attn_norm(x)).view(batch, places, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        q = rotate(q * (width // self.heads) ** -0.5, cos, sin)
        mixed = (q @ rotate(k, cos, sin).transpose(-1, -2) + mask).softmax(dim=-1).to(v.dtype) @ v
        x = x + self.attn_output(mixed.transpose(1, 2).reshape(batch, places, width))
        gate, up = self.ffn_gate_up(self.ffn_norm(x)).chunk(2, dim=-1)
        down: Tensor = self.ffn_down(functional.silu(gate) * up)
        return x + down


class Network(nn.Module):
    """The whole decoder."""

    cos: Tensor
    sin: Tensor

    def __init__(self, shape: Shape) -> None:
        """Draw the weights from torch's random state, normal, those that add to the residual stream scaled by depth."""
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.output_norm = nn.RMSNorm(shape.width, eps=shape.epsilon)
        cos, sin = rotation(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                scale = (2 * shape.layers) ** -0.5 if name.endswith(("attn_output.weight", "ffn_down.weight")) else 1.0
                nn.init.normal_(weight, std=scale * (0.02 if "token_embd" in name else shape.width**-0.5))

    def forward(self, tokens: Tensor, wanted: Tensor) -> Tensor:
        """Map tokens (batch, places) to logits (n, vocabulary) at the n places where `wanted` (same shape) is true."""
        places = tokens.shape[1]
        mask = torch.full((places, places), float("-inf"), dtype=torch.bfloat16).triu(1)
        x = self.token_embd(tokens)
        for layer in self.layers:
            x = layer(x, self.cos[:places], self.sin[:places], mask)
        return functional.linear(self.output_norm(x[wanted]), self.token_embd.weight)

"""A Hugging Face tokenizer as prompts are read with it (`engines/llama/prompt.py`), and the bytes of its tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ringfenced.engines.vllm.pieces import decoders_of, pieces_of


class HfVocabulary:
    """One model's tokenizer. May be used by several threads."""

    bos = -1
    """A chat template writes the token that begins a sequence by itself, where the model wants it."""

    def __init__(self, tokenizer: Any) -> None:
        """Take a tokenizer.

        Args:
            tokenizer: of transformers, or of vLLM's own for models without one there.
        """
        self._tokenizer = tokenizer
        fast = getattr(tokenizer, "backend_tokenizer", None) or getattr(tokenizer, "_tokenizer", None)
        self._fast = fast if hasattr(fast, "to_str") else None
        """The tokenizers library's, which is used as it stands: transformers' way round it changes it for each text."""
        self._special = {int(token): str(text) for token, text in _special(tokenizer).items()}
        self.pieces: Sequence[bytes] | None = self._pieces()
        """Bytes of each token; None where text is not made token by token."""

    def meta(self, key: str) -> str | None:
        """Return the number of the token that ends an answer; None for any other key."""
        token = getattr(self._tokenizer, "eos_token_id", None)
        return str(token) if key == "tokenizer.ggml.eos_token_id" and token is not None else None

    def chat_template(self) -> str:
        """Return the model's chat template, the first where it has several; empty for none."""
        source = getattr(self._tokenizer, "chat_template", None) or ""
        if isinstance(source, Mapping):
            return str(source.get("default", next(iter(source.values()), "")))
        return str(source)

    def token_text(self, token: int) -> str:
        """Return a control token's text; the text of the one that begins a sequence for -1."""
        if token == self.bos:
            return str(getattr(self._tokenizer, "bos_token", None) or "")
        return self._special.get(token, "")

    def control_texts(self) -> list[str]:
        """Return the texts of all control tokens."""
        return sorted(set(self._special.values()))

    def tokenize(self, text: str, *, is_control: bool) -> list[int]:
        """Return a text's tokens.

        Args:
            text: the text.
            is_control: whether control tokens' texts in it stand for such tokens.
        """
        if is_control:
            return self._encode(text)
        # character by character, so that no text of a control token is seen whole
        return [token for character in text for token in self._encode(character)]

    def with_bos(self, tokens: list[int]) -> list[int]:
        """Return the tokens as they are: see `bos`."""
        return tokens

    def to_embed(self, text: str) -> list[int]:
        """Return the tokens of a text to embed, with those that the model wants around it."""
        if self._fast is not None:
            return list(self._fast.encode(text, add_special_tokens=True).ids)
        return list(self._tokenizer.encode(text))

    def marks(self, texts: Sequence[str]) -> dict[int, bytes]:
        """Return the control tokens that stand for these texts, and the texts' bytes."""
        return {token: text.encode() for token, text in self._special.items() if text in texts}

    def _encode(self, text: str) -> list[int]:
        if self._fast is not None:
            return list(self._fast.encode(text, add_special_tokens=False).ids)
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _pieces(self) -> Sequence[bytes] | None:
        if self._fast is None:
            return None
        file = json.loads(self._fast.to_str())
        return pieces_of(
            self._fast.get_vocab(with_added_tokens=True),
            special=self._special,
            added={token["id"] for token in file["added_tokens"]},
            decoders=decoders_of(file["decoder"]),
        )


def _special(tokenizer: Any) -> dict[int, str]:
    added = getattr(tokenizer, "added_tokens_decoder", {})
    found = {number: token.content for number, token in added.items() if token.special}
    numbers = getattr(tokenizer, "all_special_ids", ())
    texts = getattr(tokenizer, "all_special_tokens", ())
    return {**found, **dict(zip(numbers, texts, strict=False))}

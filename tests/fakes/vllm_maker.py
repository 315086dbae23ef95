"""vLLM as the engine sees it, without vLLM: what it would yield, under the test's own hand."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from ringfenced.engines.vllm.making import Facts
from ringfenced.engines.vllm.vocabulary import HfVocabulary
from ringfenced.engines.vllm.work import Refusal

CONTROL = {0: "<|end|>", 1: "<|im_start|>", 2: "<|im_end|>"}
FIRST = len(CONTROL)
"""Token of byte 0."""


class ByteTokenizer:
    """As transformers' look: a byte for a token, three control tokens."""

    eos_token_id = 0
    eos_token = CONTROL[0]
    bos_token = None
    chat_template = (
        "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    all_special_ids = (0,)
    all_special_tokens = ("<|end|>",)

    def __init__(self):
        self.added_tokens_decoder = {
            number: SimpleNamespace(content=text, special=True) for number, text in CONTROL.items()
        }

    def encode(self, text, *, add_special_tokens=True):
        del add_special_tokens
        tokens = []
        while text:
            control = next((number for number, name in CONTROL.items() if text.startswith(name)), None)
            if control is None:
                tokens += [FIRST + byte for byte in text[0].encode()]
                text = text[1:]
            else:
                tokens.append(control)
                text = text[len(CONTROL[control]) :]
        return tokens


class FakeHost:
    """Yields for each generation the pieces that `answers` has for the prompt's last user message; records it."""

    def __init__(self, *, dimensions=0, adapters=()):
        self.vocabulary = HfVocabulary(ByteTokenizer())
        self.vocabulary.pieces = [b"", b"", b"", *(bytes([byte]) for byte in range(256))]
        self.facts = Facts(
            version="0",
            architecture="Fake",
            model_bytes=1,
            context_tokens_max=1024,
            tokens_n=FIRST + 256,
            cells=1024,
            defaults={},
            adapters=tuple(adapters),
            dimensions=dimensions,
        )
        self.memory = []
        self.generations = []
        self.text = b"an answer"
        """What each answer says, a token a step."""
        self.step_s = 0.0
        self.ends_with = "length"
        self.error = None
        """Raised instead of a first token."""
        self.can_sleep = True
        self.running = 0
        self.most_running = 0

    async def generate(self, generation):
        self.generations.append(generation)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            if self.error is not None:
                raise self.error
            tokens = [FIRST + byte for byte in self.text][: generation.params["max_tokens"]]
            for place, token in enumerate(tokens):
                await asyncio.sleep(self.step_s)
                is_last = place == len(tokens) - 1
                yield output([token], ended=self.ends_with if is_last and self.ends_with == "length" else None)
            if self.ends_with != "length":
                yield output([0], ended=self.ends_with)
        finally:
            self.running -= 1

    async def embed(self, generation):
        self.generations.append(generation)
        await asyncio.sleep(self.step_s)
        if self.error is not None:
            raise self.error
        return [float(len(generation.prompt)), 0.0]

    async def sleep(self):
        return self.can_sleep

    async def wake(self):
        return True


def output(tokens, *, ended=None, cached=0, logprob=-0.5):
    """A RequestOutput, as far as it is read."""
    likelihoods = [{token: SimpleNamespace(logprob=logprob, rank=1, decoded_token="?")} for token in tokens]
    made = SimpleNamespace(token_ids=tokens, logprobs=likelihoods, finish_reason=ended, text="")
    return SimpleNamespace(outputs=[made], num_cached_tokens=cached)


__all__ = ["CONTROL", "FIRST", "ByteTokenizer", "FakeHost", "Refusal", "output"]

"""The engines that the contract's tests are asked of. Another one is another class here and a line in `KINDS`."""

from __future__ import annotations

import json
from pathlib import Path

from fakes.random_extras import write_random_bert
from fakes.random_gguf import write_random_gguf
from ringfenced.model import Message, Prompt, Role, Sampling, Text

TINY = Path(__file__).parents[2] / "models/tiny/ringfence-tiny.gguf"
CONTEXT = 512
"""Tokens of every kind's context."""


def prompt(text, *, schema="", grammar="", tools=(), **sampling):
    """One message of the user's."""
    more = {name: sampling.pop(name) for name in ("tool_mode", "tool_name") if name in sampling}
    turns = (Message(Role.USER, (Text(text),)),)
    return Prompt(turns, json_schema=schema, grammar=grammar, tools=tools, sampling=Sampling(**sampling), **more)


class Scripted:
    """The engine without a model; a token each millisecond."""

    name = "scripted"
    module = "scripted"
    computes = False
    """Whether a model makes its answers, so that they keep to what is asked of them."""
    embeds = True
    """Whether there is a model that embeds."""

    def arguments(self, folder):
        """How it is started; `folder` is the session's, for files that it needs."""
        return ("--interval-ms", "1", "--context", CONTEXT)

    def embedding_arguments(self, folder):
        """The same for one that embeds."""
        return self.arguments(folder)

    def long(self, tokens):
        """A prompt whose answer has that many tokens."""
        return prompt(f'/script {{"tokens": {tokens}}}')


class Llama:
    """llama.cpp with the random model: a byte for a token, and no sense."""

    name = "llama"
    module = "worker"
    computes = True
    embeds = True

    def arguments(self, folder):
        return ("--threads", "1", "--model", _made(folder / "random.gguf", write_random_gguf))

    def embedding_arguments(self, folder):
        return ("--threads", "1", "--embeddings", "--model", _made(folder / "bert.gguf", write_random_bert))

    def long(self, tokens):
        """None of the tokens that would end it may be drawn."""
        return prompt("go on", tokens_max=tokens, logit_bias=tuple((token, -1e9) for token in range(3)))

    def saying(self, text, **asked):
        """A prompt whose answer is this text in quotation marks."""
        return prompt("say it", schema=json.dumps({"const": text}, ensure_ascii=False), **asked)


class Tiny(Llama):
    """llama.cpp with the bundled model."""

    name = "tiny"
    embeds = False

    def arguments(self, folder):
        return ("--threads", "1", "--context", CONTEXT, "--model", TINY)


def _made(path, write):
    return path if path.exists() else write(path)


KINDS = (Scripted(), Llama(), Tiny())
"""Each is asked every test of the contract."""

"""The tokenizer: byte-level BPE whose merges never span what must be copied token by token.

Encoding splits text by GPT-2's pattern, which llama.cpp has as pre-tokenizer `gpt-2`. Training splits finer: a blank
may join a lower-case word only, digits and other signs stay alone. So a name or a number is the same tokens after a
blank and after a quotation mark, and every digit is one token; both make copying easy for a small network.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

END: Final = "<|end|>"
"""Ends every turn; the end-of-sequence token."""
SPECIAL: Final = (END, "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>")
"""Special tokens; a token's id is its place here."""
VOCABULARY_SIZE: Final = 1024
"""Tokens in all: the special ones, 256 bytes, merges."""
FINE: Final = r"""[{}":,]{2,4}| ?\p{Ll}+|\p{Lu}\p{Ll}+|\p{Lu}+|\d|."""
"""How text is cut for training, finer than GPT-2's pattern: JSON punctuation, words, and everything else alone."""
CHAT_TEMPLATE: Final = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + (message['content'] | trim) + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
"""The chat format, for roles system, user and assistant; blanks around a message do not count."""


def learn(texts: Iterable[str]) -> Tokenizer:
    """Learn the merges from `texts`; the same texts give the same tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(FINE), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def load(path: Path) -> Tokenizer:
    """Read a tokenizer that was saved as JSON."""
    return Tokenizer.from_file(str(path))


def chat(messages: Sequence[tuple[str, str]]) -> str:
    """Format pairs of role and content as `CHAT_TEMPLATE` does, ready for the assistant's answer."""
    return "".join(f"<|{role}|>{content.strip()}{END}" for role, content in messages) + "<|assistant|>"

"""A Hugging Face tokenizer as prompts are read with it."""

from __future__ import annotations

from types import SimpleNamespace

from fakes.vllm_maker import ByteTokenizer
from ringfenced.engines.vllm.vocabulary import HfVocabulary


def test_control_tokens_are_meant_only_where_they_are():
    vocabulary = HfVocabulary(ByteTokenizer())
    assert vocabulary.tokenize("<|im_end|>a", is_control=True) == [2, 3 + ord("a")]
    assert vocabulary.tokenize("<|im_end|>", is_control=False) == [3 + ord(character) for character in "<|im_end|>"]


def test_control_texts_and_the_one_that_ends_an_answer_are_known():
    vocabulary = HfVocabulary(ByteTokenizer())
    assert vocabulary.control_texts() == ["<|end|>", "<|im_end|>", "<|im_start|>"]
    assert vocabulary.token_text(int(vocabulary.meta("tokenizer.ggml.eos_token_id"))) == "<|end|>"
    assert vocabulary.token_text(-1) == ""
    assert vocabulary.marks(["<|im_end|>", "<tool_call>"]) == {2: b"<|im_end|>"}


def test_of_several_chat_templates_the_usual_one_is_taken():
    tokenizer = ByteTokenizer()
    tokenizer.chat_template = {"tool_use": "a", "default": "b"}
    assert HfVocabulary(tokenizer).chat_template() == "b"
    tokenizer.chat_template = None
    assert HfVocabulary(tokenizer).chat_template() == ""


def test_the_tokenizers_librarys_own_is_used_where_there_is_one():
    class Fast:
        def to_str(self):
            return '{"added_tokens": [{"id": 1, "special": false}], "decoder": {"type": "ByteLevel"}}'

        def get_vocab(self, *, with_added_tokens):
            return {"a": 0, "<x>": 1}

        def encode(self, text, *, add_special_tokens):
            return SimpleNamespace(ids=[7] if add_special_tokens else [8])

    tokenizer = ByteTokenizer()
    tokenizer.backend_tokenizer = Fast()
    tokenizer.added_tokens_decoder = {}
    tokenizer.all_special_ids = tokenizer.all_special_tokens = ()
    vocabulary = HfVocabulary(tokenizer)
    assert vocabulary.pieces == [b"a", b"<x>"]
    assert vocabulary.tokenize("x", is_control=True) == [8]
    assert vocabulary.to_embed("x") == [7]

"""The contract that every engine keeps (`../test_contract.py`), asked of vLLM."""

from __future__ import annotations

import importlib.util
import inspect
import json
from pathlib import Path

import pytest

from ringfenced.model import Message, Prompt, Role, Sampling, Text

pytestmark = pytest.mark.vllm

_OWN_PROCESS = {
    "test_a_killed_engine_ends_its_runs_and_counts_with_unavailable",
    "test_an_engine_that_hangs_does_not_outlast_the_deadline",
    "test_shut_down_ends_the_process",
    "test_unloading_under_load_ends_every_run_with_an_error",
}
"""These end or stop the process: `test_process.py` has them, with one of its own."""


class Vllm:
    """vLLM with the random model."""

    name = "vllm"
    computes = True

    def long(self, tokens):
        """A prompt whose answer has that many tokens: none of those that would end it may be drawn."""
        bias = tuple((token, -1e9) for token in range(3))
        return Prompt((Message(Role.USER, (Text("go on"),)),), sampling=Sampling(tokens_max=tokens, logit_bias=bias))

    def saying(self, text, **asked):
        """A prompt whose answer is this text in quotation marks."""
        schema = json.dumps({"const": text}, ensure_ascii=False)
        return Prompt((Message(Role.USER, (Text("say it"),)),), json_schema=schema, sampling=Sampling(**asked))


@pytest.fixture
def kind():
    return Vllm()


@pytest.fixture
def computing(kind):
    """Only engines with a model are asked."""
    return kind


def _contract():
    path = Path(__file__).parents[1] / "test_contract.py"
    spec = importlib.util.spec_from_file_location("contract", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {
        name: test
        for name, test in vars(module).items()
        if name.startswith("test_")
        and name not in _OWN_PROCESS
        and {"start", "kind", "computing", "grammar"} >= set(inspect.signature(test).parameters)
    }


globals().update(_contract())

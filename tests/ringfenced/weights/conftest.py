"""Small models of every kind, made once."""

from __future__ import annotations

import pytest

from fakes.random_model import SMALL, write_model


@pytest.fixture(scope="session")
def small_models(tmp_path_factory):
    """A small model of each kind, without its weights: a hole in the file."""
    folder = tmp_path_factory.mktemp("models")
    return {kind: write_model(folder / f"{kind}.gguf", recipe, sparse=True) for kind, recipe in SMALL.items()}

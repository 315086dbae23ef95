"""A shape for arithmetic by hand."""

from __future__ import annotations

import pytest

from ringfenced.weights import LayerShape, ModelShape

LAYERS = (LayerShape(1000, 64, 64), LayerShape(1000, 64, 64, is_windowed=True), LayerShape(1000, state_bytes=500))


@pytest.fixture(scope="session")
def make_shape():
    """Make one: three layers of 1,000 bytes, 300 before them and 200 behind."""

    def make(**changes):
        facts = {
            "format": "gguf", "architecture": "llama", "layers": LAYERS, "input_bytes": 300, "output_bytes": 200,
            "is_tied": False, "embeddings_bytes": 300, "embeddings_type": "f16", "embedding": 128, "heads": 4,
            "head_elements": 32, "feed_forward": 256, "vocabulary": 1000, "context_trained": 8192, "window": 512,
            "quantization": "f16",
        }  # fmt: skip
        return ModelShape(**(facts | changes))

    return make

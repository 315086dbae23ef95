"""What model files say: bounded readers of GGUF and safetensors headers, and the shape of the model in them.

Everything but `files` is pure: bytes in, values out, and `BadModelFile` for whatever is malformed. Engine processes
import this, so nothing here imports more than it needs.
"""

from ringfenced.weights.bad import BadModelFile
from ringfenced.weights.shape import LayerShape, ModelShape

__all__ = ["BadModelFile", "LayerShape", "ModelShape"]

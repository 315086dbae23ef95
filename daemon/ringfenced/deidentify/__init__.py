"""De-identification: the only way to a value that may leave. Pure; seed and recognisers come as arguments.

deidentify(prompt, findings, label_asserted, seed=..., scan=...) -> Deidentified, Mapping
Reidentifier(mapping).feed(piece)                                -> the originals, back in the answer's stream
"""

from ringfenced.deidentify.answer import reidentified
from ringfenced.deidentify.reidentify import Reidentifier
from ringfenced.deidentify.values import Deidentified, Mapping, ResidualFindings
from ringfenced.deidentify.verdict import deidentify

__all__ = ["Deidentified", "Mapping", "Reidentifier", "ResidualFindings", "deidentify", "reidentified"]

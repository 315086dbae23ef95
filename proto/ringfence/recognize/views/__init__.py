"""Views: a text as an evader's reader would see it, each character with its place in the original.

A `Reader` is what a recogniser takes as its `Stages.views`; `opaque` is a reading that says what no view can read.
"""

from ringfence.recognize.views.engine import Reader
from ringfence.recognize.views.opaque import opaque

__all__ = ["Reader", "opaque"]

"""Views: a text as an evader's reader would see it, each character with its place in the original.

`views` is what a recogniser takes as its `Stages.views`; `opaque` is a reading that says what no view can read.
"""

from ringfence.recognize.views.engine import Reader

__all__ = ["Reader"]

"""Step 2: what a request is. Pure; the recognisers come as an argument."""

from ringfenced.classify.leaves import string_leaves
from ringfenced.classify.size import chars_of
from ringfenced.classify.verdict import Scan, classify

__all__ = ["Scan", "chars_of", "classify", "string_leaves"]

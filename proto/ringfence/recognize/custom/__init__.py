"""A site's own recognisers: patterns, dictionaries, hashed dictionaries, allow lists. See design.md."""

from ringfence.recognize.custom.allow import AllowList
from ringfence.recognize.custom.errors import CustomError, Problem
from ringfence.recognize.custom.load import Custom, check_custom, load_custom
from ringfence.recognize.custom.settings import Case, CustomSettings, Dictionary

__all__ = [
    "AllowList",
    "Case",
    "Custom",
    "CustomError",
    "CustomSettings",
    "Dictionary",
    "Problem",
    "check_custom",
    "load_custom",
]

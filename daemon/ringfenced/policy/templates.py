"""The starter policies that ship: a file of Cedar for each kind of site."""

from __future__ import annotations

from importlib import resources
from typing import Final

from ringfenced.policy.text import Source

TEMPLATES: Final = ("hospital-us", "hospital-eu", "bank-us", "bank-eu")
"""The same names as those of `ringfence.recognize.templates`."""

EVERYTHING: Final = Source("built-in", '@id("built-in rules")\npermit(principal, action, resource);\n')
"""The policy of a site without one: what the built-in rules leave is permitted."""


def template(name: str) -> Source:
    """A starter policy by its name."""
    text = resources.files("ringfenced.policy").joinpath("templates", f"{name}.cedar").read_text("utf-8")
    return Source(f"template {name}", text)

"""Who may do what, and which label may go where: the site's own policy, on top of the built-in rules.

    parse       Cedar text → rules, or what is wrong with it and where
    Rulebook    rules, and what they say of each target for a request
    People      rules of another kind, and what they say of what people do with the daemon
    table       the everyday table of the configuration, as Cedar
    approval    two persons' word that a policy may take effect

Policy can only narrow. What `decide` removes by the label is removed whatever a policy permits.
"""

from __future__ import annotations

from ringfenced.policy.people import Act, People
from ringfenced.policy.rulebook import Rulebook, World
from ringfenced.policy.rules import PEOPLE, PolicyError, Rule, parse, schema_text
from ringfenced.policy.table import Ceiling, Ceilings, Row, cedar
from ringfenced.policy.templates import EVERYTHING, TEMPLATES, template
from ringfenced.policy.text import Place, Source
from ringfenced.policy.vocabulary import ProviderFacts, everybody, plainest

__all__ = [
    "EVERYTHING",
    "PEOPLE",
    "TEMPLATES",
    "Act",
    "Ceiling",
    "Ceilings",
    "People",
    "Place",
    "PolicyError",
    "ProviderFacts",
    "Row",
    "Rule",
    "Rulebook",
    "Source",
    "World",
    "cedar",
    "everybody",
    "parse",
    "plainest",
    "schema_text",
    "template",
]

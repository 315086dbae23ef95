"""A plain request as decisions see it, for tests to change one thing of: `replace(PLAIN, model="gpt")`."""

from __future__ import annotations

from ringfence.labels import Label
from ringfenced.inputs import Ability, Asked
from ringfenced.model import CallerRole, Permission, Priority

PLAIN = Asked(
    caller="spiffe://site/ward",
    department="ward",
    tenant="site",
    roles=frozenset({CallerRole.CALLER}),
    model="",
    task="",
    permission=Permission(),
    quality_min=0.0,
    needs=frozenset({Ability.TEXT}),
    inputs=1,
    prompt_chars=100,
    tokens_max=10,
    priority=Priority.INTERACTIVE,
    label=Label(),
    label_deidentified=Label(),
    lowered=False,
)

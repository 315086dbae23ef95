"""A request says nothing of what a caller wrote where it is printed."""

from __future__ import annotations

from ringfenced.model import Message, Prompt, Request, Role, Text

CANARY = "Whitfield"


def test_neither_prompt_nor_tags_nor_the_callers_own_ids_stand_in_a_repr():
    """Callers put record numbers into ids; a repr ends up in tracebacks and logs (DESIGN.md, invariant 1)."""
    request = Request(
        "7f",
        Prompt((Message(Role.USER, (Text(CANARY),)),)),
        conversation_id=CANARY,
        run_id=CANARY,
        idempotency_key=CANARY,
        metadata={CANARY: CANARY},
    )
    assert CANARY not in repr(request)
    assert "7f" in repr(request)

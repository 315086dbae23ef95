"""A request on its way whose answer is judged, and models of the node that say what a test wrote down."""

from __future__ import annotations

import asyncio

from fakes.cases import prompt
from ringfence.labels import Label
from ringfenced.inputs import Asked, Circumstances, Inputs, configured, unruled
from ringfenced.model import (
    Caller,
    CallerRole,
    Candidate,
    Classification,
    Decision,
    Estimate,
    Finish,
    FinishReason,
    Offer,
    Permission,
    Priority,
    Request,
    Target,
    TargetKind,
    TextDelta,
    Usage,
)
from ringfenced.way import Way

WARD = Caller("spiffe://site/ward", "site", "ward", frozenset({CallerRole.CALLER}), Label())


def offer(name="small", *, per_1k=0, provider="", **fields):
    """A target on offer."""
    kind = TargetKind.PROVIDER if provider else TargetKind.LOCAL
    return Offer(Target(kind, name, provider=provider), True, "", 0.5, 4096, per_1k, per_1k, 1, 0.01, **fields)


def rung(one, cost_max=0, leave_ms=0):
    """A rung of a ladder."""
    estimate = Estimate(0, cost_max, 1, 0.5, 10, 10)
    return Candidate(one.target, estimate, True, "chosen", "", deidentified=False, leave_ms=leave_ms)


def way(*offers, held=0, costs=(), label=None, text="What is it?", denied=(), **request):
    """A request that has an answer of its first target."""
    offers = offers or (offer(),)
    label = label or Label()
    asked_prompt = request.pop("asked", None) or prompt(text)
    made = Way(Request("r1", asked_prompt, **request), 0.0, step=6, caller=WARD)
    made.classification = Classification(label, label, (), len(text))
    made.offers = {one.target: one for one in offers}
    ladder = tuple(rung(one, cost) for one, cost in zip(offers, costs or (0,) * len(offers), strict=False))
    made.decision = Decision(label, ladder, (), "d")
    rulings = unruled([one for one in offers if one.target.model not in denied], "d")
    asked = Asked(
        WARD.identity, "ward", "site", WARD.roles, "", "", Permission(), 0.0, frozenset(), 1, len(text), 100,
        Priority.INTERACTIVE, label, label, lowered=False,
    )  # fmt: skip
    made.inputs = Inputs(asked, offers, configured(offers), rulings, Circumstances(0, None))
    made.held_microcredits = held
    made.finish = Finish(FinishReason.STOP, Usage(10, 10))
    made.ran.append(offers[0].target)
    return made


class Places:
    """Models of the node; each asking takes the next answer of its model, and hangs where there is none."""

    def __init__(self, **answers):
        self.answers = {name: list(said) for name, said in answers.items()}
        self.asked = []

    def place(self, model, *, seconds_max, salt):
        return _Place(self, model, salt)


class _Place:
    def __init__(self, places, model, salt):
        self._places, self._model, self._salt = places, model, salt
        self.engine = self
        self.tokens_received = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    async def wait(self):
        return None

    def start(self, asked, **how):
        self._places.asked.append((self._model, asked, self._salt, how))
        said = self._places.answers[self._model]
        self._left = [said.pop(0)] if said else []
        return self

    async def take(self):
        if not self._left:
            await asyncio.Event().wait()
        piece = self._left.pop(0)
        if isinstance(piece, BaseException):
            raise piece
        if isinstance(piece, str):
            self._left.append(Finish(FinishReason.STOP, Usage(10, 5)))
            self.tokens_received = 5
            return TextDelta(piece, 5)
        if isinstance(piece, TextDelta):  # one that never ends
            self.tokens_received = piece.tokens
        return piece

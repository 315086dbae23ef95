"""What is asked, and the messages that a bare server answers with: the same number and sizes as Ringfence's."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ringfence.v1 import inference_pb2 as pb
from ringfence.v1 import types_pb2 as types
from ringfenced.model import Message, Prompt, Role, Sampling, Text

TOKEN = " tok"
"""One token of the scripted engine's usual answer."""

NOTE = (
    "Visit summary. The patient came for a planned check after a change of medication six weeks ago. She reports good "
    "sleep, no dizziness and a steady appetite; the swelling of both ankles has gone down. Blood pressure was 128 over "
    "79, pulse 72 and regular. The heart sounds are normal, the lungs clear on both sides. The dose of the diuretic "
    "stays as it is, the other tablets are continued. Blood was drawn for salts and kidney values; results are "
    "expected by the end of the week. Ward telephone for questions: (216) 555-0142. Next visit in three months, "
    "earlier if the swelling returns or the weight rises by two kilos."
)
"""A note of some 600 characters with one finding, as an application sends it."""

INSTRUCTIONS = "\n".join(
    (
        "You help the staff of a ward with their letters. Answer in the language of the question, in short sentences.",
        "Use the words that the question uses; where a word has several meanings, say which one you take.",
        "Never invent a value: where something is not known, say that it is not known and what would be needed.",
        "Amounts keep their units. Do not convert units unless you are asked to, and then show both values.",
        "If the question asks for a summary, begin with what has changed, then what stays, then what is planned.",
        "Lists have at most seven points. A table has a heading for each column and one line for each row.",
        "Do not give advice that a doctor has to give; point out instead what a doctor should be asked.",
        "When you are asked for a letter, leave the address and the signature open and mark both places.",
        "If the question contradicts itself, name the contradiction before you answer, and answer both readings.",
        "Leave out greetings, apologies and remarks about yourself. End when everything that was asked is answered.",
    )
    * 2
)
"""Some 2,000 characters in which nothing is found, as an application sends them with every request."""


FRESH = " " * 8
"""Ends texts that are to be new in each request: other blanks take its place; a script is the same with them."""
_BLANKS = b" \t\n\r"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of request."""

    model: str
    """``fast``: tokens as soon as they are asked for; ``paced``: on a grid of `INTERVAL_MS`."""
    tokens: int
    """Tokens of the answer."""
    burst: int = 1
    """Tokens that are ready together."""
    note: bool = False
    """Whether the prompt is the note rather than a short question."""
    instructions: str = ""
    """What stands before the question."""
    method: str = "Generate"
    """Generate or Plan."""

    @property
    def directive(self) -> str:
        """The last user message: it scripts the engine and tells the bare server which answer is meant."""
        return f"/script {json.dumps({'tokens': self.tokens, 'burst': self.burst})}"

    def request(self) -> pb.GenerateRequest:
        """The request, labelled PUBLIC."""
        last = self.directive + FRESH
        texts = tuple(text for text in (self.instructions, NOTE if self.note else "", last) if text)
        return pb.GenerateRequest(
            model=self.model,
            messages=[types.Message(role=types.ROLE_USER, parts=[types.Part(text=text)]) for text in texts],
            label=types.Label(level=types.LEVEL_PUBLIC),
            sampling=types.Sampling(tokens_max=self.tokens),
        )

    def payload(self) -> bytes:
        """The request as it goes over the wire."""
        request = self.request()
        message = pb.PlanRequest(request=request) if self.method == "Plan" else request
        return message.SerializeToString()


def fresh(payload: bytes, number: int) -> bytes:
    """A payload with texts of its own: what a daemon found nothing in, it does not read again."""
    digits = bytes(_BLANKS[number >> 2 * place & 3] for place in range(len(FRESH)))
    return payload.replace(FRESH.encode(), digits)


def prompt(scenario: Scenario) -> Prompt:
    """The same request as an engine's client takes it."""
    texts = [part.text for message in scenario.request().messages for part in message.parts]
    return Prompt(
        tuple(Message(Role.USER, (Text(text),)) for text in texts), sampling=Sampling(tokens_max=scenario.tokens)
    )


INTERVAL_MS = 10
"""Grid of the paced answers, in milliseconds."""

SCENARIOS = {
    "plan": Scenario("fast", 1, method="Plan"),
    "unary": Scenario("fast", 1),
    "note": Scenario("fast", 1, note=True),
    "instructed": Scenario("fast", 1, instructions=INSTRUCTIONS),
    "instructed anew": Scenario("fast", 1, instructions=INSTRUCTIONS + FRESH),
    "burst": Scenario("fast", 20, burst=20),
    "paced": Scenario("paced", 20),
    "long": Scenario("paced", 100),
    "storm": Scenario("paced", 400),
    "flood": Scenario("fast", 100_000, burst=50),
}
"""Every scenario by name."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the bare server streams."""

    decision: pb.GenerateResponse
    deltas: tuple[pb.GenerateResponse, ...]
    """One token each, as a plain handler sends them."""
    finish: pb.GenerateResponse
    receipt: pb.GenerateResponse
    paced: bool
    """A delta each `INTERVAL_MS`."""


def answer(scenario: Scenario) -> Answer:
    """The messages that Ringfence sends for `scenario` at one token a message."""
    decision = _decision(scenario)
    delta = pb.GenerateResponse(text=pb.TextDelta(text=TOKEN, tokens=1))
    usage = types.Usage(
        prompt_tokens=8, completion_tokens=scenario.tokens, time_to_first_token_us=38, duration_us=38, logprob_min=-0.1
    )
    receipt = types.Receipt(request_id="0" * 32, decision=decision, cost_microcredits=3, ran=[_target(scenario.model)])
    receipt.finished_at.FromMilliseconds(1_800_000_000_000)
    if scenario.note:
        receipt.findings_by_type["PHONE"] = 1
    return Answer(
        decision=pb.GenerateResponse(decision=decision),
        deltas=(delta,) * scenario.tokens,
        finish=pb.GenerateResponse(finish=pb.Finish(reason=types.FINISH_REASON_STOP, usage=usage)),
        receipt=pb.GenerateResponse(receipt=receipt),
        paced=scenario.model == "paced",
    )


def plan_answer(scenario: Scenario) -> pb.PlanResponse:
    """The message that Ringfence answers a dry run of `scenario` with."""
    public = types.Label(level=types.LEVEL_PUBLIC)
    return pb.PlanResponse(
        label=public,
        decision=_decision(scenario),
        label_deidentified=public,
        wallet_available_microcredits=999_999_999_999_980,
    )


def _target(model: str) -> types.Target:
    return types.Target(kind=types.TARGET_KIND_LOCAL, model=model)


def _decision(scenario: Scenario) -> types.Decision:
    other = "fast" if scenario.model == "paced" else "paced"
    estimate = types.Estimate(
        cost_microcredits=1,
        latency_ms=55,
        quality=0.5,
        prompt_tokens=12,
        completion_tokens=scenario.tokens,
        cost_microcredits_max=10,
    )
    chosen = types.Candidate(
        target=_target(scenario.model),
        estimate=estimate,
        chosen=True,
        rule="chosen",
        reason="the cheapest that is allowed, good enough and in time",
    )
    refused = types.Candidate(
        target=_target(other), estimate=estimate, rule="model", reason=f"the caller asked for {scenario.model}"
    )
    label = types.Label(level=types.LEVEL_PUBLIC)
    if scenario.note:  # it holds a telephone number
        label = types.Label(level=types.LEVEL_CONFIDENTIAL, categories=[types.CATEGORY_PII])
    return types.Decision(
        target=_target(scenario.model),
        candidates=[chosen, refused],
        label=label,
        policy_digest="0" * 64,
        ladder=[_target(scenario.model)],
    )

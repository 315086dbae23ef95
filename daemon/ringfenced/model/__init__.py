"""The values that travel through a request: frozen, normalised at birth, without I/O.

Money is in microcredits: millionths of a credit, whole numbers. Times last in names bear their unit.
"""

from __future__ import annotations

from ringfenced.model.agent import EntryQuery, LockdownFacts, OperatorWord, RotatedKey
from ringfenced.model.answer import (
    Answer,
    Delta,
    Embedded,
    Finish,
    FinishReason,
    TextDelta,
    TokenLogprob,
    ToolCallDelta,
    Usage,
    Vectors,
)
from ringfenced.model.caller import Caller, CallerRole
from ringfenced.model.classification import Classification, Contribution, Contributor, Inherited, Located
from ringfenced.model.decision import Candidate, Decision, Estimate
from ringfenced.model.egress import EntryProof, Sent, Terms
from ringfenced.model.event import Escalation, Event, Loading, Receipt
from ringfenced.model.node import HealthCheck, ModelFacts, ModelMemory, Speed
from ringfenced.model.prompt import (
    File,
    Image,
    Json,
    Message,
    Part,
    Prompt,
    Role,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolMode,
)
from ringfenced.model.request import Claim, Permission, Priority, Request
from ringfenced.model.target import Offer, Target, TargetKind
from ringfenced.model.verdict import GOOD, Read, Verdict
from ringfenced.model.wallet import Wallet

__all__ = [
    "GOOD",
    "Answer",
    "Caller",
    "CallerRole",
    "Candidate",
    "Claim",
    "Classification",
    "Contribution",
    "Contributor",
    "Decision",
    "Delta",
    "Embedded",
    "EntryProof",
    "EntryQuery",
    "Escalation",
    "Estimate",
    "Event",
    "File",
    "Finish",
    "FinishReason",
    "HealthCheck",
    "Image",
    "Inherited",
    "Json",
    "Loading",
    "Located",
    "LockdownFacts",
    "Message",
    "ModelFacts",
    "ModelMemory",
    "Offer",
    "OperatorWord",
    "Part",
    "Permission",
    "Priority",
    "Prompt",
    "Read",
    "Receipt",
    "Request",
    "Role",
    "RotatedKey",
    "Sampling",
    "Sent",
    "Speed",
    "Target",
    "TargetKind",
    "Terms",
    "Text",
    "TextDelta",
    "TokenLogprob",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolMode",
    "Usage",
    "Vectors",
    "Verdict",
    "Wallet",
]

"""The tables between protobuf's numbers and the daemon's words."""

from __future__ import annotations

from typing import Final

from ringfence.v1 import types_pb2 as pb
from ringfenced.model import Contributor, FinishReason, Priority, Role, TargetKind, ToolMode

ROLES: Final = {
    pb.ROLE_SYSTEM: Role.SYSTEM,
    pb.ROLE_USER: Role.USER,
    pb.ROLE_ASSISTANT: Role.ASSISTANT,
    pb.ROLE_TOOL: Role.TOOL,
}

TOOL_MODES: Final = {
    pb.ToolChoice.MODE_UNSPECIFIED: ToolMode.AUTO,
    pb.ToolChoice.MODE_AUTO: ToolMode.AUTO,
    pb.ToolChoice.MODE_NONE: ToolMode.NONE,
    pb.ToolChoice.MODE_REQUIRED: ToolMode.REQUIRED,
}

PRIORITIES: Final = {
    pb.PRIORITY_UNSPECIFIED: Priority.INTERACTIVE,
    pb.PRIORITY_INTERACTIVE: Priority.INTERACTIVE,
    pb.PRIORITY_BATCH: Priority.BATCH,
}

TARGET_KINDS_BACK: Final = {
    TargetKind.LOCAL: pb.TARGET_KIND_LOCAL,
    TargetKind.PEER: pb.TARGET_KIND_PEER,
    TargetKind.PROVIDER: pb.TARGET_KIND_PROVIDER,
}

FINISH_REASONS_BACK: Final = {
    FinishReason.STOP: pb.FINISH_REASON_STOP,
    FinishReason.LENGTH: pb.FINISH_REASON_LENGTH,
    FinishReason.TOOL_CALLS: pb.FINISH_REASON_TOOL_CALLS,
    FinishReason.CONTENT_FILTER: pb.FINISH_REASON_CONTENT_FILTER,
}

CONTRIBUTORS_BACK: Final = {
    Contributor.CALLER: pb.CONTRIBUTOR_CALLER,
    Contributor.DEPARTMENT: pb.CONTRIBUTOR_DEPARTMENT,
    Contributor.SOURCE: pb.CONTRIBUTOR_SOURCE,
    Contributor.EARLIER: pb.CONTRIBUTOR_EARLIER,
    Contributor.FINDING: pb.CONTRIBUTOR_FINDING,
    Contributor.RULE: pb.CONTRIBUTOR_RULE,
    Contributor.UNREADABLE: pb.CONTRIBUTOR_UNREADABLE,
}

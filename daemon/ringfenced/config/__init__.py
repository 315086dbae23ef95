"""The daemon's configuration: one TOML file, read once, frozen; and the only place that reads the environment.

`ringfenced --config FILE --check-config` says what is wrong with a file, where, and what to write instead. Paths in the
file are relative to the file's own folder.
"""

from __future__ import annotations

from ringfenced.config.agent import Agent
from ringfenced.config.callers import CallerSetting, Department, Source
from ringfenced.config.environment import notify_environment
from ringfenced.config.evaluators import BUILT_IN, THRESHOLDS, Evaluator, with_built_in
from ringfenced.config.file import Config, read
from ringfenced.config.listen import Listen, Streams
from ringfenced.config.models import Adapter, Library, LocalModel, Placement, Vllm
from ringfenced.config.policy import Approver, Policies, PolicyCeiling, PolicyRule
from ringfenced.config.providers import Provider, ProviderModel
from ringfenced.config.routing import Routing
from ringfenced.config.telemetry import Telemetry
from ringfenced.config.types import FilePath, Identity, LabelSetting, Levels, Name, Price, Share, Speed, Tls

__all__ = [
    "BUILT_IN",
    "THRESHOLDS",
    "Adapter",
    "Agent",
    "Approver",
    "CallerSetting",
    "Config",
    "Department",
    "Evaluator",
    "FilePath",
    "Identity",
    "LabelSetting",
    "Levels",
    "Library",
    "Listen",
    "LocalModel",
    "Name",
    "Placement",
    "Policies",
    "PolicyCeiling",
    "PolicyRule",
    "Price",
    "Provider",
    "ProviderModel",
    "Routing",
    "Share",
    "Source",
    "Speed",
    "Streams",
    "Telemetry",
    "Tls",
    "Vllm",
    "notify_environment",
    "read",
    "with_built_in",
]

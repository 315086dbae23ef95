"""The smallest file of a daemon, as text, and sections to put after it."""

from __future__ import annotations

from pathlib import Path

from ringfence.configfile import parse
from ringfenced.config import Config

GOOD = """
state = "state"
[listen]
tcp = "127.0.0.1:0"
tls = { ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }
[[departments]]
name = "ward"
grant_credits = 1
[[callers]]
identity = "spiffe://site.example/ward-app"
department = "ward"
roles = ["caller", "auditor"]
"""
AGENT = """
[agent]
target = "unix:/run/agent.sock"
tls = { ca = "ca.pem", cert = "daemon.pem", key = "daemon.key" }
permit_key = "permit.key"
log_public_key = "log.pub"
log_origin = "site.example/egress"
"""
PROVIDER = """
[[providers]]
name = "acme"
clearance = { level = "INTERNAL", categories = ["PII"] }
[[providers.models]]
name = "gpt"
"""
HOUSE = """
[[models]]
name = "house"
engine = "command"
command = ["engine"]
"""
SOURCE = """
[[sources]]
name = "laboratory"
label = { level = "CONFIDENTIAL", categories = ["PHI"] }
"""


def read(text: str) -> Config:
    """The file with this text, as if it lay in /etc/ringfence."""
    return parse(text, Path("/etc/ringfence/ringfenced.toml"), Config)

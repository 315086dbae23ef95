"""The daemon's side of the only way out: the client of the agent, and the witness of the agent's log.

`AgentClient` sends de-identified payloads under permits and asks what may be sent to; `EgressLog` reads the agent's log
for the Audit API; `Witness` keeps the newest checkpoint and refuses an agent whose log went backwards or forked.
`connect` puts the three together.
"""

from ringfenced.egress.checkpointfile import CheckpointFile
from ringfenced.egress.client import AgentClient
from ringfenced.egress.connect import AgentSettings, connect
from ringfenced.egress.log import EgressLog
from ringfenced.egress.read import ProviderModel
from ringfenced.egress.witness import Witness

__all__ = [
    "AgentClient",
    "AgentSettings",
    "CheckpointFile",
    "EgressLog",
    "ProviderModel",
    "Witness",
    "connect",
]

"""The composition root: the only place that wires verbs and nouns, and that knows how many processes serve.

workers = 1   one process: supervisor (engines, wallets, memory) and worker (flow, services) share it
workers = N   this process supervises and serves nothing; N children run flow and services, attach to the engines'
              sockets, and reach wallets and memory over the link (`store.link`)

    node        what there is once in a node, for the process that has it and for those that reach it
    worker      flow and services in one process, of these parts:
        scanning    what is found in payloads
        leaving     the way out through the agent
        telling     request lines, metrics, kept decisions
        learning    what is expected of targets
        listening   where callers arrive, and under which certificates
"""

from __future__ import annotations

from ringfenced.build.node import attached, linked, prepare, supervising
from ringfenced.build.scanning import check_files
from ringfenced.build.worker import Reload, working

__all__ = ["Reload", "attached", "check_files", "linked", "prepare", "supervising", "working"]

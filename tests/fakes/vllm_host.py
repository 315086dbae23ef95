"""vLLM loaded once, behind as many sockets as tests ask for: ``python -P vllm_host.py OPTIONS``, in vLLM's interpreter.

Starting vLLM takes a minute; most tests want nothing but other limits. Each line of standard input, a JSON object with
``socket``, ``sequences``, ``queue`` and ``context``, opens one more engine in front of the same model; the same line
once more closes it. Nothing else differs from the engine's own process (`ringfenced.engines.vllm.process`).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from ringfenced.engines.server import EngineServer, run
from ringfenced.engines.vllm import environment, options, tether


async def _serve(chosen):
    from ringfenced.engines.vllm.backend import Limits, VllmBackend  # noqa: PLC0415  # after the environment is set
    from ringfenced.engines.vllm.host import open_host  # noqa: PLC0415  # likewise

    host = open_host(chosen)
    tether.watch(lambda: os._exit(70))
    await host.warm_up()
    print("ready", flush=True)  # noqa: T201  # to the tests
    servers = {}

    async def serve(socket, wanted):
        limits = Limits(wanted["context"], wanted["sequences"], wanted["queue"])
        async with asyncio.TaskGroup() as tasks:
            await servers[socket].serve(Path(socket), VllmBackend(servers[socket], host, limits, tasks))

    async with asyncio.TaskGroup() as engines:
        while line := await asyncio.to_thread(sys.stdin.readline):
            wanted = json.loads(line)
            socket = wanted["socket"]
            if socket in servers:
                servers.pop(socket).stop()
            else:
                servers[socket] = EngineServer()
                engines.create_task(serve(socket, wanted))
        tether.reap()
        os._exit(0)


def main():
    arguments = options.parser().parse_args()
    chosen = options.read(arguments)
    folder = arguments.socket.parent
    (folder / "tmp").mkdir(exist_ok=True)
    environment.apply(os.environ, folder=folder, cache=arguments.cache, threads=chosen.threads, needs_network=False)
    tether.adopt()
    tether.tie()
    run(_serve(chosen))


if __name__ == "__mp_main__":
    tether.tie()
elif __name__ == "__main__":
    main()

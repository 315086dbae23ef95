"""The bare side: a plain `grpc.aio` server with the same contract, credentials and messages, and nothing behind it.

Its paced answers wait for a shared tick, one timer for all streams: what an engine with continuous batching would be
if reaching it cost nothing. With ``--engines`` it gets its tokens from scripted engine processes instead, as the daemon
does, and still governs nothing: the floor under any design whose models run in processes of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
from collections.abc import Mapping
from pathlib import Path

from ringfence.tls13 import require_tls13

require_tls13(os.environ)  # noqa: TID251 - the start of this process

import grpc  # noqa: E402  # after TLS 1.3 was asked for
import uvloop  # noqa: E402

from flow_parts.scenarios import INTERVAL_MS, SCENARIOS, answer, plan_answer, prompt  # noqa: E402
from ringfence import tls  # noqa: E402
from ringfence.v1 import inference_pb2 as pb  # noqa: E402
from ringfence.v1 import inference_pb2_grpc  # noqa: E402
from ringfenced.engines.client import EngineClient  # noqa: E402
from ringfenced.model import Finish  # noqa: E402


class Ticker:
    """One timer for all paced streams."""

    def __init__(self) -> None:
        """Nothing ticks before somebody waits."""
        self._loop = asyncio.get_running_loop()
        self._due_s = 0.0
        self._next: asyncio.Future[None] | None = None

    def next(self) -> asyncio.Future[None]:
        """The next tick; all who wait get the same."""
        if self._next is None:
            self._next = self._loop.create_future()
            # On the grid while anybody waits, even where the last tick was late, like the scripted engine's step.
            interval_s, now_s = INTERVAL_MS / 1000, self._loop.time()
            self._due_s = self._due_s + interval_s if self._due_s > now_s - interval_s else now_s + interval_s
            self._loop.call_at(self._due_s, self._tick)
        return self._next

    def _tick(self) -> None:
        assert self._next is not None
        due, self._next = self._next, None
        due.set_result(None)


class Bare(inference_pb2_grpc.InferenceServicer):
    """Writes messages that were made beforehand."""

    def __init__(self, engines: Mapping[str, EngineClient]) -> None:
        """Make them; `engines` by their model's name, none to answer from memory."""
        self._engines = engines
        self._prompts = {scenario.directive: prompt(scenario) for scenario in reversed(SCENARIOS.values())}
        self._ticker = Ticker()
        self._answers = {scenario.directive: answer(scenario) for scenario in reversed(SCENARIOS.values())}
        self._plan = plan_answer(SCENARIOS["plan"])

    async def Generate(self, request: pb.GenerateRequest, context: grpc.aio.ServicerContext) -> None:  # noqa: N802
        """Stream the answer of the request's scenario."""
        directive = request.messages[-1].parts[0].text.rstrip()
        answer = self._answers[directive]
        await context.write(answer.decision)
        if self._engines:
            with self._engines[request.model].start(self._prompts[directive], confidential=False) as run:
                while type(piece := await run.take()) is not Finish:
                    await context.write(pb.GenerateResponse(text=pb.TextDelta(text=piece.text, tokens=piece.tokens)))
        else:
            for delta in answer.deltas:
                if answer.paced:
                    await self._ticker.next()
                await context.write(delta)
        await context.write(answer.finish)
        await context.write(answer.receipt)

    async def Plan(self, request: pb.PlanRequest, _context: grpc.aio.ServicerContext) -> pb.PlanResponse:  # noqa: N802
        """Answer at once."""
        del request
        return self._plan


async def _serve(address: str, certs: Path, sockets: Path | None) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    names = ("fast", "paced") if sockets else ()
    engines = {name: await EngineClient.connect(sockets / f"{name}.sock") for name in names}
    server = grpc.aio.server(options=tls.server_options(16 * 1024 * 1024))
    inference_pb2_grpc.add_InferenceServicer_to_server(Bare(engines), server)
    identity = tls.Identity(certs / "daemon.pem", certs / "daemon.key", certs / "ca.pem")
    server.add_secure_port(address, tls.server_credentials(tls.Certificates(identity)))
    await server.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])  # noqa: TID251 - sd_notify(3)
    await stopping.wait()
    await server.stop(0)


def main() -> None:
    parser = argparse.ArgumentParser(description="A bare grpc.aio server.")
    parser.add_argument("--address", required=True)
    parser.add_argument("--certs", type=Path, required=True)
    parser.add_argument("--engines", type=Path, help="folder with the sockets of two scripted engines")
    arguments = parser.parse_args()
    uvloop.run(_serve(arguments.address, arguments.certs, arguments.engines))


if __name__ == "__main__":
    main()

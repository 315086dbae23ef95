"""What sysadmins' tools expect: health, reflection, check-config, a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

pytestmark = [pytest.mark.journey, pytest.mark.asyncio(loop_scope="session")]


async def test_probes_need_no_certificate_and_learn_only_health(site):
    async with grpc.aio.insecure_channel(f"127.0.0.1:{site.health_port}") as channel:
        response = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert response.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/ringfence.v1.Models/ListModels")(b"")
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_reflection_lists_the_services(site):
    stub = reflection_pb2_grpc.ServerReflectionStub(site.client("operator")._channel)

    async def asked():
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    async for response in stub.ServerReflectionInfo(asked()):
        names = {service.name for service in response.list_services_response.service}
        break
    assert {"ringfence.v1.Inference", "ringfence.v1.Audit", "ringfence.v1.Lockdown", "grpc.health.v1.Health"} <= names
    assert "ringfence.v1.Egress" not in names


async def test_a_connection_without_a_certificate_or_with_tls_1_2_gets_nowhere(site):
    def connect(version=None, certificate=False):
        context = ssl.create_default_context(cafile=str(site.folder / "ca.pem"))
        context.set_alpn_protocols(["h2"])
        if version:
            context.maximum_version = version
        if certificate:
            context.load_cert_chain(site.folder / "caller-ward.pem", site.folder / "caller-ward.key")
        plain = socket.create_connection(("localhost", site.port), timeout=5)
        with plain, context.wrap_socket(plain, server_hostname="localhost") as secured:
            secured.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
            return secured.recv(64)

    assert await asyncio.to_thread(connect, None, True)
    with pytest.raises(ssl.SSLError):
        await asyncio.to_thread(connect, ssl.TLSVersion.TLSv1_2, True)
    with contextlib.suppress(ssl.SSLError, ConnectionError):
        assert not await asyncio.to_thread(connect)


def check(text, tmp_path):
    file = tmp_path / "daemon.toml"
    file.write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "ringfenced", "--config", str(file), "--check-config"],
        capture_output=True,
        text=True,
        check=False,
    )


async def test_check_config_reads_the_sites_own_files_and_compiles_no_list(site, tmp_path):
    """Wrong lines are told by number, not by what stands in them; nothing is written."""
    good = (site.folder / "daemon.toml").read_text()
    own = '[[classification.dictionaries]]\nname = "staff"\npath = "staff.txt"\nentity = "PERSON"\n'
    (tmp_path / "staff.txt").write_text("Joanna Whitfield\n")
    assert check(good + own, tmp_path).returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["daemon.toml", "staff.txt"]
    (tmp_path / "staff.txt").write_text("Joanna Whitfield\nx\n")
    broken = check(good + own, tmp_path)
    assert broken.returncode == 78
    assert "staff.txt:2: " in broken.stderr
    assert "Joanna" not in broken.stderr


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_list_that_cannot_be_used_ends_the_daemon_with_its_line(site, workers):
    """It is not started again and again: the exit code says that this would not help."""
    folder = Path(tempfile.mkdtemp(prefix="rf-"))
    (folder / "staff.txt").write_text("Joanna Whitfield\nx\n")
    own = '[[classification.dictionaries]]\nname = "staff"\npath = "staff.txt"\nentity = "PERSON"\n'
    good = (site.folder / "daemon.toml").read_text()
    (folder / "daemon.toml").write_text(good.replace("workers = 1", f"workers = {workers}") + own)
    command = [sys.executable, "-m", "ringfenced", "--config", str(folder / "daemon.toml")]
    ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False, timeout=60)
    shutil.rmtree(folder)
    assert ended.returncode == 78
    assert "staff.txt:2: " in ended.stderr
    assert "Joanna" not in ended.stderr


async def test_check_config_says_file_line_and_what_to_write(site, tmp_path):
    good = (site.folder / "daemon.toml").read_text()
    assert check(good, tmp_path).returncode == 0
    broken = check(good.replace("coalesce_ms", "coalesce"), tmp_path)
    line = good.splitlines().index("[streams]") + 2
    assert broken.returncode == 78
    assert f"daemon.toml:{line}: streams.coalesce: is unknown; write coalesce_ms" in broken.stderr

"""What an engine process keeps: its model, its socket, its GPUs; and what it does not."""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.enclosed import lacking
from ringfence.confine import places
from ringfence.confine.begin import NotConfined
from ringfenced.engines import walls

SOCKET = Path("/run/ringfenced/0123/e.socket")


def test_a_llama_engine_reads_its_model_and_listens():
    found = walls.llama(SOCKET, [Path("/srv/models/m.gguf")], has_gpu=False)
    assert found.families == frozenset()
    assert found.writes == ()
    assert found.sockets == ("/run/ringfenced/0123",)
    assert "/srv/models/m.gguf" in found.reads
    assert not {"/srv/models", "/etc", "/run", "/var", "/home"} & set(found.reads)
    assert not found.starts_programs
    assert not found.writes_code
    assert found.makes_callbacks
    assert found.devices == places.HARMLESS_DEVICES


def test_gpus_are_opened_and_their_drivers_compile(monkeypatch):
    monkeypatch.setattr(places, "gpus", lambda: ("/dev/nvidia0", "/dev/nvidiactl"))
    found = walls.llama(SOCKET, [Path("/srv/m.gguf")], has_gpu=True)
    assert {"/dev/nvidia0", "/dev/nvidiactl"} <= set(found.devices)
    assert found.writes_code


def test_all_parts_of_a_split_model_are_read(tmp_path):
    for number in (1, 2, 3):
        (tmp_path / f"m-0000{number}-of-00003.gguf").touch()
    (tmp_path / "other.gguf").touch()
    found = walls.llama(SOCKET, [tmp_path / "m-00001-of-00003.gguf"], has_gpu=False)
    read = [path for path in found.reads if path.startswith(str(tmp_path))]
    assert read == [str(tmp_path / f"m-0000{number}-of-00003.gguf") for number in (1, 2, 3)]


def test_a_vllm_engine_writes_its_cache_and_compiles(tmp_path):
    found = walls.vllm(SOCKET, [Path("/srv/m")], [tmp_path / "cache"], needs_network=False)
    assert set(found.writes) == {str(tmp_path / "cache"), places.SHARED_MEMORY}
    assert found.families == {socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK}
    assert not found.has_datagrams
    assert found.starts_programs
    assert found.writes_code
    assert walls.vllm(SOCKET, [], [], needs_network=True).has_datagrams


def options(*arguments):
    parser = argparse.ArgumentParser()
    walls.add_options(parser)
    return parser.parse_args(arguments)


def test_an_engine_ends_where_a_way_out_works_and_must_not(monkeypatch):
    """Its launcher keeps the text."""

    def begin(found, **settings):
        beside = settings.pop("beside")
        assert settings == {"apply": True, "required": False, "self_test": "enforce"}
        assert beside == ("/run/ringfenced",)
        raise NotConfined("udp4 works")

    monkeypatch.setattr(walls, "begin", begin)
    with pytest.raises(SystemExit, match="udp4 works"):
        walls.shut_in(walls.llama(SOCKET, [], has_gpu=False), options("--self-test", "enforce"))
    walls.shut_in(walls.llama(SOCKET, [], has_gpu=False), options("--no-walls"))


@pytest.mark.skipif(bool(lacking()), reason=lacking())
def test_an_engine_that_enforces_reads_no_key_beside_its_socket(tmp_path):
    """The daemon's state and keys are the same user's, and were the engine's to read."""
    (tmp_path / "daemon.key").write_text("secret")
    (tmp_path / "m.gguf").write_text("weights")
    code = f"""
import argparse
from pathlib import Path
from ringfenced.engines import walls
folder = Path({str(tmp_path)!r})
found = walls.llama(folder / "e.sock", [folder / "m.gguf"], has_gpu=False)
walls.shut_in(found, argparse.Namespace(no_walls=False, self_test="enforce"))
print((folder / "m.gguf").read_text())
print((folder / "daemon.key").read_text())
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "weights\n", done.stderr
    assert "PermissionError" in done.stderr


@pytest.mark.skipif(bool(lacking()), reason=lacking())
def test_an_engine_takes_no_other_engines_socket_nor_the_links(folder):
    """Whoever stands in one's place reads the prompts of another model, or tells workers what conversations hold."""
    link, neighbours, own = (folder / name for name in ("link.sock", "b/e.socket", "a/e.socket"))
    held = []
    for path in (link, neighbours):
        path.parent.mkdir(exist_ok=True)
        held.append(socket.socket(socket.AF_UNIX))
        held[-1].bind(str(path))
    own.parent.mkdir()
    code = f"""
import argparse, json, os, socket
from pathlib import Path
from ringfenced.engines import walls
own = Path({str(own)!r})
walls.shut_in(walls.llama(own, [], has_gpu=False), argparse.Namespace(no_walls=False, self_test="enforce"))
def tries(what, *arguments):
    try:
        what(*arguments)
    except OSError as error:
        return type(error).__name__
    return "done"
def bind(path):
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
said = [tries(bind, str(own)), tries(os.rename, str(own), str(own) + "2"), tries(os.unlink, str(own) + "2")]
for path in ({str(link)!r}, {str(neighbours)!r}):
    said += [tries(os.unlink, path), tries(os.rename, path, path + "2"), tries(os.rename, path, str(own))]
    said += [tries(bind, path + "3"), tries(os.listdir, os.path.dirname(path))]
said += [tries(os.rename, str(own.parent), str(own.parent) + "2"), tries(os.rmdir, own.parent)]
print(json.dumps(said))
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said[:3] == ["done"] * 3
    assert "done" not in said[3:]
    assert link.is_socket()
    assert neighbours.is_socket()
    for one in held:
        one.close()


@pytest.mark.skipif(bool(lacking()), reason=lacking())
def test_an_engine_whose_walls_leave_it_the_others_folder_ends(folder):
    """The self-test tries it: the attempt works in the folder above its own."""
    (folder / "a").mkdir()
    code = f"""
import argparse
from dataclasses import replace
from pathlib import Path
from ringfenced.engines import walls
found = walls.llama(Path({str(folder)!r}) / "a/e.socket", [], has_gpu=False)
found = replace(found, writes=({str(folder)!r},))
walls.shut_in(found, argparse.Namespace(no_walls=False, self_test="enforce"))
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"unix-beside: made a unix socket in {folder}" in done.stderr

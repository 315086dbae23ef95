"""Attempts over the network, against the loopback: what answers, what refuses, what stays silent."""

from __future__ import annotations

import errno
import socket
import struct
import threading
from dataclasses import replace

import pytest

from ringfence.confine.attempts import local, network
from ringfence.confine.attempts.outcome import Given, NotHere


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


@pytest.fixture
def given(server):
    return Given(address4="127.0.0.1", port=server.getsockname()[1], wait_s=0.5)


def test_a_connection_is_an_escape(given):
    assert network.tcp4(given) == f"connected to 127.0.0.1:{given.port}"
    assert network.fast_open(given).startswith(f"connected to 127.0.0.1:{given.port}")


@pytest.mark.parametrize("attempt", [network.reused_accepted, network.reused_listener])
def test_so_is_one_by_a_socket_that_was_there(given, attempt):
    assert attempt(given) == f"connected to 127.0.0.1:{given.port}"


def test_so_is_a_host_that_refuses_it(server, given):
    """The segment arrived."""
    server.close()
    assert network.tcp4(given) == f"reached 127.0.0.1, where nobody listens on {given.port}"


def silent(given):
    """A door whose queue is full answers nobody: the kernel drops what comes."""
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    door.listen(0)
    waiting = [socket.socket() for _ in range(3)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(door.getsockname())
    return replace(given, port=door.getsockname()[1], wait_s=0.2), [door, *waiting]


def test_silence_means_that_it_was_sent_unless_somebody_would_have_answered(given):
    """To TEST-NET the kernel's own part is all that can be seen."""
    quiet, held = silent(given)
    assert "nobody is there to answer" in network.tcp4(quiet)
    with pytest.raises(TimeoutError) as caught:
        network.tcp4(replace(quiet, is_answered=True))
    assert caught.value.errno == errno.ETIMEDOUT
    for one in held:
        one.close()


def test_a_datagram_that_the_kernel_takes_is_one():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        given = Given(address4="127.0.0.1", udp_port=receiver.getsockname()[1])
        assert network.udp4(given) == "sent 25 bytes to 127.0.0.1"
        assert receiver.recv(100) == b"ringfence escape attempt\n"


def test_a_query_is_one_that_a_resolver_reads():
    """RFC 1035, 4.1: header, labels, type and class."""
    query = network._query("escape.ringfence.invalid")
    assert struct.unpack_from("!6H", query)[1:3] == (0x0100, 1)
    assert query[12:] == b"\x06escape\x09ringfence\x07invalid\x00\x00\x01\x00\x01"


def test_an_echo_has_a_checksum_that_adds_up():
    """RFC 1071: the sum over all of it is all ones."""
    total = sum(struct.unpack("!4H", network._echo(8)))
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF


def test_a_proxy_of_the_environment_is_used(server, given):
    port = server.getsockname()[1]
    with pytest.raises(NotHere):
        network.environment_proxy(given)
    for value in (f"http://127.0.0.1:{port}", f"http://user:pass@127.0.0.1:{port}/", f"socks5h://127.0.0.1:{port}"):
        proxied = replace(given, environment={"HTTPS_PROXY": value})
        assert network.environment_proxy(proxied) == f"connected to 127.0.0.1:{port}"


def test_metadata_stands_at_the_addresses_that_are_given(given):
    with pytest.raises(NotHere):
        network.metadata(replace(given, metadata=()))
    assert "127.0.0.1" in network.metadata(replace(given, metadata=("127.0.0.1",)))


def test_a_unix_socket_is_reached_by_whichever_kind_listens(tmp_path):
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(path)
        assert local.foreign(Given(unix=(str(tmp_path / "absent"), path))) == f"connected to {path}"
    with pytest.raises(NotHere):
        local.foreign(Given(unix=(str(tmp_path / "absent"),)))


def test_a_unix_socket_is_made_beside_those_of_others_and_removed(tmp_path):
    with pytest.raises(NotHere):
        local.beside(Given())
    with pytest.raises(FileNotFoundError):
        local.beside(Given(beside=(str(tmp_path / "absent"),)))
    made = local.beside(Given(beside=(str(tmp_path / "absent"), str(tmp_path))))
    assert made == f"made a unix socket in {tmp_path}, and removed it"
    assert not list(tmp_path.iterdir())


def test_a_socket_that_is_handed_over_is_used(tmp_path):
    """The helper has a connection of its own and gives it to whoever connects."""
    path = str(tmp_path / "helper")
    theirs, ours = socket.socketpair()
    with socket.socket(socket.AF_UNIX) as door, theirs, ours:
        door.bind(path)
        door.listen()

        def help_once():
            caller, _ = door.accept()
            with caller:
                socket.send_fds(caller, [b"x"], [theirs.fileno()])

        helper = threading.Thread(target=help_once)
        helper.start()
        assert "sent bytes through it" in local.receive_socket(Given(helper=path, wait_s=5))
        helper.join()
        assert ours.recv(100) == b"ringfence escape attempt\n"

"""Where records go, over real sockets: all of them arrive, or the sink says that it does not know."""

import socket
import struct
import threading

import pytest

from fakes.syslog import SyslogServer
from ringfenced.cli.auditing.framing import lines
from ringfenced.cli.auditing.netsinks import StreamSink, Trust, UdpSink
from ringfenced.cli.auditing.sinks import FileSink, SinkError, UnixSink
from ringfenced.cli.auditing.target import Target, Way

RECORDS = [b"one", b"two words", "dr\u00fcben".encode(), b"", b"x" * 100_000]


def sink_of(server, trust=None, **options):
    context = (trust or server.trust()).context() if server.tls else None
    return StreamSink(server.target(), context, **options)


@pytest.mark.parametrize("tls", [True, False])
def test_messages_are_counted_and_arrive_in_order(certs, tls):
    with SyslogServer(certs, tls=tls) as server:
        sink = sink_of(server)
        sink.deliver(RECORDS)
        sink.deliver([b"more"])
        sink.close()
        server.await_messages(6)
        assert server.messages == [*RECORDS, b"more"]
        assert server.connections == 1


def test_lines_end_with_a_line_feed(certs):
    with SyslogServer(certs, lines=True) as server:
        sink = sink_of(server, frame=lines)
        sink.deliver([b"one", b"two"])
        sink.close()
        assert server.messages == [b"one", b"two"]


def test_close_returns_once_the_server_has_read_everything(certs):
    """Its close_notify comes after it; no waiting for messages here."""
    with SyslogServer(certs) as server:
        sink = sink_of(server)
        sink.deliver([b"x" * 1000] * 1000)
        sink.close()
        assert len(server.messages) == 1000


def test_a_server_that_died_with_bytes_unread_gets_them_again(certs):
    with SyslogServer(certs, break_after=[2]) as server:
        sink = sink_of(server)
        batches = [[b"%d" % (number * 3 + step) for step in range(3)] for number in range(4)]
        tries = 0
        for batch in batches:
            while True:
                try:
                    sink.deliver(batch)
                    break
                except SinkError:
                    tries += 1
        sink.close()
        assert tries <= 2
        assert server.connections == 2
        seen = list(dict.fromkeys(server.messages))
        assert seen == [b"%d" % number for number in range(12)]


def test_a_server_that_stands_still_is_told_and_a_slow_one_is_waited_for(certs):
    with SyslogServer(certs) as server:
        sink = sink_of(server, seconds_max=0.3)
        sink.deliver([b"first"])
        server.gate.clear()
        with pytest.raises(SinkError, match="took nothing"):
            sink.deliver([b"x" * 8_000_000, b"y" * 8_000_000])
        server.gate.set()


def test_what_our_own_kernel_still_holds_has_not_arrived(certs):
    """It takes it all at once; the other one has room for a small part."""
    with SyslogServer(certs, tls=False, receive_bytes=4096) as server:
        server.gate.clear()
        sink = sink_of(server, seconds_max=0.3)
        with pytest.raises(SinkError, match="took nothing"):
            sink.deliver([b"x" * 60_000])
        server.gate.set()


def test_a_server_that_is_not_there_is_told():
    with socket.create_server(("localhost", 0)) as listener:
        port = listener.getsockname()[1]
    sink = StreamSink(Target(Way.TCP, "localhost", port), None)
    with pytest.raises(SinkError, match="refused"):
        sink.deliver([b"x"])


def test_a_server_that_we_do_not_trust_gets_nothing(certs):
    with SyslogServer(certs) as server:
        for trust in (Trust(certs / "provider-ca.pem"), Trust()):
            with pytest.raises(SinkError, match="not trusted"):
                sink_of(server, trust).deliver([b"x"])
        with pytest.raises(SinkError, match="not trusted"):
            sink_of(server, name="other.example").deliver([b"x"])
        assert server.messages == []


def test_a_server_that_demands_our_certificate(certs):
    """Without one the server's alert comes after the handshake (TLS 1.3); nothing may count as delivered."""
    with SyslogServer(certs, demands_certificate=True) as server:
        with pytest.raises(SinkError):
            sink_of(server, Trust(certs / "ca.pem")).deliver([b"x"])
        sink = sink_of(server)
        sink.deliver([b"y"])
        sink.close()
        assert server.messages == [b"y"]


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_socket_of_this_machine_of_either_kind(tmp_path, kind):
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, kind) as server:
        server.bind(str(path))
        if kind == socket.SOCK_STREAM:
            server.listen()
        sink = UnixSink(path)
        sink.deliver([b"one", b"two"])
        if kind == socket.SOCK_STREAM:
            with server.accept()[0] as connection:
                assert connection.recv(100) == b"3 one3 two"
        else:
            assert [server.recv(100), server.recv(100)] == [b"one", b"two"]
        sink.close()


def test_a_datagram_socket_that_is_full_holds_the_sender_up_and_loses_nothing(tmp_path):
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        sink = UnixSink(path, seconds_max=0.1)
        with pytest.raises(SinkError, match="in time"):
            sink.deliver([b"%d" % number for number in range(10_000)])
        sink = UnixSink(path)
        rest = [b"again"] * 300
        thread = threading.Thread(target=sink.deliver, args=(rest,))
        thread.start()
        found = []
        while len([each for each in found if each == b"again"]) < 300:
            found.append(server.recv(100))
        thread.join(10)
        sink.close()
    counted = [int(each) for each in found if each != b"again"]
    assert counted == list(range(len(counted)))


def test_a_socket_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SinkError, match="No such file"):
        UnixSink(tmp_path / "log").deliver([b"x"])


def test_datagrams_over_udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        UdpSink(Target(Way.UDP, "127.0.0.1", server.getsockname()[1])).deliver([b"one", b"two"])
        assert [server.recv(100), server.recv(100)] == [b"one", b"two"]


@pytest.mark.parametrize("left", [b"", b"one\n", b"one\ntw", b"tw", b"one\n" + b"x" * 200_000])
def test_a_files_torn_line_is_cut_and_whole_ones_stay(tmp_path, left):
    (tmp_path / "out").write_bytes(left)
    sink = FileSink(tmp_path / "out")
    sink.deliver([b"two", b"three"])
    sink.close()
    kept = b"one\n" if left.startswith(b"one\n") else b""
    assert (tmp_path / "out").read_bytes() == kept + b"two\nthree\n"


def test_a_disk_that_fails_is_told(tmp_path):
    with pytest.raises(SinkError):
        FileSink(tmp_path).deliver([b"x"])
    with pytest.raises(SinkError, match="No space"):
        FileSink(__import__("pathlib").Path("/dev/full")).deliver([b"x"])


def test_a_reset_at_the_end_is_told(certs):
    """What the server has not read is lost with it."""
    with socket.create_server(("localhost", 0)) as listener:
        sink = StreamSink(Target(Way.TCP, "localhost", listener.getsockname()[1]), None)
        sink.deliver([b"x"])
        connection, _ = listener.accept()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        with pytest.raises(SinkError):
            sink.deliver([b"y"])

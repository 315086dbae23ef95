"""Where metrics are served is the wiring's alone to say."""

from types import SimpleNamespace

import pytest

from ringfenced.build import telling


@pytest.mark.parametrize(
    ("listen", "worker", "bound"),
    [
        ("[::]:7450", None, (7450, "::")),
        ("[::1]:7450", 2, (7452, "::1")),
        ("127.0.0.1:7450", 0, (7450, "127.0.0.1")),
        (":7450", None, (7450, "127.0.0.1")),
    ],
)
def test_metrics_listen_where_they_are_told_each_worker_on_a_port_of_its_own(monkeypatch, listen, worker, bound):
    """IPv6 addresses are written in brackets, and the socket takes them without."""
    served = []
    monkeypatch.setattr(telling, "start_http_server", lambda port, host, _registry: served.append((port, host)))
    telemetry = SimpleNamespace(metrics=True, metrics_listen=listen)
    assert telling.metrics_of(SimpleNamespace(telemetry=telemetry), worker) is not None
    assert served == [bound]

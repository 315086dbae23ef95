"""The environment is read for one variable."""

from __future__ import annotations

from ringfenced.config import notify_environment


def test_only_what_systemd_tells_its_socket_by_is_read(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    assert notify_environment() == {}
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    assert notify_environment() == {"NOTIFY_SOCKET": "/run/systemd/notify"}

"""The section [listen]."""

from __future__ import annotations

import pytest

from fakes.daemonfile import GOOD, read
from ringfence.configfile import ConfigError


def test_a_daemon_listens_somewhere():
    with pytest.raises(ConfigError, match=r"set listen\.tcp"):
        read(GOOD.replace('tcp = "127.0.0.1:0"', ""))
    assert read(GOOD.replace('tcp = "127.0.0.1:0"', 'unix = "daemon.sock"')).listen.unix is not None

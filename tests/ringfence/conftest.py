"""Certificates and a fake daemon for the clients' tests."""

import pytest

from fakes.certs import write_fresh
from fakes.daemon import FakeDaemon


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    return write_fresh(tmp_path_factory.mktemp("certs"))


@pytest.fixture
def daemon(certs):
    with FakeDaemon(certs) as started:
        yield started

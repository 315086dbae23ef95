"""A fake daemon, and commands that speak to it."""

import pytest
from typer.testing import CliRunner

from fakes.certs import write_fresh
from fakes.daemon import FakeDaemon
from ringfenced.cli.app import app


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    return write_fresh(tmp_path_factory.mktemp("certs"))


@pytest.fixture
def daemon(certs):
    with FakeDaemon(certs) as started:
        yield started


@pytest.fixture
def ringfence(daemon):
    """Run `ringfence ...` as caller-ward against the fake daemon."""

    def run(*arguments, name="caller-ward", **options):
        connection = ["--target", daemon.target, "--certs", str(daemon.certs), "--as", name]
        return CliRunner().invoke(app, [*connection, *arguments], catch_exceptions=False, **options)

    return run

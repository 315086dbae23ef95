"""A hub, an operator's machine without tokens, and `ringfence models ...` on a library of its own."""

import pytest
from typer.testing import CliRunner

from fakes.certs import write_fresh
from fakes.webserver import WebServer
from ringfenced.cli.app import app
from ringfenced.cli.pulling import fetch
from ringfenced.library.folder import Library

HUBS = ("HF_ENDPOINT", "HF_TOKEN_PATH", "HF_HOME", "REGISTRY_AUTH_FILE", "DOCKER_CONFIG")
OURS = ("RINGFENCE_LIBRARY", "RINGFENCE_CONFIG")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    return write_fresh(tmp_path_factory.mktemp("certs"))


@pytest.fixture
def web():
    with WebServer() as started:
        yield started


@pytest.fixture
def elsewhere():
    """A second host: another port is another origin."""
    with WebServer() as started:
        yield started


@pytest.fixture
def library(tmp_path):
    (tmp_path / "library").mkdir()
    return Library(tmp_path / "library")


@pytest.fixture
def models(tmp_path, monkeypatch, library, web):
    """Run `ringfence models ...` against the hub `web`."""
    for name in (*HUBS, *OURS, *PROXIES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_ENDPOINT", web.url)
    monkeypatch.setenv("RINGFENCE_LIBRARY", str(library.folder))
    monkeypatch.setattr(fetch, "_FIRST_WAIT_S", 0.01)
    monkeypatch.chdir(tmp_path)

    def run(*arguments, **options):
        return CliRunner().invoke(app, ["models", *map(str, arguments)], catch_exceptions=False, **options)

    return run

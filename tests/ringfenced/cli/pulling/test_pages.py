"""From an address, with TLS."""

import hashlib

import pytest

from fakes.modelhubs import gguf
from fakes.webserver import Page, WebServer

MODEL = gguf(200_000)


@pytest.fixture
def secure(certs):
    with WebServer(certs) as started:
        yield started


def test_a_file_comes_with_tls_and_its_digest_is_told(models, secure, certs, library):
    secure.pages["/x/m.gguf"] = Page(MODEL, {"ETag": '"1"'})
    result = models("pull", f"{secure.url}/x/m.gguf?key=secret", "--ca", certs / "ca.pem")
    assert result.exit_code == 0
    assert "tells no digest" in result.stderr
    assert hashlib.sha256(MODEL).hexdigest() in result.stdout
    assert library.manifest("m").source == f"{secure.url}/x/m.gguf"


def test_a_certificate_that_is_not_trusted_is_refused(models, secure, monkeypatch):
    monkeypatch.setattr("ringfenced.cli.pulling.bring._FIRST_WAIT_S", 0.01)
    secure.pages["/m.gguf"] = Page(MODEL)
    result = models("pull", f"{secure.url}/m.gguf")
    assert result.exit_code == 6
    assert "not trusted" in result.stderr


def test_a_redirect_to_plain_http_is_refused(models, secure, web, certs, library):
    web.pages["/m.gguf"] = Page(MODEL)
    secure.pages["/m.gguf"] = Page(redirect=f"{web.url}/m.gguf")
    result = models("pull", f"{secure.url}/m.gguf", "--ca", certs / "ca.pem")
    assert result.exit_code == 7
    assert "without TLS" in result.stderr
    assert web.requests == []


def test_a_file_that_changed_between_two_tries_begins_anew(models, secure, certs, library):
    """The half of one file and the half of another would be neither."""
    old = Page(gguf(200_000, seed=2), {"ETag": '"1"'})
    secure.pages["/m.gguf"] = old
    old.then = Page(MODEL, {"ETag": '"2"'})
    old.breaks = [200_000, 100_000]  # the first answer is only looked at
    result = models("pull", f"{secure.url}/m.gguf", "--ca", certs / "ca.pem")
    assert result.exit_code == 0
    assert library.open("m").weights.read_bytes() == MODEL


def test_where_nothing_tells_that_a_file_changed_it_is_not_gone_on_with(models, secure, certs, library):
    """Neither a digest, nor an entity tag that speaks of bytes, nor a date."""
    old = Page(gguf(200_000, seed=2), {"ETag": 'W/"1"'})
    secure.pages["/m.gguf"] = old
    old.then = Page(MODEL, {"ETag": 'W/"1"'})
    old.breaks = [200_000, 100_000]
    assert models("pull", f"{secure.url}/m.gguf", "--ca", certs / "ca.pem").exit_code == 0
    assert "range" not in secure.requests[-1].headers
    assert library.open("m").weights.read_bytes() == MODEL


@pytest.mark.parametrize(
    "source",
    ["https://ann:secret@host/m.gguf", "https:///m.gguf", "https://host/", "ftp://host/m.gguf", "http://host/m.gguf"],
)
def test_what_is_no_address_of_a_file_is_wrong_usage(models, source):
    result = models("pull", source)
    assert result.exit_code == 2
    assert "secret" not in result.output

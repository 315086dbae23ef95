"""Files that change: what fits together is taken, once; what does not changes nothing and is told once."""

import os
import threading
import time

import pytest

from fakes.certs import write_fresh
from ringfence.renewal import CertificateError, Certificates, Identity
from ringfence.renewal.certificates import SETTLE_S

NAMES = ("daemon.pem", "daemon.key", "ca.pem")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "other").mkdir()
    write_fresh(tmp_path / "other")
    return write_fresh(tmp_path)


@pytest.fixture
def told():
    return []


@pytest.fixture
def certificates(folder, told):
    return Certificates(identity(folder), told.append)


def identity(folder):
    return Identity(*(folder / name for name in NAMES))


def renew(folder, *names):
    """Put other files in their place, as certificate managers do."""
    for name in names:
        fresh = folder / f"{name}.new"
        fresh.write_bytes((folder / "other" / name).read_bytes())
        fresh.replace(folder / name)


def test_nothing_changes_while_the_files_do_not(certificates, told):
    assert certificates.current() is certificates.current()
    assert told == []


def test_a_renewal_is_taken_whole_and_told_once(certificates, folder, told):
    before = certificates.current()
    renew(folder, *NAMES)
    after = certificates.current()
    assert after is certificates.current()
    assert after.certificate == (folder / "other" / "daemon.pem").read_bytes() != before.certificate
    assert told == [""]


def test_a_certificate_without_its_key_is_not_taken_until_the_key_is_there(certificates, folder, told):
    before = certificates.current()
    renew(folder, "daemon.pem")
    assert certificates.current() is before
    assert certificates.current() is before
    assert told == [f"{folder}/daemon.key: not the private key of the first certificate in {folder}/daemon.pem"]
    renew(folder, "daemon.key")
    assert certificates.current().key == (folder / "other" / "daemon.key").read_bytes()
    assert told[1:] == [""]


def test_who_starts_amid_a_renewal_waits_for_the_rest_of_it(folder):
    renew(folder, "daemon.pem")
    rest = threading.Timer(0.3, renew, (folder, "daemon.key"))
    rest.start()
    found = Certificates.settled(identity(folder)).current()
    rest.join()
    assert found.key == (folder / "other" / "daemon.key").read_bytes()


def test_files_that_nobody_is_changing_are_refused_at_once(folder):
    renew(folder, "daemon.pem")
    for name in NAMES:
        os.utime(folder / name, (0, 0))
    began_s = time.monotonic()
    with pytest.raises(CertificateError, match="not the private key"):
        Certificates.settled(identity(folder))
    assert time.monotonic() - began_s < SETTLE_S / 2


def test_files_that_stay_wrong_are_refused_in_the_end(folder, monkeypatch):
    monkeypatch.setattr("ringfence.renewal.certificates.SETTLE_S", 0.2)
    renew(folder, "daemon.pem")
    with pytest.raises(CertificateError, match="not the private key"):
        Certificates.settled(identity(folder))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kept", [0, 1, 100, -40])
def test_half_a_file_is_not_taken(certificates, folder, told, name, kept):
    before = certificates.current()
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:kept])
    assert certificates.current() is before
    assert len(told) == 1
    assert name in told[0]
    (folder / name).write_bytes(whole)
    assert certificates.current() == before


def test_a_chain_whose_second_half_is_missing_is_not_taken(certificates, folder, told):
    """The leaf alone would be a certificate, and fit its key; the handshake would fail for want of the rest."""
    before = certificates.current()
    chain = (folder / "daemon.pem").read_bytes() + (folder / "ca.pem").read_bytes()
    (folder / "daemon.pem").write_bytes(chain[:-60])
    assert certificates.current() is before
    assert told == [f"{folder}/daemon.pem: no whole certificates in PEM"]
    (folder / "daemon.pem").write_bytes(chain)
    assert certificates.current().certificate == chain


def test_files_that_vanish_change_nothing(certificates, folder, told):
    before = certificates.current()
    (folder / "daemon.key").unlink()
    assert certificates.current() is before
    assert len(told) == 1
    assert "BEGIN" not in told[0]


def test_the_folder_behind_a_link_is_swapped_as_kubernetes_does(folder, told):
    (folder / "..data").symlink_to(folder)
    certificates = Certificates(Identity(*(folder / "..data" / name for name in NAMES)), told.append)
    (folder / "..new").symlink_to(folder / "other")
    (folder / "..new").replace(folder / "..data")
    assert certificates.current().certificate == (folder / "other" / "daemon.pem").read_bytes()


def test_at_the_start_the_files_must_fit(folder):
    renew(folder, "daemon.key")
    with pytest.raises(CertificateError, match=r"daemon\.key"):
        Certificates(Identity(*(folder / name for name in NAMES)))
    (folder / "ca.pem").write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(CertificateError, match="longer than"):
        Certificates(Identity(*(folder / name for name in NAMES)))
    (folder / "ca.pem").unlink()
    with pytest.raises(FileNotFoundError):
        Certificates(Identity(*(folder / name for name in NAMES)))

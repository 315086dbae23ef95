"""Of several workers one has what can be had once; certificates that do not fit are told by their setting."""

import pytest

from fakes.certs import write_fresh
from fakes.daemonfile import GOOD, read
from ringfence.configfile import ConfigError
from ringfenced.build.listening import certificates, endpoint
from ringfenced.config import Tls


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return write_fresh(tmp_path_factory.mktemp("pki"))


def tls(pki, key="daemon"):
    return Tls(ca=pki / "ca.pem", cert=pki / "daemon.pem", key=pki / f"{key}.key")


@pytest.mark.parametrize(("worker", "is_first"), [(None, True), (0, True), (1, False), (2, False)])
def test_one_worker_has_the_unix_socket_and_the_probes_port(pki, worker, is_first):
    config = read(GOOD.replace('tcp = "127.0.0.1:0"', 'tcp = "127.0.0.1:0"\nunix = "s"\nhealth = "127.0.0.1:0"'))
    listen = config.listen.model_copy(update={"tls": tls(pki)})
    told = endpoint(config.model_copy(update={"listen": listen}), worker)
    assert (told.unix is not None, bool(told.health)) == (is_first, is_first)
    assert told.is_shared is (worker is not None)


def test_a_key_of_another_certificate_is_told_by_its_setting(pki):
    with pytest.raises(ConfigError, match=r"^listen\.tls: "):
        certificates(tls(pki, key="agent"), "listen.tls")

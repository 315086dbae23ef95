"""The section [agent]."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.daemonfile import AGENT, GOOD, read
from ringfence.configfile import ConfigError


@pytest.mark.parametrize("witness", ['witness_name = "site.example/witness"\n', 'witness_key = "witness.key"\n'])
def test_a_witness_has_a_name_and_a_key(witness):
    with pytest.raises(ConfigError, match="needs witness_name, and witness_key or witness_key_mldsa"):
        read(GOOD + AGENT + witness)


def test_a_witness_cosigns_with_every_key_that_it_has():
    keys = 'witness_name = "site.example/witness"\nwitness_key = "a.key"\nwitness_key_mldsa = "b.key"\n'
    agent = read(GOOD + AGENT + keys).agent
    assert agent.witness_keys == (Path("/etc/ringfence/a.key"), Path("/etc/ringfence/b.key"))
    assert read(GOOD + AGENT).agent.witness_keys == ()

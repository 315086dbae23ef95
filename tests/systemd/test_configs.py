import tomllib
from pathlib import Path

import pytest

from ringfence_agent import config as agent_config
from ringfenced import config as daemon_config


@pytest.fixture
def daemon(source):
    return daemon_config.read(source / "ringfenced.toml")


@pytest.fixture
def agent(source):
    """The agent's file; its `load` would also look at the modes of keys that are not there."""
    document = tomllib.loads((source / "ringfence-agent.toml").read_text())
    return agent_config.Config.model_validate(document, context=Path("/etc/ringfence"))


def test_daemon_and_agent_find_and_believe_each_other(daemon, agent):
    assert daemon.agent is not None
    assert daemon.agent.target == agent.listen.address
    assert daemon.agent.log_origin == agent.log.origin
    assert daemon.agent.permit_key_id in agent.daemon.permit_keys
    offered = {provider.name: {model.name for model in provider.models} for provider in daemon.providers}
    assert offered == {provider.name: set(provider.models) for provider in agent.providers}


def test_daemon_and_agent_agree_what_a_provider_may_see(daemon, agent):
    for ours, theirs in zip(daemon.providers, agent.providers, strict=True):
        assert (ours.region, ours.clearance.label()) == (theirs.region, theirs.clearance.label())


def test_daemon_and_agent_look_for_the_same(daemon, agent):
    assert daemon.classification.policy() == agent.classification.policy()


def test_what_the_daemon_writes_its_unit_lets_it_write(daemon, units):
    unit = units["ringfenced.service"]
    assert [f"/var/lib/{name}" for name in unit["StateDirectory"]] == [str(daemon.state)]
    assert [f"/run/{name}" for name in unit["RuntimeDirectory"]] == [str(daemon.runtime)]
    assert unit["ReadWritePaths"] == [str(daemon.listen.unix.parent)]
    assert units["ringfenced-proxy.service"]["ExecStart"][-1] == str(daemon.listen.unix)


def test_units_may_take_ten_seconds_longer_to_stop_than_what_runs_in_them(daemon, agent, units):
    """As configuration.md asks of a site that gives more."""
    for config, unit in ((daemon, "ringfenced.service"), (agent, "ringfence-agent.service")):
        (stop,) = units[unit]["TimeoutStopSec"]
        assert config.drain_seconds_max + 10 <= int(stop.removesuffix("s"))


def test_the_daemon_needs_no_network(daemon):
    assert (daemon.listen.tcp, daemon.listen.health, daemon.telemetry.metrics_listen) == ("", "", "")


def test_what_the_agent_writes_its_unit_lets_it_write(agent, units):
    unit = units["ringfence-agent.service"]
    state = [Path("/var/lib") / name for name in unit["StateDirectory"]]
    assert [agent.log.directory.parent, agent.log.salt_key.parent] == state * 2
    socket = Path(agent.listen.address.removeprefix("unix:"))
    assert unit["ReadWritePaths"] == [str(socket.parent)]


def test_private_keys_are_credentials_of_their_own_unit(daemon, agent, units):
    """None is read from where it lies; systemd hands each over, and to one service only."""
    handed_over = Path("/run/credentials/ringfence-agent.service")
    keys = {
        "ringfenced.service": {daemon.listen.tls.key, daemon.agent.tls.key, daemon.agent.permit_key},
        "ringfence-agent.service": {agent.listen.key, agent.log.signing_key}
        | {handed_over / provider.api_key_credential for provider in agent.providers},
    }
    for unit, paths in keys.items():
        loaded = {word.partition(":")[0] for word in units[unit]["LoadCredential"]}
        for path in paths:
            assert path.parent == Path("/run/credentials") / unit
            assert path.name.partition("_")[0] in loaded
    daemons, agents = (set(units[unit]["LoadCredential"]) for unit in keys)
    assert not daemons & agents

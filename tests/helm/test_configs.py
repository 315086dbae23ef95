import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.configfile import parse
from ringfence.labels import Label
from ringfence_agent import config as agent_config
from ringfence_agent.policy import Policy, Resource
from ringfenced.config import Config

FOLDER = Path("/etc/ringfence")
EXAMPLES = Path(__file__).parents[2] / "agent"


def daemon_file(objects, kind="gpu"):
    return objects["ConfigMap", f"ringfence-daemon-{kind}"]["data"]["ringfenced.toml"]


def agent_file(objects):
    return objects["ConfigMap", "ringfence-agent"]["data"]["ringfence-agent.toml"]


def daemon_of(objects, kind="gpu"):
    return parse(daemon_file(objects, kind), FOLDER / "ringfenced.toml", Config)


def agent_of(objects):
    return agent_config.Config.model_validate(tomllib.loads(agent_file(objects)), context=FOLDER)


def mounted(objects, kind, name):
    """Every file and writable folder of a pod, as its volumes are mounted."""
    pod = objects[kind, name]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    files, folders = set(), set()
    for mount in container["volumeMounts"]:
        place = Path(mount["mountPath"])
        for source in volumes[mount["name"]].get("projected", {}).get("sources", ()):
            files |= {place / item["path"] for item in source.get("secret", {}).get("items", ())}
        if not mount.get("readOnly"):
            folders.add(place)
    return files, folders


def test_the_daemon_takes_its_file_as_shipped(render):
    config = daemon_of(render())
    assert config.agent is None
    assert config.providers == ()


def test_daemon_and_agent_find_and_believe_each_other(render, opened):
    objects = render(opened)
    daemon, agent = daemon_of(objects), agent_of(objects)
    service = objects["Service", "ringfence-agent"]["spec"]
    (port,) = service["ports"]
    assert daemon.agent.target == f"{service['clusterIP']}:{port['port']}"
    assert agent.listen.address == f"[::]:{port['port']}"
    assert daemon.agent.log_origin == agent.log.origin
    assert set(agent.daemon.permit_keys) == {daemon.agent.permit_key_id}


def test_an_ipv6_address_is_written_as_grpc_reads_it(render, opened):
    opened["agent"]["clusterIP"] = "fd00::50"
    assert daemon_of(render(opened)).agent.target == "[fd00::50]:7444"


def test_files_that_the_daemon_reads_and_folders_that_it_writes_are_mounted(render, opened):
    objects = render(opened)
    config = daemon_of(objects)
    files, folders = mounted(objects, "DaemonSet", "ringfence-daemon-gpu")
    tls = {config.listen.tls.ca, config.listen.tls.cert, config.listen.tls.key}
    assert tls | {config.agent.permit_key, config.agent.log_public_key} == files
    assert {config.state, config.runtime} == folders


def test_files_that_the_agent_reads_and_folders_that_it_writes_are_mounted(render, opened):
    objects = render(opened)
    config = agent_of(objects)
    files, folders = mounted(objects, "Deployment", "ringfence-agent")
    named = {config.listen.authority, config.listen.certificate, config.listen.key, config.log.signing_key}
    named |= set(config.daemon.permit_keys.values())
    named |= {path for one in config.providers for path in (one.authority, one.api_key_file)}
    assert named == files
    assert {config.log.directory.parent, config.log.salt_key.parent, config.cache_directory.parent} == folders


def test_what_the_values_say_arrives_unchanged(render, opened):
    objects = render(opened)
    daemon, agent = daemon_of(objects), agent_of(objects)
    assert (daemon.workers, daemon.streams.coalesce_ms, daemon.models[0].logprob_floor) == (2, 12.5, -3)
    assert daemon.callers[0].label_default.label().level.name == "CONFIDENTIAL"
    assert agent.providers[0].contract == 'DPA "2026" <draft>\nsecond line'
    assert agent.providers[0].request_bytes_max == 16 * 1024 * 1024
    assert "request_bytes_max = 16777216\n" in agent_file(objects)


def test_daemon_and_agent_try_at_each_start_what_must_not_be_reached(render, opened):
    """The same addresses as `helm test`, whether a pod of it is run or not; a file's own list stands over them."""
    assert daemon_of(render(opened)).confine.unreachable == ()
    reach = [{"address": "192.0.2.1", "port": 443}, {"address": "2001:db8::1", "port": 80}]
    opened["escapeTest"] = {"enabled": False, "reach": reach}
    objects = render(opened)
    for config in (daemon_of(objects), agent_of(objects)):
        assert config.confine.unreachable == ("192.0.2.1:443", "[2001:db8::1]:80")
        assert config.confine.self_test == "enforce"
    opened["daemon"]["config"]["confine"] = {"unreachable": ["192.0.2.7:22"], "self_test": "warn"}
    opened["agent"]["config"]["confine"] = {"unreachable": []}
    objects = render(opened)
    daemon, agent = daemon_of(objects).confine, agent_of(objects).confine
    assert (daemon.unreachable, daemon.self_test) == (("192.0.2.7:22",), "warn")
    assert (agent.unreachable, agent.self_test) == ((), "enforce")


@pytest.mark.parametrize(("asked", "seconds"), [(None, 30), (5, 30), (20, 30), (45.5, 56), (300, 310)])
def test_a_pod_may_take_ten_seconds_longer_to_end_than_what_runs_in_it(render, opened, asked, seconds):
    opened["daemon"]["cpu"] = {"enabled": True}
    if asked is not None:
        opened["daemon"]["config"]["drain_seconds_max"] = opened["agent"]["config"]["drain_seconds_max"] = asked
    objects = render(opened)
    kinds = {"DaemonSet", "Deployment"}
    pods = {name: one["spec"]["template"]["spec"] for (kind, name), one in objects.items() if kind in kinds}
    given = {name: pod["terminationGracePeriodSeconds"] for name, pod in pods.items()}
    assert given == {
        "ringfence-daemon-gpu": seconds,
        "ringfence-daemon-cpu": seconds,
        "ringfence-agent": seconds,
    }
    assert daemon_of(objects).drain_seconds_max + 10 <= seconds
    assert agent_of(objects).drain_seconds_max + 10 <= seconds


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=30)


@settings(max_examples=20, deadline=None)
@given(region=words, grant=st.integers(0, 10**12), quality=st.floats(0, 1))
def test_any_value_survives_its_way_into_the_file(render, opened_once, region, grant, quality):
    """Quotes, template braces, backslashes, big and small numbers."""
    config = opened_once["daemon"]["config"]
    config["departments"] = [{"name": "example", "grant_credits": grant}]
    config["providers"][0]["region"] = region
    config["models"][0]["quality"] = quality
    daemon = daemon_of(render(opened_once))
    assert daemon.providers[0].region == region
    assert daemon.departments[0].grant_credits == grant
    assert daemon.models[0].quality == pytest.approx(quality, rel=1e-12, abs=1e-300)


def test_the_agents_policy_lies_where_its_file_says_and_is_a_good_one(render, opened):
    """As a site would write it in its values; without one there is none."""
    assert agent_of(render(opened)).policy is None
    opened["agent"]["policy"] = (EXAMPLES / "example.cedar").read_text()
    objects = render(opened)
    file = agent_of(objects).policy.file
    assert file == FOLDER / "policy.cedar"
    text = objects["ConfigMap", "ringfence-agent"]["data"][file.name]
    cloud = [Resource("cloud", model, "chat", "eu", "", Label()) for model in ("gpt", "assistant")]
    assert Policy(text, cloud).digest


def test_the_daemons_policy_lies_beside_its_file_and_restarts_nothing(render, opened):
    """It is a config map of its own: the pods' annotation, which restarts them, does not see it."""
    objects = render(opened)
    assert ("ConfigMap", "ringfence-daemon-policy") not in objects
    opened["daemon"]["config"]["policy"] = {"file": "policy.cedar", "template": "hospital-us"}
    restarts = set()
    for text in ("permit(principal, action, resource);\n", "forbid(principal, action, resource);\n"):
        opened["daemon"]["policyFiles"] = {"policy.cedar": text}
        objects = render(opened)
        file = daemon_of(objects).policy.file
        assert file == FOLDER / "policy.cedar"
        assert objects["ConfigMap", "ringfence-daemon-policy"]["data"] == {file.name: text}
        template = objects["DaemonSet", "ringfence-daemon-gpu"]["spec"]["template"]
        restarts.add(template["metadata"]["annotations"]["checksum/config"])
        (volume,) = [one for one in template["spec"]["volumes"] if one["name"] == "config"]
        assert {"configMap": {"name": "ringfence-daemon-policy"}} in volume["projected"]["sources"]
    assert len(restarts) == 1
    daemon_of(objects).rulebook(text)

"""`helm test`: what pods behind the walls try."""

import importlib.util
from pathlib import Path

import pytest

CHART = Path(__file__).parents[2] / "helm/ringfence"

LISTED = [line for line in (CHART / "files/escapes.txt").read_text().splitlines() if line and not line.startswith("#")]


def tried(pod):
    """Each container's attempts, by the address that they are to reach."""
    return {
        next(one for one in container["args"] if one.startswith("--address")): [
            one.removeprefix("--only=") for one in container["args"] if one.startswith("--only=")
        ]
        for container in pod["spec"]["containers"]
    }


def test_pods_are_tests_of_helms_and_bear_the_walls_of_those_they_stand_for(render, opened):
    objects = render(opened)
    for side in ("daemon", "agent"):
        pod = objects["Pod", f"ringfence-escape-{side}"]
        assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
        assert pod["metadata"]["labels"]["ringfence/walls"] == side
        assert pod["spec"]["restartPolicy"] == "Never"
    assert ("Pod", "ringfence-escape-agent") not in render()


@pytest.mark.parametrize("side", ["daemon", "agent"])
def test_a_pod_is_confined_as_the_one_that_it_stands_for(render, opened, side):
    objects = render(opened)
    pod = objects["Pod", f"ringfence-escape-{side}"]["spec"]
    kind, name = {"daemon": ("DaemonSet", "ringfence-daemon-gpu"), "agent": ("Deployment", "ringfence-agent")}[side]
    real = objects[kind, name]["spec"]["template"]["spec"]
    for key in ("securityContext", "serviceAccountName", "automountServiceAccountToken", "dnsPolicy", "dnsConfig"):
        assert pod.get(key) == real.get(key)
    assert [one["securityContext"] for one in pod["containers"]] == [real["containers"][0]["securityContext"]]


def test_the_api_and_what_the_values_name_must_not_be_reached(render, opened):
    """Silence is a wall only where somebody would answer."""
    opened["escapeTest"] = {"reach": [{"address": "192.0.2.1", "port": 443}, {"address": "2001:db8::1", "port": 80}]}
    pod = render(opened)["Pod", "ringfence-escape-daemon"]
    assert list(tried(pod)) == [
        "--address4=$(KUBERNETES_SERVICE_HOST)",
        "--address4=192.0.2.1",
        "--address6=2001:db8::1",
    ]
    for container in pod["spec"]["containers"]:
        assert container["command"] == ["python", "-m", "ringfence.confine.attempts"]
        assert "--answered" in container["args"]
    assert "--port=$(KUBERNETES_SERVICE_PORT)" in pod["spec"]["containers"][0]["args"]
    assert "--port=80" in pod["spec"]["containers"][2]["args"]


def test_the_agent_may_ask_its_resolver_and_the_daemon_may_not(render, opened):
    objects = render(opened)
    (daemon,), (agent,) = (tried(objects["Pod", f"ringfence-escape-{side}"]).values() for side in ("daemon", "agent"))
    assert daemon == LISTED
    assert agent == [name for name in LISTED if name != "dns"]
    assert len(LISTED) > 45


@pytest.mark.skipif(
    importlib.util.find_spec("ringfence.confine") is None, reason="ringfence.confine is not in this tree yet"
)
def test_every_attempt_is_one_that_is_known():
    from ringfence.confine.attempts.table import ALL  # noqa: PLC0415 - may not be there

    assert set(LISTED) <= {attempt.name for attempt in ALL}


def test_no_pod_tries_where_the_values_say_so(render):
    assert not [name for kind, name in render({"escapeTest": {"enabled": False}}) if kind == "Pod"]

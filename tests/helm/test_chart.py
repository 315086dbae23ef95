import helm_python as helm
import pytest

CHART = "helm/ringfence"


@pytest.fixture(params=["as shipped", "opened", "named addresses by IPv6, nobody let in"])
def values(request, opened):
    if request.param == "as shipped":
        return {}
    if request.param.startswith("named"):
        opened["agent"] |= {
            "clusterIP": "fd00::50",
            "egress": {"providers": [], "dns": []},
            "log": {"existingClaim": "log"},
        }
        opened["daemon"]["ingressFrom"] = []
    return opened


@pytest.fixture
def objects(render, values):
    return render(values)


def pods(objects):
    """Every pod's template, by its controller's name."""
    return {
        name: one["spec"]["template"] for (kind, name), one in objects.items() if kind in {"DaemonSet", "Deployment"}
    }


def selected(selector, labels):
    return selector["matchLabels"].items() <= labels.items()


def test_helm_has_nothing_to_say_against_it(pytestconfig, values):
    report = helm.lint(pytestconfig.rootpath / CHART, values, strict=True)
    told = [message["error"] for message in report["messages"]]
    assert report["errors"] == []
    assert told in ([], ["icon is recommended"])


def test_every_pod_meets_the_restricted_security_standard(objects):
    """Kubernetes, Pod Security Standards, profile "restricted"; and a root that cannot be written beside it."""
    assert pods(objects)
    for pod in (template["spec"] for template in pods(objects).values()):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod)
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert not [port for port in container["ports"] if "hostPort" in port]


def test_no_volume_is_of_a_kind_that_the_standard_refuses_unless_a_site_asks_for_it(objects, values):
    allowed = {"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"}
    kinds = {
        kind
        for template in pods(objects).values()
        for volume in template["spec"]["volumes"]
        for kind in set(volume) - {"name"}
    }
    assert kinds - allowed == ({"hostPath"} if values.get("daemon", {}).get("state", {}).get("hostPath") else set())


def test_no_pod_gets_a_token_of_the_cluster(objects):
    accounts = {name: one for (kind, name), one in objects.items() if kind == "ServiceAccount"}
    for template in pods(objects).values():
        pod = template["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert accounts[pod["serviceAccountName"]]["automountServiceAccountToken"] is False


def test_every_pod_is_under_exactly_its_own_policy_and_both_ways_of_it(objects):
    policies = {name: one["spec"] for (kind, name), one in objects.items() if kind == "NetworkPolicy"}
    for name, template in pods(objects).items():
        labels = template["metadata"]["labels"]
        holding = [policy for policy, spec in policies.items() if selected(spec["podSelector"], labels)]
        assert holding == [name]
        assert sorted(policies[name]["policyTypes"]) == ["Egress", "Ingress"]


def test_no_rule_of_a_policy_means_everybody(objects):
    """An absent or empty list of peers or ports matches all."""
    for (kind, _), one in objects.items():
        if kind == "NetworkPolicy":
            for rule in one["spec"]["ingress"]:
                assert rule["from"]
                assert rule["ports"]
            for rule in one["spec"]["egress"]:
                assert rule["to"]
                assert rule["ports"]


def test_the_daemon_reaches_the_agent_and_nothing_else(objects):
    egress = objects["NetworkPolicy", "ringfence-daemon"]["spec"]["egress"]
    agent = pods(objects).get("ringfence-agent")
    if agent is None:
        assert egress == []
        return
    (rule,) = egress
    (peer,) = rule["to"]
    assert set(peer) == {"podSelector"}
    assert selected(peer["podSelector"], agent["metadata"]["labels"])
    ports = {port["name"]: port["containerPort"] for port in agent["spec"]["containers"][0]["ports"]}
    assert rule["ports"] == [{"protocol": "TCP", "port": ports["grpc"]}]


def test_the_daemon_has_no_names(objects):
    pod = pods(objects)["ringfence-daemon"]["spec"]
    assert (pod["dnsPolicy"], pod["dnsConfig"]) == ("None", {"nameservers": ["127.0.0.1"]})
    assert pod["enableServiceLinks"] is False


def test_only_daemons_reach_the_agent(render, opened):
    objects = render(opened)
    (rule,) = objects["NetworkPolicy", "ringfence-agent"]["spec"]["ingress"]
    (peer,) = rule["from"]
    assert set(peer) == {"podSelector"}
    assert selected(peer["podSelector"], pods(objects)["ringfence-daemon"]["metadata"]["labels"])


def test_daemon_and_agent_share_no_volume_and_no_user(render, opened):
    daemon, agent = (pods(render(opened))[f"ringfence-{side}"]["spec"] for side in ("daemon", "agent"))
    assert daemon["securityContext"]["runAsUser"] != agent["securityContext"]["runAsUser"]
    for volume in daemon["volumes"]:
        kind = set(volume) - {"name"}
        assert [other for other in agent["volumes"] if set(other) - {"name"} == kind and other == volume] == []
    secrets = [
        {
            source["secret"]["name"]
            for volume in pod["volumes"]
            for source in volume.get("projected", {}).get("sources", ())
            if "secret" in source
        }
        for pod in (daemon, agent)
    ]
    assert not secrets[0] & secrets[1]


def test_services_and_budgets_select_the_pods_that_they_are_for(objects):
    for (kind, name), one in objects.items():
        if kind in {"Service", "PodDisruptionBudget"}:
            selector = one["spec"]["selector"]
            labels = pods(objects)[name]["metadata"]["labels"]
            assert selected(selector if kind == "PodDisruptionBudget" else {"matchLabels": selector}, labels)


def test_the_chart_holds_no_secret(objects):
    assert not [name for kind, name in objects if kind == "Secret"]


def test_as_shipped_there_is_no_way_out(render):
    assert not [name for _, name in render() if "agent" in name]


def test_a_provider_can_be_reached_where_the_values_say_so_and_only_there(render, opened):
    providers, names = render(opened)["NetworkPolicy", "ringfence-agent"]["spec"]["egress"]
    assert providers == {
        "to": [{"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.128/25"]}}],
        "ports": [{"protocol": "TCP", "port": 8443}],
    }
    assert {port["port"] for port in names["ports"]} == {53}


def test_the_egress_log_outlives_the_release(render, opened):
    claim = render(opened)["PersistentVolumeClaim", "ringfence-agent-log"]
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_a_digest_wins_over_a_tag(render, opened):
    opened["images"]["daemon"]["tag"] = "newest"
    found = {name: template["spec"]["containers"][0]["image"] for name, template in pods(render(opened)).items()}
    assert found == {
        "ringfence-daemon": f"ringfence/ringfenced@sha256:{'a' * 64}",
        "ringfence-agent": "ringfence/ringfence-agent:0.1.0",
    }


def test_a_new_configuration_is_a_new_pod(render, opened):
    before, after = (
        pods(render(values))["ringfence-daemon"]["metadata"]["annotations"]["checksum/config"]
        for values in ({}, opened)
    )
    assert before != after


def test_each_process_is_probed_where_it_answers_probes(objects):
    for pod in pods(objects).values():
        (container,) = pod["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert container[probe]["grpc"] == {"port": ports["health"]}


def test_notes_say_what_is_missing(chart, opened):
    shipped, full = (
        chart.render(values, name="ringfence", namespace="ai")["ringfence/templates/NOTES.txt"]
        for values in ({}, opened)
    )
    assert "nothing leaves this cluster" in shipped
    assert "No model runs here yet" in shipped
    assert "example.key" in full
    assert "nothing leaves this cluster" not in full

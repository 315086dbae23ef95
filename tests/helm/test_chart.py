import helm_python as helm
import pytest

CHART = "helm/ringfence"


CHART_AUTHORITY = {
    "source": "chart",
    "trustDomain": "site.example",
    "callers": [{"secret": "ward-tls", "identity": "spiffe://site.example/caller/ward"}],
    "chart": {"apiServers": [{"cidr": "192.0.2.10/32"}]},
}


@pytest.fixture(params=["as shipped", "opened", "named addresses by IPv6, nobody let in", "all that there is"])
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
    if request.param.startswith("all"):
        opened["tls"] = CHART_AUTHORITY
        opened["metrics"] = {"enabled": True, "dashboard": {"enabled": True}}
        opened["daemon"]["cpu"] = {"enabled": True, "config": {"workers": 3}}
        opened["daemon"]["models"] = {"source": "image", "image": {"repository": "models/of-ours"}}
        opened["priorityClasses"] = {"create": True}
        opened["escapeTest"] = {"reach": [{"address": "2001:db8::1", "port": 443}]}
    return opened


@pytest.fixture
def objects(render, values):
    return render(values)


def pods(objects):
    """Every pod's template, by the name of what makes it; a test's pod is its own."""
    found = {}
    for (kind, name), one in objects.items():
        if kind in {"DaemonSet", "Deployment", "Job"}:
            found[name] = one["spec"]["template"]
        elif kind == "CronJob":
            found[name] = one["spec"]["jobTemplate"]["spec"]["template"]
        elif kind == "Pod":
            found[name] = one
    return found


def of(objects, component):
    """The pods of a component."""
    found = pods(objects).items()
    return {name: pod for name, pod in found if pod["metadata"]["labels"]["app.kubernetes.io/component"] == component}


def daemon_of(objects, kind="gpu"):
    return pods(objects)[f"ringfence-daemon-{kind}"]


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
        assert not {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"} & set(pod)
        for container in (*pod.get("initContainers", ()), *pod["containers"]):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert not [port for port in container.get("ports", ()) if "hostPort" in port]


def test_no_volume_is_of_a_kind_that_the_standard_refuses_unless_a_site_asks_for_it(objects, values):
    allowed = {"configMap", "emptyDir", "persistentVolumeClaim", "projected", "secret"}
    kinds = {
        kind
        for template in pods(objects).values()
        for volume in template["spec"].get("volumes", ())
        for kind in set(volume) - {"name"}
    }
    assert kinds - allowed == ({"hostPath"} if values.get("daemon", {}).get("state", {}).get("hostPath") else set())


def test_no_pod_gets_a_token_of_the_cluster_but_the_authoritys(objects):
    accounts = {name: one for (kind, name), one in objects.items() if kind == "ServiceAccount"}
    bound = {
        subject["name"] for (kind, _), one in objects.items() if kind == "RoleBinding" for subject in one["subjects"]
    }
    authority = of(objects, "authority")
    for name, template in pods(objects).items():
        pod = template["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert accounts[pod["serviceAccountName"]]["automountServiceAccountToken"] is False
        tokens = [
            source
            for volume in pod.get("volumes", ())
            for source in volume.get("projected", {}).get("sources", ())
            if "serviceAccountToken" in source
        ]
        assert bool(tokens) == (name in authority) == (pod["serviceAccountName"] in bound)


def test_every_pod_is_denied_everything_and_let_through_by_one_policy_alone(objects):
    policies = {name: one["spec"] for (kind, name), one in objects.items() if kind == "NetworkPolicy"}
    for template in pods(objects).values():
        labels = template["metadata"]["labels"]
        holding = {policy for policy, spec in policies.items() if selected(spec["podSelector"], labels)}
        assert holding == {"ringfence-walls", f"ringfence-{labels['ringfence/walls']}"}
        for policy in holding:
            assert sorted(policies[policy]["policyTypes"]) == ["Egress", "Ingress"]
    assert (policies["ringfence-walls"]["ingress"], policies["ringfence-walls"]["egress"]) == ([], [])


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
    for template in of(objects, "daemon").values():
        pod = template["spec"]
        assert (pod["dnsPolicy"], pod["dnsConfig"]) == ("None", {"nameservers": ["127.0.0.1"]})
        assert pod["enableServiceLinks"] is False


def test_only_daemons_reach_the_agent(render, opened):
    objects = render(opened)
    (rule,) = objects["NetworkPolicy", "ringfence-agent"]["spec"]["ingress"]
    (peer,) = rule["from"]
    assert set(peer) == {"podSelector"}
    assert selected(peer["podSelector"], daemon_of(objects)["metadata"]["labels"])


def test_daemon_and_agent_share_no_volume_and_no_user(render, opened):
    daemon, agent = (pods(render(opened))[f"ringfence-{side}"]["spec"] for side in ("daemon-gpu", "agent"))
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


def test_services_and_budgets_select_the_pods_that_they_are_for_and_no_others(objects):
    """A pod that tries to escape stands behind a daemon's walls, and must get no caller."""
    meant = {"ringfence-daemon": "daemon", "ringfence-daemon-metrics": "daemon", "ringfence-agent": "agent"}
    for (kind, name), one in objects.items():
        if kind in {"Service", "PodDisruptionBudget"}:
            selector = one["spec"]["selector"]
            selector = selector if kind == "PodDisruptionBudget" else {"matchLabels": selector}
            got = {pod for pod, made in pods(objects).items() if selected(selector, made["metadata"]["labels"])}
            assert got == set(of(objects, meant[name]))


def test_every_set_of_pods_has_its_own(objects):
    """A controller takes any pod that its selector matches for its own, and ends what it has too many of."""
    for (kind, name), one in objects.items():
        if kind in {"DaemonSet", "Deployment"}:
            selector = one["spec"]["selector"]
            got = [pod for pod, made in pods(objects).items() if selected(selector, made["metadata"]["labels"])]
            assert got == [name]


def test_a_budget_over_daemons_is_a_number_of_pods(render):
    """Where the pods' controller has no scale, as a DaemonSet, maxUnavailable lets no eviction through for ever."""
    budget = render()["PodDisruptionBudget", "ringfence-daemon"]["spec"]
    assert budget["minAvailable"] == 1
    assert "maxUnavailable" not in budget
    assert ("PodDisruptionBudget", "ringfence-daemon") not in render({"daemon": {"minAvailable": 0}})


def test_the_chart_holds_no_secret(objects):
    assert not [name for kind, name in objects if kind == "Secret"]


def test_as_shipped_there_is_no_way_out(render):
    objects = render()
    assert not [name for _, name in objects if "agent" in name]
    assert [one["spec"]["egress"] for (kind, _), one in objects.items() if kind == "NetworkPolicy"] == [[], []]


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


def images(objects):
    return {name: pod["spec"]["containers"][0]["image"] for name, pod in pods(objects).items()}


def test_a_digest_wins_over_a_tag(render, opened):
    opened["images"]["daemonCuda"]["tag"] = "newest"
    opened["images"]["agent"] = {"digest": "", "tag": ""}
    found = images(render(opened))
    assert found["ringfence-daemon-gpu"] == f"ringfence/ringfenced-cuda@sha256:{'a' * 64}"
    assert found["ringfence-agent"] == "ringfence/ringfence-agent:0.1.0"


def test_as_shipped_no_image_can_be_pulled_by_accident(render):
    """The project publishes none yet, and a name that nobody holds is a name that anybody may take."""
    assert {image.partition("@")[2] for image in images(render()).values()} == {f"sha256:{'0' * 64}"}


def test_a_new_configuration_is_a_new_pod(render, opened):
    before, after = (daemon_of(render(values))["metadata"]["annotations"]["checksum/config"] for values in ({}, opened))
    assert before != after


def test_each_process_is_probed_where_it_answers_probes(objects):
    for pod in (*of(objects, "daemon").values(), *of(objects, "agent").values()):
        (container,) = pod["spec"]["containers"]
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert container[probe]["grpc"] == {"port": ports["health"]}

"""Alerts and dashboard speak of metrics that daemons have, and Prometheus finds every worker."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from ringfenced.device import DeviceFacts, HostFacts
from ringfenced.learn.facts import VerifierFacts
from ringfenced.learn.report import ModelReport, Report, SegmentReport
from ringfenced.model import Speed, Target, TargetKind
from ringfenced.telemetry.devices import GPU_METRICS
from ringfenced.telemetry.recorder import OUTCOMES, Metrics
from ringfenced.telemetry.routing import RoutingNow

FILES = Path(__file__).parents[2] / "helm/ringfence/files"
CLOUD = Target(TargetKind.PROVIDER, "gpt", provider="acme")
NAME = re.compile(r"\b(?:ringfence_[a-z0-9_]+|DCGM_[A-Z0-9_]+)\b")


@pytest.fixture(scope="module")
def known():
    """Every series that a daemon can have, with its labels: what the code itself makes."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.count_evaluation("form", "good")
    metrics.count_allowed(lambda: {"PHONE": 1})
    metrics.count_unanswered(CLOUD, "unreachable")
    segment = SegmentReport("triage", False, "", (ModelReport("small", 10, 0.5, 0.25, 0.1, True),))
    report = replace(Report(3, 1, 40, 44, 1.0, (segment,)), verifier=VerifierFacts(refitted=True, labels=30))
    metrics.show_routing(lambda: RoutingNow(7, 2, 1, 8, 0, report, {"used": 1}))
    metrics.show_targets(lambda: {CLOUD: Speed(1.0, 1.0, 1.0, 1)}, lambda: {(CLOUD, "x"): 1}, lambda: {(CLOUD, "x"): 1})
    gpu = DeviceFacts("GPU-a", "gpu", "NVIDIA H200", index=0, memory_total_bytes=1, memory_used_bytes=1)
    host = DeviceFacts("host", "cpu", "n1", memory_total_bytes=1, memory_free_bytes=1, host=HostFacts())
    metrics.show_devices(lambda: (gpu, host), "n1")
    series = {}
    for family in registry.collect():
        for sample in family.samples:
            series.setdefault(sample.name, set()).update(sample.labels)
    # What a GPU does not tell has no sample; the table has the names.
    gpu_labels = {"gpu", "UUID", "Hostname", "modelName"}
    return series | {name: series.get(name, gpu_labels) for name, *_ in GPU_METRICS}


def expressions():
    """Every expression of Prometheus's language that the chart ships, and where it stands."""
    for group in yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    for panel in json.loads((FILES / "dashboard.json").read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


@pytest.mark.parametrize(("where", "expression"), [*expressions()])
def test_an_expression_speaks_of_metrics_and_labels_that_there_are(known, where, expression):
    names = [name for name in NAME.findall(expression) if not name.startswith("ringfence_daemon")]
    assert names or "up{" in expression
    assert set(names) <= set(known), where
    # Labels that Prometheus itself adds, and those of the metrics.
    labels = set().union(*(known[name] for name in names)) | {"job", "pod", "le"}
    by = [one.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for one in group.split(",")]
    assert set(by) <= labels
    for matchers in re.findall(r"\{([^}]*)\}", expression):
        assert {part.partition("=")[0].rstrip("~!") for part in matchers.split(",")} <= labels
        assert matchers.startswith(("job=", 'job=~"$job"'))
    for outcome in re.findall(r'outcome="([a-z]+)"', expression):
        assert outcome in OUTCOMES


@pytest.mark.parametrize(("where", "expression"), [*expressions()])
def test_an_expression_is_whole(where, expression):
    """Brackets in pairs, and a counter never without its rate."""
    closing = {")": "(", "]": "[", "}": "{"}
    opened = []
    for letter in expression:
        if letter in closing.values():
            opened.append(letter)
        elif letter in closing:
            assert opened, where
            assert opened.pop() == closing[letter], where
    assert opened == []
    for name in re.findall(r"\bringfence_[a-z0-9_]+_(?:total|bucket)\b", expression):
        assert re.search(rf"(?:rate|increase)\({name}\{{", expression), where


def test_a_metric_that_there_is_not_would_be_seen(known):
    assert "ringfence_requests" not in known
    assert {"ringfence_requests_total", "ringfence_time_to_first_delta_seconds_bucket"} <= set(known)


def test_every_alert_says_what_it_is_and_what_to_do():
    (group,) = yaml.safe_load((FILES / "alerts.yaml").read_text())["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(names) == len(set(names)) >= 7
    for rule in group["rules"]:
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in {"warning", "critical"}


def on(**more):
    return {"enabled": True, "serviceMonitor": {"enabled": True}, "rules": {"enabled": True}, **more}


def test_as_shipped_there_are_no_metrics_and_nobody_is_let_in_for_them(render):
    objects = render()
    assert ("Service", "ringfence-daemon-metrics") not in objects
    assert "metrics_listen" not in objects["ConfigMap", "ringfence-daemon-gpu"]["data"]["ringfenced.toml"]
    ports = objects["DaemonSet", "ringfence-daemon-gpu"]["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert {port["name"] for port in ports} == {"grpc", "health"}


def test_every_worker_of_every_daemon_is_found_and_let_in_for(render, opened):
    """Each worker serves its own, on the next port (ringfenced.build)."""
    opened |= {"metrics": on()}
    opened["daemon"]["cpu"] = {"enabled": True, "config": {"workers": 3}}
    objects = render(opened)
    monitor = objects["ServiceMonitor", "ringfence-daemon-metrics"]["spec"]
    service = objects["Service", "ringfence-daemon-metrics"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert [one["port"] for one in monitor["endpoints"]] == [port["name"] for port in service["spec"]["ports"]]
    assert len(monitor["endpoints"]) == 3
    for kind, workers in (("gpu", 2), ("cpu", 3)):
        pod = objects["DaemonSet", f"ringfence-daemon-{kind}"]["spec"]["template"]["spec"]
        ports = {port["name"]: port["containerPort"] for port in pod["containers"][0]["ports"]}
        assert {
            name: 7450 + number for number, name in enumerate(f"metrics-{one}" for one in range(workers))
        }.items() <= (ports.items())
        assert (
            'metrics_listen = "[::]:7450"'
            in objects["ConfigMap", f"ringfence-daemon-{kind}"]["data"]["ringfenced.toml"]
        )
    _, rule = objects["NetworkPolicy", "ringfence-daemon"]["spec"]["ingress"]
    assert [port["port"] for port in rule["ports"]] == [7450, 7451, 7452]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]


def test_metrics_that_nobody_may_read_open_nothing(render):
    (rule,) = render({"metrics": on(ingressFrom=[])})["NetworkPolicy", "ringfence-daemon"]["spec"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": "grpc"}]


def test_alerts_look_at_this_release_alone(render):
    rules = render({"metrics": on()})["PrometheusRule", "ringfence-alerts"]["spec"]
    for rule in rules["groups"][0]["rules"]:
        assert "$JOB" not in rule["expr"]
        assert 'job="ringfence-daemon-metrics"' in rule["expr"]
    # A name that only Alertmanager fills in arrives as it stands.
    assert "{{ $labels.target }}" in json.dumps(rules)


def test_the_dashboard_arrives_as_grafana_reads_it(render):
    values = {"enabled": True, "dashboard": {"enabled": True, "labels": {"grafana": "yes"}}}
    board = render({"metrics": values})["ConfigMap", "ringfence-dashboard"]
    assert board["metadata"]["labels"]["grafana"] == "yes"
    assert json.loads(board["data"]["ringfence.json"]) == json.loads((FILES / "dashboard.json").read_text())

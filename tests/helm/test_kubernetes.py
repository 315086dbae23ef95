"""The chart's objects under the schemas of Kubernetes itself; `make test-helm` takes every version."""

import os

import pytest

OF_OPERATORS = {
    ("cert-manager.io/v1", "Issuer"),
    ("cert-manager.io/v1", "Certificate"),
    ("monitoring.coreos.com/v1", "ServiceMonitor"),
    ("monitoring.coreos.com/v1", "PrometheusRule"),
}
"""Kinds that Kubernetes does not know by itself; there only where the values ask for them."""

EVERYTHING = {
    "metrics": {
        "enabled": True,
        "serviceMonitor": {"enabled": True},
        "rules": {"enabled": True},
        "dashboard": {"enabled": True},
    },
    "priorityClasses": {"create": True},
}
AUTHORITY = {"source": "chart", "trustDomain": "site.example", "chart": {"apiServers": [{"cidr": "192.0.2.10/32"}]}}


@pytest.fixture(params=["as shipped", "opened", "all, by the chart's authority", "all, by cert-manager"])
def objects(request, render, opened):
    if request.param == "as shipped":
        return render()
    if request.param.startswith("all"):
        opened |= EVERYTHING
        opened["daemon"]["cpu"] = {"enabled": True}
        opened["daemon"]["models"] = {"source": "image", "image": {"repository": "models/of-ours"}}
        by_chart = request.param.endswith("authority")
        opened["tls"] = AUTHORITY if by_chart else {"source": "certManager", "trustDomain": "site.example"}
    return render(opened)


def test_every_object_is_what_kubernetes_takes(strict, counts, objects):
    """Field by field, in the oldest and the newest version, or in each of them (RINGFENCE_HELM=full)."""
    versions = strict.versions()
    assert (versions[0], versions[-1], len(versions)) == ("1.28", "1.37", 10)
    if os.environ.get("RINGFENCE_HELM") != "full":
        versions = [versions[0], versions[-1]]
    for version in versions:
        assert strict.refusals(objects, version) == []
        counts[f"objects held against Kubernetes {version}"] += len(objects)
        unknown = {(one["apiVersion"], one["kind"]) for one in objects.values() if not strict.knows(one, version)}
        assert unknown <= OF_OPERATORS


def test_an_unknown_field_would_be_seen(strict, render):
    """A check that cannot fail is none."""
    objects = render()
    objects["DaemonSet", "ringfence-daemon-gpu"]["spec"]["template"]["spec"]["hostNetworks"] = True
    (told,) = strict.refusals(objects, "1.37")
    assert "hostNetworks" in told


def test_as_shipped_no_operator_need_be_there(strict, render):
    assert all(strict.knows(one, "1.28") for one in render().values())


def test_objects_of_a_namespace_say_which_and_names_are_short_enough(objects):
    """DNS labels (RFC 1123): at most 63 characters."""
    for (kind, name), one in objects.items():
        assert len(name) <= 63
        assert (kind == "PriorityClass") == ("namespace" not in one["metadata"])

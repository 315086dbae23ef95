"""What Helm says at the end of an installation."""

import pytest


@pytest.fixture
def notes(chart):
    def told(values):
        return chart.render(values, name="ringfence", namespace="ai")["ringfence/templates/NOTES.txt"]

    return told


def test_what_is_missing_is_said_and_nothing_else(notes, opened):
    shipped, full = notes({}), notes(opened)
    for line in (
        "nothing leaves this cluster",
        "No model runs here yet",
        "images.daemonCuda.digest is a placeholder",
        "A daemon's ledger is lost",
    ):
        assert line in shipped
        assert line not in full
    assert "example.key" in full
    assert "images.agent" not in shipped


def test_it_says_which_nodes_are_meant_and_how_to_look(notes, opened):
    opened["daemon"]["cpu"] = {"enabled": True}
    told = notes(opened)
    assert "gpu=yes" in told
    assert "ringfence/daemon=cpu" in told
    assert "ringfence/egress=true" in told
    assert "rollout status daemonset/ringfence-daemon-cpu" in told
    assert "enable daemon.gpu or daemon.cpu" in notes({"daemon": {"gpu": {"enabled": False}}})


def test_it_says_how_to_try_the_walls_and_when_there_are_none(notes):
    assert "helm test ringfence --namespace ai" in notes({})
    bare = notes({"networkPolicy": {"enabled": False}, "escapeTest": {"enabled": False}})
    assert "The chart makes no NetworkPolicy" in bare
    assert "Nothing tries the walls" in bare


def test_an_image_known_by_a_tag_is_told(notes):
    assert "images.daemon is known by a tag" in notes({"images": {"daemon": {"digest": "", "tag": "1"}}})


def test_when_the_authority_ends_is_told_and_where_to_see_it(notes, opened):
    """Helm cannot read a certificate; the job says it each day."""
    opened["tls"] = {"source": "chart", "trustDomain": "site.example", "chart": {"apiServers": [{"cidr": "::1/128"}]}}
    told = notes(opened)
    assert "the authority 87600h" in told
    assert "overlap of 720h" in told
    assert "app.kubernetes.io/instance=ringfence,app.kubernetes.io/component=authority --tail=1" in told
    opened["tls"] = {"source": "certManager", "trustDomain": "site.example"}
    assert "The authority holds 87600h and is renewed by cert-manager" in notes(opened)
    opened["tls"]["certManager"] = {"issuer": {"name": "site"}}
    for values in (opened, {}):
        assert "uthority" not in notes(values)


def test_who_makes_the_secrets_is_told(notes, opened):
    opened["tls"] = {"source": "certManager", "trustDomain": "site.example"}
    assert "certificates are made by cert-manager" in notes(opened)
    opened["tls"] = {"source": "chart", "trustDomain": "site.example", "chart": {"apiServers": [{"cidr": "::1/128"}]}}
    assert "all but providers' keys are made by job ringfence-authority" in notes(opened)

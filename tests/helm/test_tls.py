"""Certificates: where they come from, and that daemon, agent and callers are who the configuration says."""

import json
import re
import tomllib

import helm_python as helm
import pytest
import yaml

from ringfence_agent.config import Daemon

BY_CERT_MANAGER = {
    "source": "certManager",
    "trustDomain": "site.example",
    "daemonNames": ["models.site.example"],
    "callers": [{"secret": "ward-tls", "identity": "spiffe://site.example/caller/ward"}],
}

CERTIFICATE = {
    "isCA",
    "commonName",
    "secretName",
    "duration",
    "renewBefore",
    "uris",
    "dnsNames",
    "privateKey",
    "usages",
    "issuerRef",
}
"""Fields of cert-manager's CertificateSpec that the chart uses (cert-manager.io, API reference, cert-manager.io/v1)."""


def certificates(objects):
    """Every Certificate's specification, by the Secret that it fills."""
    found = {one["spec"]["secretName"]: one["spec"] for (kind, _), one in objects.items() if kind == "Certificate"}
    for spec in found.values():
        assert set(spec) <= CERTIFICATE
        assert set(spec["issuerRef"]) == {"name", "kind", "group"}
        # Ours read PKCS #8, and no library of ours is asked for anything rarer than P-256.
        assert (spec["privateKey"]["encoding"], spec["privateKey"]["algorithm"]) == ("PKCS8", "ECDSA")
    return found


def test_as_shipped_the_chart_makes_no_certificate(render, opened):
    assert not {kind for kind, _ in render(opened)} & {"Certificate", "Issuer", "Job", "CronJob", "Role"}


def test_cert_manager_fills_the_secrets_that_pods_mount(render, opened):
    opened["tls"] = BY_CERT_MANAGER
    found = certificates(render(opened))
    assert set(found) == {"ringfence-authority", "ringfence-daemon-tls", "ringfence-agent-tls", "ward-tls"}
    daemon, agent, ward = (found[name] for name in ("ringfence-daemon-tls", "ringfence-agent-tls", "ward-tls"))
    assert (daemon["uris"], agent["uris"], ward["uris"]) == (
        ["spiffe://site.example/daemon"],
        ["spiffe://site.example/agent"],
        ["spiffe://site.example/caller/ward"],
    )
    assert {"ringfence-daemon.ai.svc", "models.site.example"} <= set(daemon["dnsNames"])
    assert {"server auth", "client auth"} <= set(daemon["usages"])
    assert "client auth" not in agent["usages"]
    assert "server auth" not in ward["usages"]
    assert "dnsNames" not in ward


def test_the_agent_lets_in_the_daemon_that_the_certificate_names(render, opened):
    opened["tls"] = BY_CERT_MANAGER
    del opened["agent"]["config"]["daemon"]
    objects = render(opened)
    settings = tomllib.loads(objects["ConfigMap", "ringfence-agent"]["data"]["ringfence-agent.toml"])["daemon"]
    settings["permit_keys"] = {"daemon": "/permit.pub"}
    named = Daemon.model_validate(settings, context=None).identities
    assert list(named) == certificates(objects)["ringfence-daemon-tls"]["uris"]


def test_the_daemon_asks_for_the_name_that_the_agents_certificate_bears(render, opened):
    opened["tls"] = BY_CERT_MANAGER
    opened["agent"]["serverName"] = "agent.site.example"
    objects = render(opened)
    settings = tomllib.loads(objects["ConfigMap", "ringfence-daemon-gpu"]["data"]["ringfenced.toml"])
    assert certificates(objects)["ringfence-agent-tls"]["dnsNames"] == [settings["agent"]["server_name"]]


def test_an_authority_is_made_only_where_the_site_names_none(render, opened):
    opened["tls"] = BY_CERT_MANAGER
    own = render(opened)
    assert {name for kind, name in own if kind == "Issuer"} == {"ringfence-self-signed", "ringfence-authority"}
    assert own["Issuer", "ringfence-authority"]["spec"] == {"ca": {"secretName": "ringfence-authority"}}
    # A new key would be an authority that nobody knows yet.
    assert certificates(own)["ringfence-authority"]["privateKey"]["rotationPolicy"] == "Never"
    opened["tls"] = BY_CERT_MANAGER | {"certManager": {"issuer": {"name": "site", "kind": "ClusterIssuer"}}}
    objects = render(opened)
    assert not [name for kind, name in objects if kind == "Issuer"]
    issuers = [spec["issuerRef"] for spec in certificates(objects).values()]
    assert issuers == [{"name": "site", "kind": "ClusterIssuer", "group": "cert-manager.io"}] * 3


def test_without_a_trust_domain_nobody_can_be_named(render, opened):
    opened["tls"] = {"source": "certManager"}
    with pytest.raises(helm.HelmValuesError, match="at '/tls/trustDomain': minLength"):
        render(opened)
    opened["tls"] = {"source": "existing"}
    del opened["agent"]["config"]["daemon"]
    with pytest.raises(helm.HelmValuesError, match="at '/agent/config': missing property 'daemon'"):
        render(opened)


def test_the_job_of_the_charts_own_authority_reaches_the_api_and_nothing_else(render, opened):
    opened["tls"] = {"source": "chart", "trustDomain": "site.example", "chart": {"apiServers": []}}
    with pytest.raises(helm.HelmValuesError, match="at '/tls/chart/apiServers': minItems"):
        render(opened)
    opened["tls"]["chart"]["apiServers"] = [{"cidr": "192.0.2.10/32", "port": 443}, {"cidr": "2001:db8::10/128"}]
    policy = render(opened)["NetworkPolicy", "ringfence-authority"]["spec"]
    assert policy["ingress"] == []
    assert [(rule["to"], rule["ports"][0]["port"]) for rule in policy["egress"]] == [
        ([{"ipBlock": {"cidr": "192.0.2.10/32"}}], 443),
        ([{"ipBlock": {"cidr": "2001:db8::10/128"}}], 6443),
    ]


def test_the_job_may_make_secrets_and_replace_its_own_and_no_more(render, opened):
    opened["tls"] = {"source": "chart", "trustDomain": "site.example", "chart": {"apiServers": [{"cidr": "::1/128"}]}}
    objects = render(opened)
    making, replacing = objects["Role", "ringfence-authority"]["rules"]
    assert (making["resources"], making["verbs"]) == (["secrets"], ["create"])
    assert (replacing["resources"], replacing["verbs"]) == (["secrets"], ["get", "update"])
    names = set(replacing["resourceNames"])
    assert names == {
        "ringfence-authority",
        *(f"ringfence-{side}-{what}" for side in ("daemon", "agent") for what in ("tls", "keys")),
    }


def test_a_job_that_would_do_something_else_has_another_name(render, opened):
    """A Job cannot be changed; one that would do the same need not run again."""
    opened["tls"] = {"source": "chart", "trustDomain": "site.example", "chart": {"apiServers": [{"cidr": "::1/128"}]}}

    def job():
        return [name for kind, name in render(opened) if kind == "Job"]

    before, again = job(), job()
    opened["tls"]["trustDomain"] = "other.example"
    assert before == again != job()


def test_a_site_says_how_long_two_authorities_overlap_and_when_it_wants_a_new_one(render, opened):
    chart = {"apiServers": [{"cidr": "::1/128"}]}
    opened["tls"] = {"source": "chart", "trustDomain": "site.example", "chart": chart}

    def asked():
        text = render(opened)["ConfigMap", "ringfence-authority"]["data"]["wanted.json"]
        return {name: one for name, one in json.loads(text).items() if name in {"overlap_hours", "authority_since"}}

    assert asked() == {"overlap_hours": 720, "authority_since": ""}
    chart |= {"overlap": "48h", "authoritySince": "2027-01-31"}
    assert asked() == {"overlap_hours": 48, "authority_since": "2027-01-31"}
    chart["authoritySince"] = "31.01.2027"
    with pytest.raises(helm.HelmValuesError, match="at '/tls/chart/authoritySince'"):
        render(opened)


def test_what_the_operators_page_says_to_type_names_what_is_there(render, opened, pytestconfig):
    """The job that follows an authority, its Secret, and the value that asks for a new one."""
    page = (pytestconfig.rootpath / "docs/operations.md").read_text()
    (section,) = re.findall(r"^### The chart's own authority\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    (value,) = re.findall(r"--set-string ([a-z.A-Z]+)=", section)
    shipped = yaml.safe_load((pytestconfig.rootpath / "helm/ringfence/values.yaml").read_text())
    for step in value.split("."):
        shipped = shipped[step]
    opened["tls"] = {"source": "chart", "trustDomain": "site.example", "chart": {"apiServers": [{"cidr": "::1/128"}]}}
    objects = render(opened)
    (job,) = re.findall(r"--from=cronjob/(\S+)", section)
    assert ("CronJob", job) in objects
    (secret,) = re.findall(r"kubectl -n ai delete secret ([a-z-]+)", section)
    wanted = json.loads(objects["ConfigMap", job]["data"]["wanted.json"])
    assert wanted["authority"] == secret
    (section,) = re.findall(r"^### In a cluster\n(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"ringfence-agent[a-z-]*|ringfence-daemon[a-z-]*", section))
    secrets = {wanted["agent_keys"], wanted["daemon_keys"], "ringfence-agent-providers"}
    assert named == secrets | {"ringfence-agent", "ringfence-agent-log"}
    assert {("Deployment", "ringfence-agent"), ("PersistentVolumeClaim", "ringfence-agent-log")} <= set(objects)

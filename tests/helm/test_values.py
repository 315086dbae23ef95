"""Values that nobody thought of: each set renders to objects that Kubernetes takes, or is refused with its place.

`make test-helm` takes 300 sets of each kind (RINGFENCE_HELM=full); the plain suite a few.
"""

import copy
import ipaddress
import os
import re
import tomllib

import helm_python as helm
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FULL = os.environ.get("RINGFENCE_HELM") == "full"
SETS = settings(
    max_examples=300 if FULL else 15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

LABEL = re.compile(r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$")
"""A label's value, as Kubernetes takes it ("Labels and Selectors", syntax)."""

names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,15}[a-z0-9])?", fullmatch=True)
label_values = st.from_regex(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,10}[A-Za-z0-9])?)?", fullmatch=True)
label_keys = st.one_of(names, st.builds("{}.example/{}".format, names, names))
labels = st.dictionaries(label_keys, label_values, max_size=2)
digests = st.from_regex(r"(sha256:[0-9a-f]{64})?", fullmatch=True)
quantities = st.from_regex(r"[1-9][0-9]{0,3}(Mi|Gi)", fullmatch=True)
networks = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(lambda one: f"{one}/{one.max_prefixlen}")
ports = st.integers(1, 65535)
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)


def some(**fields):
    """A table with any of these settings, the others as shipped."""
    return st.fixed_dictionaries({}, optional=fields)


def image():
    return some(repository=names, tag=label_values, digest=digests)


resources = some(
    requests=st.dictionaries(st.sampled_from(["cpu", "memory"]), quantities),
    limits=st.dictionaries(st.sampled_from(["cpu", "memory", "nvidia.com/gpu"]), st.integers(1, 9)),
)
tolerations = st.lists(some(key=names, operator=st.just("Exists"), effect=st.just("NoExecute")), max_size=2)
selectors = some(matchLabels=labels)
peers = st.lists(
    st.one_of(
        st.fixed_dictionaries({"podSelector": selectors}),
        st.fixed_dictionaries({"namespaceSelector": selectors}),
        st.builds(lambda network: {"ipBlock": {"cidr": network}}, networks),
    ),
    max_size=3,
)
local_models = st.lists(
    st.builds(
        lambda name, layers: {"name": name, "path": f"/models/{name}", "gpu_layers": layers}, names, st.integers(-1, 9)
    ),
    max_size=2,
)
nodes = some(
    enabled=st.booleans(),
    config=some(workers=st.integers(1, 256), models=local_models),
    runtimeClassName=st.one_of(st.just(""), names),
    nodeSelector=labels,
    tolerations=tolerations,
    resources=resources,
)
model_sources = st.one_of(
    st.just({"source": "none"}),
    st.builds(lambda name: {"source": "claim", "existingClaim": name}, names),
    st.builds(lambda name: {"source": "hostPath", "hostPath": f"/srv/{name}"}, names),
    st.builds(lambda one, name: {"source": "image", "image": one | {"repository": name}}, image(), names),
)
departments = st.lists(
    st.builds(lambda name, grant: {"name": name, "grant_credits": grant}, names, st.integers(0, 10**12)),
    min_size=1,
    max_size=2,
)
certificates = st.one_of(
    st.fixed_dictionaries({"source": st.just("existing")}, optional={"trustDomain": names}),
    st.fixed_dictionaries(
        {"source": st.just("certManager"), "trustDomain": names},
        optional={
            "certManager": some(issuer=some(name=names, kind=st.just("ClusterIssuer"))),
            "daemonNames": st.lists(names, max_size=2),
            "callers": st.lists(
                st.builds(lambda name: {"secret": f"caller-{name}", "identity": f"spiffe://site/{name}"}, names),
                max_size=2,
                unique_by=lambda one: one["secret"],
            ),
        },
    ),
    st.builds(
        lambda domain, found, more: {
            "source": "chart",
            "trustDomain": domain,
            "chart": {"apiServers": [{"cidr": one} for one in found]} | more,
        },
        names,
        st.lists(networks, min_size=1, max_size=2),
        some(overlap=st.integers(1, 9999).map("{}h".format), authoritySince=st.dates().map(str)),
    ),
)
providers = st.lists(
    st.builds(
        lambda name, contract: {
            "name": name,
            "kind": "openai",
            "base_url": f"https://{name}.example/v1",
            "clearance": {"level": "INTERNAL"},
            "models": {"assistant": "assistant-1"},
            "contract": contract,
        },
        names,
        words,
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda one: one["name"],
)
agents = st.one_of(
    st.just({"enabled": False}),
    st.fixed_dictionaries(
        {
            "enabled": st.just(True),
            "clusterIP": st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str),
            "config": st.builds(
                lambda found: {
                    "daemon": {"identities": ["spiffe://site.example/daemon"]},
                    "log": {"origin": "site.example/egress"},
                    "providers": found,
                },
                providers,
            ),
        },
        optional={
            "policy": words.filter(lambda one: not one or one.split()),
            "egress": some(
                providers=st.lists(
                    st.builds(lambda cidr, port: {"cidr": cidr, "port": port}, networks, ports), max_size=2
                ),
                dns=peers,
            ),
            "log": some(existingClaim=names, size=quantities, storageClassName=names),
            "maxUnavailable": st.sampled_from([0, 1]),
            "nodeSelector": labels,
            "tolerations": tolerations,
            "resources": resources,
            "priorityClassName": names,
        },
    ),
)
good_values = some(
    images=some(daemon=image(), daemonCuda=image(), agent=image(), pullSecrets=st.lists(names, max_size=2)),
    tls=certificates,
    networkPolicy=some(enabled=st.booleans()),
    seccompProfile=st.one_of(
        st.just({"type": "RuntimeDefault"}),
        st.builds(lambda name: {"type": "Localhost", "localhostProfile": name}, names),
    ),
    priorityClasses=some(create=st.booleans(), daemon=st.integers(-(10**9), 10**9), agent=st.integers(0, 10**9)),
    daemon=some(
        config=st.builds(
            lambda found: {
                "departments": found,
                "callers": [{"identity": "spiffe://site.example/caller/app", "department": found[0]["name"]}],
            },
            departments,
        ),
        gpu=nodes,
        cpu=nodes,
        policyFiles=st.dictionaries(st.just("policy.cedar"), words.filter(str.split)),
        models=model_sources,
        state=some(hostPath=st.one_of(st.just(""), st.builds("/srv/{}".format, names)), sizeLimit=quantities),
        ingressFrom=peers,
        minAvailable=st.integers(0, 9),
        priorityClassName=names,
    ),
    agent=agents,
    metrics=some(
        enabled=st.booleans(),
        ingressFrom=peers,
        serviceMonitor=some(enabled=st.booleans(), labels=labels),
        rules=some(enabled=st.booleans(), labels=labels),
        dashboard=some(enabled=st.booleans(), labels=labels),
    ),
    escapeTest=some(
        enabled=st.booleans(),
        reach=st.lists(
            st.builds(lambda address, port: {"address": str(address), "port": port}, st.ip_addresses(), ports),
            max_size=2,
        ),
        resources=resources,
    ),
)

anything = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**6), 10**6),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=20),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=8), inner, max_size=2)),
    max_leaves=4,
)


def demand_good(objects, strict):
    """All that must hold whatever the values are."""
    assert strict.refusals(objects, "1.28") == []
    assert strict.refusals(objects, "1.37") == []
    for (kind, name), one in objects.items():
        assert len(name) <= 63
        for value in one["metadata"].get("labels", {}).values():
            assert LABEL.match(value)
        if kind == "NetworkPolicy":
            demand_walls(one["spec"])
        for key, text in one.get("data", {}).items():
            if key.endswith(".toml"):
                tomllib.loads(text)


def demand_walls(spec):
    """Both ways are held, and no rule means everybody: an absent or empty list of peers or ports matches all."""
    assert sorted(spec["policyTypes"]) == ["Egress", "Ingress"]
    for rule in (*spec["ingress"], *spec["egress"]):
        found = rule.get("from", rule.get("to"))
        assert found
        assert rule["ports"]
        for peer in found:
            if "ipBlock" in peer:
                ipaddress.ip_network(peer["ipBlock"]["cidr"], strict=False)


@SETS
@given(values=good_values)
def test_values_as_sites_may_write_them_make_objects_that_kubernetes_takes(render, strict, counts, values):
    demand_good(render(values), strict)
    counts["sets of values as sites may write them, all rendered"] += 1


def places(values, where=()):
    """The way to every value, tables and lists too."""
    for key, inner in values.items() if isinstance(values, dict) else enumerate(values):
        yield (*where, key)
        if isinstance(inner, (dict, list)):
            yield from places(inner, (*where, key))


def spoilt(values, place, wrong):
    """The same with something else in one place; tables that are not there are made."""
    values = copy.deepcopy(values)
    *way, last = place
    inner = values
    for step in way:
        inner = inner.setdefault(step, {}) if isinstance(inner, dict) else inner[step]
    inner[last] = wrong
    return values


@SETS
@given(values=good_values, data=st.data())
def test_a_wrong_value_is_refused_with_its_place_or_does_no_harm(render, strict, shipped, counts, *, values, data):
    """Among what a site wrote, or among what is shipped; a null takes a shipped value away."""
    known = [*places(values), *(place for place in shipped if all(isinstance(step, str) for step in place))]
    place = data.draw(st.sampled_from(sorted(set(known), key=str)), label="place")
    wrong = data.draw(anything, label="wrong")
    try:
        objects = render(spoilt(values, place, wrong))
    except (helm.HelmValuesError, helm.HelmRenderError) as error:
        refused = error
    else:
        demand_good(objects, strict)
        counts["sets with something wrong that did no harm"] += 1
        return
    # The schema's words, or ours where no schema can say it; never those of a template that stumbled.
    assert re.search(r"at '/?" if isinstance(refused, helm.HelmValuesError) else "execution error at", str(refused))
    counts["sets with something wrong that were refused with the place"] += 1


@pytest.fixture(scope="session")
def shipped(chart):
    return [*places(chart.values)]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            {"daemon": {"secrets": {"keys": "ringfence-daemon-tls"}}},
            "Secret ringfence-daemon-tls stands for two things",
        ),
        (
            {"tls": {"source": "certManager", "trustDomain": "site.example", "renewBefore": "720h"}},
            "tls.renewBefore must be less than tls.duration",
        ),
        (
            {
                "tls": {
                    "source": "chart",
                    "trustDomain": "site.example",
                    "authorityDuration": "2928h",
                    "chart": {"apiServers": [{"cidr": "::1/128"}]},
                }
            },
            "tls.authorityDuration must be more than 2928h",
        ),
    ],
)
def test_what_no_schema_can_say_is_refused_in_words(render, values, told):
    with pytest.raises(helm.HelmRenderError, match=told):
        render(values)

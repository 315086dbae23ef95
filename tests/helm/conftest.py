"""The chart, rendered by Helm itself, without a cluster; and its authority's script."""

import importlib
import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml
from kubernetes_validate import utils as kubernetes
from referencing import Registry, Resource

if TYPE_CHECKING:
    import helm_python as helm

CHART = Path(__file__).parents[2] / "helm/ringfence"
SCRIPT = CHART / "files/authority"
MODULES = ("wanted", "clock", "certificates", "succession", "plan", "cluster")

Objects = dict[tuple[str, str], dict[str, Any]]

OLDEST, NEWEST = "1.28", "1.37"
"""The Kubernetes versions that the chart is checked for; the oldest is Chart.yaml's."""


class Strict:
    """Kubernetes' own schemas, in which an unknown field is an error; read once each."""

    def __init__(self) -> None:
        self._versions = {kubernetes.major_minor(version): version for version in kubernetes.all_versions()}
        self._validators: dict[tuple[str, str, str], jsonschema.Draft202012Validator | None] = {}

    def versions(self) -> list[str]:
        """All from the oldest to the newest."""
        known = list(self._versions)
        return known[known.index(OLDEST) : known.index(NEWEST) + 1]

    def refusals(self, objects: Objects, version: str) -> list[str]:
        """What is wrong with objects that Kubernetes itself knows; others, of operators, are passed over."""
        return [
            f"{kind} {name}, {error.json_path}: {error.message}"
            for (kind, name), one in objects.items()
            if (validator := self._validator(one, version)) is not None
            for error in validator.iter_errors(one)
        ]

    def knows(self, one: dict[str, Any], version: str) -> bool:
        return self._validator(one, version) is not None

    def _validator(self, one: dict[str, Any], version: str) -> jsonschema.Draft202012Validator | None:
        key = (version, one["apiVersion"], one["kind"])
        if key not in self._validators:
            self._validators[key] = self._read(*key)
        return self._validators[key]

    def _read(self, version: str, api: str, kind: str) -> jsonschema.Draft202012Validator | None:
        folder = f"kubernetes-json-schema/v{self._versions[version]}-local-strict"
        group, _, number = api.rpartition("/")
        name = "-".join(part for part in (kind.lower(), group.partition(".")[0], number) if part)
        try:
            schema = kubernetes.schema_contents(f"{folder}/{name}.json", version)
        except FileNotFoundError:
            return None
        definitions = kubernetes.schema_contents(f"{folder}/_definitions.json", version)
        registry = Resource.from_contents(definitions) @ (Resource.from_contents(schema) @ Registry())
        return jsonschema.Draft202012Validator(schema, registry=registry)


@pytest.fixture(scope="session")
def counts(record_testsuite_property: Callable[[str, object], None]) -> Iterator[Counter[str]]:
    """What was tried, for the report of a whole run (bench/chart.py)."""
    counted: Counter[str] = Counter()
    yield counted
    for name, count in counted.items():
        record_testsuite_property(name, count)


@pytest.fixture(scope="session")
def strict() -> Strict:
    return Strict()


@pytest.fixture(scope="session")
def chart() -> "Iterator[helm.Chart]":
    # Not when this file is read: Go turns a signal into an error that it handles, as long as its handler was set last,
    # and pytest sets one (faulthandler) after the first of these files.
    import helm_python as helm  # noqa: PLC0415 - as said

    with helm.Chart.load(CHART) as loaded:
        yield loaded


@pytest.fixture(scope="session")
def render(chart: "helm.Chart", counts: Counter[str]) -> Callable[..., Objects]:
    """Values to objects, by kind and name."""

    def objects(values: dict[str, Any] | None = None) -> Objects:
        rendered = chart.render(values, name="ringfence", namespace="ai")
        manifests = [text for path, text in rendered.items() if path.endswith(".yaml")]
        documents = [document for text in manifests for document in yaml.safe_load_all(text) if document]
        found = {(document["kind"], document["metadata"]["name"]): document for document in documents}
        assert len(found) == len(documents), "two objects have one name"
        counts["renderings"] += 1
        counts["objects rendered"] += len(found)
        return found

    return objects


@pytest.fixture
def opened() -> dict[str, Any]:
    """Values of a site that lets something out, and uses what else there is to use."""
    return opened_values()


@pytest.fixture(scope="session")
def opened_once() -> dict[str, Any]:
    """The same, for properties, whose examples share it."""
    return opened_values()


def opened_values() -> dict[str, Any]:
    return {
        "images": {
            "daemon": {"digest": f"sha256:{'b' * 64}"},
            "daemonCuda": {"digest": f"sha256:{'a' * 64}"},
            "agent": {"digest": f"sha256:{'c' * 64}"},
            "pullSecrets": ["registry"],
        },
        "daemon": {
            "config": {
                "workers": 2,
                "callers": [
                    {
                        "identity": "spiffe://site.example/caller/ward",
                        "department": "example",
                        "roles": ["caller", "auditor"],
                        "label_default": {"level": "CONFIDENTIAL", "categories": ["PHI"]},
                    }
                ],
                "models": [{"name": "local", "path": "/models/local.gguf", "quality": 0.7, "logprob_floor": -3}],
                "providers": [
                    {"name": "example", "clearance": {"level": "INTERNAL"}, "models": [{"name": "assistant"}]}
                ],
                "streams": {"coalesce_ms": 12.5},
            },
            "models": {"source": "claim", "existingClaim": "models"},
            "state": {"hostPath": "/var/lib/ringfenced"},
            "gpu": {
                "resources": {"limits": {"nvidia.com/gpu": 2}},
                "nodeSelector": {"gpu": "yes"},
                "tolerations": [{"key": "gpu", "operator": "Exists"}],
                "runtimeClassName": "nvidia",
            },
            "priorityClassName": "high",
        },
        "agent": {
            "enabled": True,
            "clusterIP": "10.96.0.50",
            "config": {
                "daemon": {"identities": ["spiffe://site.example/daemon"]},
                "log": {"origin": "site.example/egress"},
                "providers": [
                    {
                        "name": "example",
                        "kind": "openai",
                        "base_url": "https://api.provider.example/v1",
                        "clearance": {"level": "INTERNAL"},
                        "models": {"assistant": "assistant-2026-01"},
                        "contract": 'DPA "2026" <draft>\nsecond line',
                        "request_bytes_max": 16777216,
                    }
                ],
            },
            "egress": {"providers": [{"cidr": "192.0.2.0/24", "except": ["192.0.2.128/25"], "port": 8443}]},
            "nodeSelector": {"egress": "yes"},
        },
    }


@pytest.fixture(scope="session")
def authority() -> SimpleNamespace:
    """All that the script's modules define. They find each other as in the job, and nobody else finds them."""
    found: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPT)
        for name in MODULES:
            found |= vars(importlib.import_module(name))
        spec = importlib.util.spec_from_file_location("authority_main", SCRIPT / "__main__.py")
        main = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(main)
    for name in MODULES:
        del sys.modules[name]
    return SimpleNamespace(**{name: one for name, one in (found | vars(main)).items() if not name.startswith("_")})


@pytest.fixture
def document(render: Callable[..., Objects], opened: dict[str, Any]) -> dict[str, Any]:
    """What the chart asks for."""
    opened["tls"] = {
        "source": "chart",
        "trustDomain": "site.example",
        "callers": [{"secret": "ward-tls", "identity": "spiffe://site.example/caller/ward"}],
        "chart": {"apiServers": [{"cidr": "127.0.0.1/32"}]},
    }
    asked: dict[str, Any] = json.loads(render(opened)["ConfigMap", "ringfence-authority"]["data"]["wanted.json"])
    return asked


@pytest.fixture
def wanted(authority: SimpleNamespace, document: dict[str, Any]) -> Any:
    return authority.Wanted.of(document)


@pytest.fixture(scope="session")
def wanted_once(authority: SimpleNamespace) -> Any:
    """Two certificates and the keys, for properties, whose examples share it."""
    leaves = (authority.Leaf("d", "spiffe://a/daemon", ("d",)), authority.Leaf("w", "spiffe://a/ward", ()))
    labels = {"app.kubernetes.io/component": "authority"}
    return authority.Wanted("ca", 87600, None, 720, 720, 240, leaves, "dk", "ak", labels)

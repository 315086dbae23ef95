import copy
import json
import subprocess
import sys

import helm_python as helm
import pytest


@pytest.fixture(scope="session")
def schema(chart):
    return chart.schema


def test_the_schema_is_what_daemon_and_agent_say_of_their_settings(pytestconfig):
    """Broken by a change of either's settings: run the command, and look whether the templates must know of it."""
    folder = pytestconfig.rootpath / "helm"
    made = subprocess.run([sys.executable, folder / "values_schema.py"], capture_output=True, text=True, check=True)
    assert json.loads(made.stdout) == json.loads((folder / "ringfence/values.schema.json").read_text()), (
        "run: .venv/bin/python helm/values_schema.py > helm/ringfence/values.schema.json"
    )


def tables(node, where="values"):
    """Every table with settings of its own, and where it stands."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict):
            yield where, node
        for key, inner in node.items():
            yield from tables(inner, f"{where}/{key}")
    elif isinstance(node, list):
        for number, inner in enumerate(node):
            yield from tables(inner, f"{where}/{number}")


def description(schema, value):
    """Its own, or that of what it refers to: a class with the same words is not told twice."""
    if "description" not in value and "$ref" in value:
        for step in value["$ref"].removeprefix("#/").split("/"):
            schema = schema[step]
        return schema.get("description")
    return value.get("description")


def test_every_value_is_described_and_no_table_takes_an_unknown_one(schema):
    conditions = ("/if", "/then", "/else")
    found = [
        (where, table) for where, table in tables(schema) if not any(f"{part}/" in f"{where}/" for part in conditions)
    ]
    assert len(found) > 20
    for where, table in found:
        assert table.get("additionalProperties") is False, where
        for key, value in table["properties"].items():
            assert description(schema, value), f"{where}: {key}"


def test_every_shipped_value_is_in_the_schema(chart, schema):
    sides = set(schema["properties"]) - {"global"}
    assert set(chart.values) == sides
    for side in sides - {"seccompProfile"}:
        assert set(chart.values[side]) == set(schema["properties"][side]["properties"]), side


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (("damon",), "additional properties 'damon' not allowed"),
        (("daemon", "confg"), "at '/daemon': additional properties 'confg' not allowed"),
        (("daemon", "config", "listen"), "at '/daemon/config': additional properties 'listen' not allowed"),
        (("daemon", "config", "models", 0, "layers"), "at '/daemon/config/models/0': additional properties 'layers'"),
        (
            ("agent", "config", "providers", 0, "api_key"),
            "at '/agent/config/providers/0': additional properties 'api_key'",
        ),
        (("agent", "egress", "cidr"), "at '/agent/egress': additional properties 'cidr' not allowed"),
    ],
)
def test_an_unknown_value_is_refused_with_its_place(render, opened, path, told):
    *tables_, key = path
    inner = opened
    for step in tables_:
        inner = inner[step]
    inner[key] = {}
    with pytest.raises(helm.HelmValuesError, match="additional properties") as refused:
        render(opened)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"agent": {"clusterIP": ""}}, "at '/agent/clusterIP': minLength"),
        ({"agent": {"config": {}}}, "missing properties 'log', 'providers'"),
        ({"images": {"daemon": {"digest": "sha256:abc"}}}, "at '/images/daemon/digest'"),
        ({"daemon": {"config": {"callers": []}}}, "at '/daemon/config/callers': minItems"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(render, opened, change, told):
    values = copy.deepcopy(opened)
    for side, inner in change.items():
        values[side] |= inner
    with pytest.raises(helm.HelmValuesError) as refused:
        render(values)
    assert told in str(refused.value)


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_policy_that_was_lost_on_its_way_is_refused(render, opened, text):
    """A pipeline that fills in nothing would leave the daemon's pods with none; for the agent, nothing says none."""
    files = copy.deepcopy(opened)
    files["daemon"]["policyFiles"] = {"policy.cedar": text}
    with pytest.raises(helm.HelmValuesError, match=r"/daemon/policyFiles/policy\.cedar': '.*' does not match pattern"):
        render(files)
    opened["agent"]["policy"] = text
    if not text:
        render(opened)
        return
    with pytest.raises(helm.HelmValuesError, match="/agent/policy"):
        render(opened)


@pytest.mark.parametrize("level", [3, "SECRET"])
def test_a_level_is_given_by_its_name(render, opened, level):
    opened["daemon"]["config"]["providers"][0]["clearance"]["level"] = level
    with pytest.raises(helm.HelmValuesError, match="'PUBLIC', 'INTERNAL', 'CONFIDENTIAL', 'RESTRICTED'"):
        render(opened)

"""Which nodes get a daemon, and what they run."""

import tomllib

import helm_python as helm
import pytest

from ringfenced.config import Config


def daemon(objects, kind):
    return objects["DaemonSet", f"ringfence-daemon-{kind}"]["spec"]["template"]["spec"]


def settings(objects, kind):
    return tomllib.loads(objects["ConfigMap", f"ringfence-daemon-{kind}"]["data"]["ringfenced.toml"])


def test_as_shipped_gpus_get_a_daemon_and_nodes_without_do_not(render):
    objects = render()
    assert [name for kind, name in objects if kind == "DaemonSet"] == ["ringfence-daemon-gpu"]
    pod = daemon(objects, "gpu")
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert "ringfenced-cuda@" in pod["containers"][0]["image"]


def test_a_node_with_both_labels_gets_one_daemon(render):
    """The one for its GPUs: two would share the node's port of neither, and its state."""
    objects = render({"daemon": {"cpu": {"enabled": True}, "gpu": {"nodeSelector": {"zone": "a"}}}})
    affinity = daemon(objects, "cpu")["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    expressions = [one for term in affinity["nodeSelectorTerms"] for one in term["matchExpressions"]]
    assert {(one["key"], one["operator"], *one["values"]) for one in expressions} == {
        ("nvidia.com/gpu.present", "NotIn", "true"),
        ("zone", "NotIn", "a"),
    }
    assert all(len(term["matchExpressions"]) == 1 for term in affinity["nodeSelectorTerms"])
    assert "affinity" not in daemon(objects, "gpu")
    alone = render({"daemon": {"cpu": {"enabled": True}, "gpu": {"enabled": False}}})
    assert "affinity" not in daemon(alone, "cpu")
    assert "ringfenced@" in daemon(alone, "cpu")["containers"][0]["image"]


def test_what_is_configured_for_a_kind_of_nodes_holds_there_alone(render, opened):
    opened["daemon"]["cpu"] = {
        "enabled": True,
        "config": {"workers": 1, "models": [{"name": "small", "path": "/models/small.gguf"}]},
    }
    objects = render(opened)
    gpu, cpu = settings(objects, "gpu"), settings(objects, "cpu")
    assert ([one["name"] for one in gpu["models"]], gpu["workers"]) == (["local"], 2)
    assert ([one["name"] for one in cpu["models"]], cpu["workers"]) == (["small"], 1)
    assert cpu["callers"] == gpu["callers"]
    assert Config.model_validate(cpu, context=None)


def models(objects):
    """How the models come to a daemon: the volume, and what fills it."""
    pod = daemon(objects, "gpu")
    volumes = [volume for volume in pod["volumes"] if volume["name"] == "models"]
    mounted = [mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == "models"]
    assert [(mount["mountPath"], mount["readOnly"]) for mount in mounted] == [("/models", True)] * len(volumes)
    return volumes, pod.get("initContainers", [])


@pytest.mark.parametrize(
    ("values", "volume"),
    [
        (
            {"source": "claim", "existingClaim": "ours"},
            {"persistentVolumeClaim": {"claimName": "ours", "readOnly": True}},
        ),
        ({"source": "hostPath", "hostPath": "/srv/models"}, {"hostPath": {"path": "/srv/models", "type": "Directory"}}),
    ],
)
def test_models_come_from_a_claim_or_a_folder_of_the_node(render, values, volume):
    assert models(render()) == ([], [])
    volumes, filled = models(render({"daemon": {"models": values}}))
    assert (volumes, filled) == ([{"name": "models", **volume}], [])


def test_models_come_out_of_an_image_before_the_daemon_starts(render):
    image = {"repository": "site.example/models", "digest": f"sha256:{'d' * 64}", "folder": "/gguf/"}
    volumes, (copying,) = models(
        render({"daemon": {"models": {"source": "image", "image": image, "sizeLimit": "5Gi"}}})
    )
    assert volumes == [{"name": "models", "emptyDir": {"sizeLimit": "5Gi"}}]
    assert copying["image"] == f"site.example/models@sha256:{'d' * 64}"
    assert copying["command"] == ["cp", "-R", "/gguf/.", "/models/"]
    assert copying["volumeMounts"] == [{"name": "models", "mountPath": "/models"}]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"source": "claim"}, "at '/daemon/models/existingClaim': minLength"),
        ({"source": "hostPath"}, "at '/daemon/models/hostPath': minLength"),
        ({"source": "image"}, "at '/daemon/models/image/repository': minLength"),
        ({"source": "nfs"}, "at '/daemon/models/source': value must be one of"),
    ],
)
def test_a_source_that_is_not_told_whole_is_refused(render, values, told):
    with pytest.raises(helm.HelmValuesError) as refused:
        render({"daemon": {"models": values}})
    assert told in str(refused.value)


def test_priority_classes_are_the_releases_own_or_the_sites(render, opened):
    objects = render(opened)
    assert daemon(objects, "gpu")["priorityClassName"] == "high"
    del opened["daemon"]["priorityClassName"]
    opened["priorityClasses"] = {"create": True}
    objects = render(opened)
    assert daemon(objects, "gpu")["priorityClassName"] == "ringfence-daemon"
    agent = objects["Deployment", "ringfence-agent"]["spec"]["template"]["spec"]
    values = {name: objects["PriorityClass", name]["value"] for name in ("ringfence-daemon", "ringfence-agent")}
    assert agent["priorityClassName"] == "ringfence-agent"
    assert values["ringfence-agent"] > values["ringfence-daemon"]


def test_a_seccomp_profile_of_the_sites_is_everybodys(render, opened):
    opened["seccompProfile"] = {"type": "Localhost", "localhostProfile": "ringfence.json"}
    objects = render(opened)
    pods = [
        one["spec"]["template"]["spec"] for (kind, _), one in objects.items() if kind in {"DaemonSet", "Deployment"}
    ]
    pods += [one["spec"] for (kind, _), one in objects.items() if kind == "Pod"]
    assert len(pods) == 4
    assert [pod["securityContext"]["seccompProfile"] for pod in pods] == [opened["seccompProfile"]] * 4
    with pytest.raises(helm.HelmValuesError, match="seccompProfile"):
        render({"seccompProfile": {"type": "Localhost"}})


def test_agents_of_several_releases_are_spread(render, opened):
    """One release has one agent: its log has one writer."""
    deployment = render(opened)["Deployment", "ringfence-agent"]["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
    for spread in deployment["template"]["spec"]["topologySpreadConstraints"]:
        assert "app.kubernetes.io/instance" not in spread["labelSelector"]["matchLabels"]
        assert spread["labelSelector"]["matchLabels"].items() <= deployment["template"]["metadata"]["labels"].items()

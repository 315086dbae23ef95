"""What a node tells of itself: devices that are not well are checks that fail."""

from ringfenced.device import DeviceFacts
from ringfenced.model import HealthCheck, ModelFacts, TargetKind
from ringfenced.site.node import SiteNode


class Directory:
    def __init__(self, models):
        self._models = models

    def models(self):
        return self._models

    def checks(self):
        return ()


class Policies:
    def check(self):
        return HealthCheck("policy", ok=True)


class Exits:
    closed_reason = connection = ""


def node(folder, *devices, models=(), **learning):
    async def told():
        return devices

    return SiteNode(
        name="n1",
        started_unix_s=0,
        directory=Directory(models),
        measured=lambda models: models,
        devices=told,
        exits=Exits(),
        ledger_failure=lambda: "",
        policies=Policies(),
        state=folder,
        has_agent=False,
        **learning,
    )


async def test_a_device_that_is_not_well_is_a_failed_check_that_says_what_to_do(tmp_path):
    well = DeviceFacts("GPU-a", "gpu", "H200")
    lost = DeviceFacts("GPU-b", "gpu", "H200", excluded_rule="lost", excluded_reason="it fell off the bus: reboot")
    checks = await node(tmp_path, well, lost).checks()
    assert [(check.name, check.message) for check in checks if not check.ok] == [
        ("device GPU-b", "H200: it fell off the bus: reboot")
    ]
    assert [check.name for check in checks if check.ok] == ["policy", "confinement", "ledger", "disk"]


async def test_walls_that_lack_are_a_failed_check(tmp_path):
    """As the process said when it shut itself in."""
    lacking = HealthCheck("confinement", ok=False, message="Landlock is not in force")
    assert lacking in await node(tmp_path, confined=lacking).checks()


async def test_a_divided_gpu_and_one_that_is_kept_from_us_are_no_fault(tmp_path):
    devices = (
        DeviceFacts("GPU-a", "gpu", "H200", excluded_rule="mig_parent", excluded_reason="MIG is on"),
        DeviceFacts("gpu", "gpu", "?", excluded_rule="no_access", excluded_reason="not for us"),
    )
    assert all(check.ok for check in await node(tmp_path, *devices).checks())


def test_a_models_quality_is_the_learned_one_where_there_is_one(tmp_path):
    models = tuple(ModelFacts(name, TargetKind.LOCAL, "llama.cpp", "ready", 100, 0.6, 0, 0) for name in ("a", "b"))
    told = node(tmp_path, models=models, learned=lambda: {"a": 0.25}).models()
    assert [(facts.name, facts.quality) for facts in told] == [("a", 0.25), ("b", 0.6)]


async def test_a_node_that_learns_says_whether_it_does(tmp_path):
    for trouble in ("", "nothing is learned: the disk is full"):

        async def told(trouble=trouble):
            return trouble

        (check,) = [one for one in await node(tmp_path, trouble=told).checks() if one.name == "learning"]
        assert (check.ok, check.message) == (not trouble, trouble)

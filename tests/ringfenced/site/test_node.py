"""What a node tells of itself: devices that are not well are checks that fail."""

from ringfenced.device import DeviceFacts
from ringfenced.site.node import SiteNode


class Directory:
    policy_digest = ""

    def models(self):
        return ()

    def checks(self):
        return ()


class Exits:
    closed_reason = connection = ""


def node(folder, *devices):
    async def told():
        return devices

    return SiteNode(
        name="n1",
        started_unix_s=0,
        directory=Directory(),
        measured=lambda models: models,
        devices=told,
        exits=Exits(),
        ledger_failure=lambda: "",
        policy_source="",
        state=folder,
        has_agent=False,
    )


async def test_a_device_that_is_not_well_is_a_failed_check_that_says_what_to_do(tmp_path):
    well = DeviceFacts("GPU-a", "gpu", "H200")
    lost = DeviceFacts("GPU-b", "gpu", "H200", excluded_rule="lost", excluded_reason="it fell off the bus: reboot")
    checks = await node(tmp_path, well, lost).checks()
    assert [(check.name, check.message) for check in checks if not check.ok] == [
        ("device GPU-b", "H200: it fell off the bus: reboot")
    ]
    assert [check.name for check in checks if check.ok] == ["ledger", "disk"]


async def test_a_divided_gpu_and_one_that_is_kept_from_us_are_no_fault(tmp_path):
    devices = (
        DeviceFacts("GPU-a", "gpu", "H200", excluded_rule="mig_parent", excluded_reason="MIG is on"),
        DeviceFacts("gpu", "gpu", "?", excluded_rule="no_access", excluded_reason="not for us"),
    )
    assert all(check.ok for check in await node(tmp_path, *devices).checks())

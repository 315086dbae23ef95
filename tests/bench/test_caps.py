"""The caps' benchmark finds no overshoot, and would find one."""

import caps


async def test_no_quota_is_overshot_and_what_arrives_is_counted():
    one = await caps.quota("department", "requests_max", 7, 64)
    assert (one.used, one.refused, one.overshoot, one.other) == (7, 57, 0, 0)


async def test_no_wallet_is_overdrawn():
    one = await caps.wallet(48)
    assert (one.overshoot, one.other) == (0, 0)
    assert one.refused > 0


def test_an_overshoot_would_be_seen():
    assert caps.Round("cap", 10, 5, 6, 4, 0).overshoot == 1

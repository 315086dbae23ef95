"""The proxy's benchmark gets replies by every way, through the real systemd-socket-proxyd."""

import pytest

import proxy


@pytest.mark.skipif(not proxy.PROXY.exists(), reason="systemd is not installed")
async def test_every_way_answers(short_folder):
    figures = await proxy.measure(5, short_folder)
    assert set(figures) == {"NoDelay=yes", "NoDelay=no", "no proxy"}
    assert all(0 < each["p50"] <= each["p99"] <= each["max"] for each in figures.values())


def test_the_ratio_is_that_of_the_slowest_hundredth():
    figures = {"NoDelay=yes": {"p99": 5.0}, "NoDelay=no": {"p99": 50.0}}
    assert proxy.ratio(figures) == 10.0

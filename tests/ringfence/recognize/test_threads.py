"""One recogniser serves several threads: each gets what it would get alone."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from ringfence.recognize import load
from ringfence.recognize.stages import shipped

TEXTS = [
    f"{sign} Patient Joanna Whitfield{number}, MRN: 0048{number:04}, SSN 524-71-6{number:03}, a@b{number}.example. "
    * size
    for number, sign in enumerate(("ward", "Wärd", "\uff57ard", "w a r d"))
    for size in (1, 7, 30)
]


@pytest.fixture
def eager():
    """Threads change over far more often than they would."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("eager")
def test_threads_do_not_disturb_each_other():
    recogniser = load(None, stages=shipped())
    alone = [recogniser.scan(text) for text in TEXTS]
    assert all(alone)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(recogniser.scan, TEXTS * 3)) == alone * 3

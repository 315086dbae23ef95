"""What is long, or may wait, is read beside the loop, a few at a time, and ends when nobody waits for it any more."""

import asyncio
import threading
import time

import pytest

from ringfence.recognize.finding import Finding
from ringfenced.errors import DeadlineExceeded
from ringfenced.model import Claim
from ringfenced.site import scanning
from ringfenced.site.cleantexts import KEY_BYTES, CleanTexts
from ringfenced.site.scanning import (
    CHARS_ON_LOOP_MAX,
    KNOWN_CHARS_ON_LOOP_MAX,
    NEW_CHARS_ON_LOOP_MAX,
    GivenUpError,
    Scanner,
)

LONG = CHARS_ON_LOOP_MAX + 1
WARD, LAB = Claim(share=b"ward"), Claim(share=b"lab")


@pytest.fixture
def scanner():
    """Makes one and closes it."""
    made = []

    def make(scan, **how):
        made.append(Scanner(scan, **how))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("chars", [1, LONG])
async def test_what_held_nothing_is_not_read_again_unless_it_must_be(scanner, chars):
    read = []
    made = scanner(lambda text: tuple(read.append(text) or ()), clean=CleanTexts(bytes(KEY_BYTES)))
    for claim, anew in ((WARD, False), (WARD, False), (LAB, False), (WARD, True)):
        assert await made.run(lambda scan: scan("text"), chars, None, claim, anew=anew) == ()
    assert len(read) == 3


@pytest.mark.parametrize(
    ("texts", "here"),
    [
        (("known", "x" * NEW_CHARS_ON_LOOP_MAX), True),
        (("known", "x" * 400, "y" * 400), False),
        (("z" * LONG,), False),
        (tuple("abcde"), False),
    ],
)
async def test_a_long_request_is_read_on_the_loop_where_all_but_a_little_is_known(scanner, texts, here):
    """What is begun on the loop in vain leaves nothing behind: each text is found in as if it were the first."""

    def scan(text):
        return (Finding(0, 1, "PERSON", 0.9, "t"),) if text.startswith("y") else ()

    def read(given):
        return tuple(given(text) for text in texts), threading.get_ident()

    made = scanner(scan, clean=CleanTexts(bytes(KEY_BYTES)))
    await made.run(lambda given: given("known"), LONG, None, WARD)
    found, thread = await made.run(read, LONG, None, WARD)
    assert found == tuple(scan(text) for text in texts)
    assert (thread == threading.get_ident()) is here


async def test_a_very_long_request_is_never_tried_on_the_loop(scanner):
    """To look for what is known takes time as well."""
    made = scanner(lambda _: (), clean=CleanTexts(bytes(KEY_BYTES)))
    thread = await made.run(lambda scan: scan("") or threading.get_ident(), KNOWN_CHARS_ON_LOOP_MAX + 1, None, WARD)
    assert thread != threading.get_ident()


@pytest.fixture
def one_thread(monkeypatch):
    """Of two, a department holds one: what runs stands in the way of what follows."""
    monkeypatch.setattr(scanning, "THREADS_WAITING", 2)


@pytest.mark.parametrize(
    ("chars", "waits", "here"),
    [(0, False, True), (CHARS_ON_LOOP_MAX, False, True), (LONG, False, False), (0, True, False)],
)
async def test_short_texts_are_read_on_the_loop_unless_a_recogniser_may_wait(scanner, chars, waits, here):
    made = scanner(lambda _: (), waits=waits)
    thread = await made.run(lambda scan: scan("") or threading.get_ident(), chars, None, WARD)
    assert (thread == threading.get_ident()) is here


async def test_a_scan_that_waits_for_the_loop_gets_what_the_loop_does(scanner):
    """On the loop this would never end."""
    loop = asyncio.get_running_loop()

    async def found():
        return ("found",)

    def scan(_text):
        return asyncio.run_coroutine_threadsafe(found(), loop).result(10)

    assert await scanner(scan, waits=True).run(lambda given: given("text"), 1, 10, WARD) == ("found",)


async def test_what_work_raises_is_raised(scanner):
    with pytest.raises(ZeroDivisionError):
        await scanner(lambda _: ()).run(lambda _scan: 1 / 0, LONG, None, WARD)


async def test_who_is_late_is_told_so_and_its_thread_is_free_after_the_text_it_reads(scanner, one_thread):
    go, ended = threading.Event(), threading.Event()

    def work(scan):
        try:
            scan("first")
            scan("second")
        except GivenUpError:
            ended.set()

    made = scanner(lambda _text: go.wait(10) and (), waits=True)
    started_s = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        await made.run(work, 1, 0.05, WARD)
    assert time.monotonic() - started_s < 5
    go.set()
    assert await asyncio.to_thread(ended.wait, 10)
    assert await made.run(lambda scan: scan("next"), 1, 10, WARD) == ()


async def test_who_hangs_up_is_let_go_and_what_waits_in_line_never_begins(scanner, one_thread):
    go = threading.Event()
    begun, reading = [], threading.Event()

    def scan(text):
        begun.append(text)
        reading.set()
        return go.wait(10) and ()

    made = scanner(scan, waits=True)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(made.run(lambda scan: scan("first"), 1, None, WARD))
        second = group.create_task(made.run(lambda scan: scan("second"), 1, None, WARD))
        assert await asyncio.to_thread(reading.wait, 10)
        second.cancel()
        await asyncio.sleep(0)
        go.set()
    assert first.result() == ()
    assert second.cancelled()
    assert await made.run(lambda scan: scan("third"), 1, None, WARD) == ()
    assert begun == ["first", "third"]


async def test_a_flood_of_one_department_holds_up_no_other_departments_reading(scanner):
    """However long its own take: a thread is left to the others, and the flood's own wait in line for theirs."""
    go = threading.Event()
    made = scanner(lambda text: text != "flood" or (go.wait(10) and ()))
    async with asyncio.TaskGroup() as group:
        flood = [group.create_task(made.run(lambda scan: scan("flood"), LONG, None, WARD)) for _ in range(20)]
        await asyncio.sleep(0.05)
        assert await made.run(lambda scan: scan("other"), LONG, 5, LAB)
        assert not any(one.done() for one in flood)
        go.set()
    assert all(one.result() == () for one in flood)

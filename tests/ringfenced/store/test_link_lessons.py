"""Workers tell and ask about outcomes over the link as if they kept them."""

from __future__ import annotations

import os

import pytest

from ringfenced.errors import Internal, Unavailable
from ringfenced.learn.lesson import Answered, Lesson
from ringfenced.store.link import Link, serve_link
from ringfenced.store.link_lessons import LessonsEnd, LinkedLessons
from ringfenced.store.outcomes_tables import Feedback, Tally

LESSON = Lesson(
    b"r" * 16,
    b"o" * 16,
    7,
    "~short",
    b"f" * 30_000,
    (Answered("small", 1.0, False, 0.5, 3, 4.0, scores=(("e", 0.5),)),),
)


class Kept:
    """Keeps what it is told."""

    def __init__(self):
        self.lessons, self.said, self.rows = [], [], []
        self.failure = None

    def put(self, lesson):
        self.lessons.append(lesson)

    async def rate(self, said):
        if self.failure:
            raise self.failure
        self.said.append(said)
        return said.score == 1.0

    async def tally(self):
        return self.rows

    async def trouble(self):
        return "the disk is full"

    async def drifting(self):
        return ["small", "large"]

    async def forget(self, model):
        return len(model)


@pytest.fixture
async def linked(tmp_path):
    kept = Kept()
    path = tmp_path / "link"
    serving = serve_link(path, None, None, lambda: "", print, is_worker=lambda _: True, lessons=kept)
    async with serving, Link.open(path, os.getpid()) as link:
        yield kept, LinkedLessons(link)


async def test_what_is_told_comes_before_what_is_asked(linked):
    kept, lessons = linked
    lessons.put(LESSON)
    assert await lessons.trouble() == "the disk is full"
    assert kept.lessons == [LESSON]


async def test_feedback_goes_there_and_its_answer_back(linked):
    kept, lessons = linked
    said = Feedback(b"r" * 16, b"o" * 16, 1.0, "wrong_name")
    assert await lessons.rate(said)
    assert not await lessons.rate(said._replace(score=0.0))
    assert kept.said == [said, said._replace(score=0.0)]


async def test_an_error_is_the_same_over_there(linked):
    kept, lessons = linked
    kept.failure = Unavailable("Nothing is learned.", reason="learning_failed")
    with pytest.raises(Unavailable) as caught:
        await lessons.rate(Feedback(b"", b"", 0.0, ""))
    assert caught.value.reason == "learning_failed"


async def test_a_long_tally_comes_in_parts(linked):
    kept, lessons = linked
    kept.rows = [Tally(f"task-{number:0100}", "m" * 100, number, 2, 1, 0.5) for number in range(1050)]
    assert await lessons.tally() == kept.rows
    assert await lessons.forget("small") == 5
    assert await lessons.drifting() == ["small", "large"]


async def test_an_unknown_word_is_an_error():
    with pytest.raises(Internal):
        await LessonsEnd(Kept()).do("what", [])

"""Pictures in a prompt: bounded before they are decoded, read where they stand, never shared."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.random_gguf import BYTES_FROM
from fakes.random_projector import png, write_random_projector
from ringfenced import errors
from ringfenced.engines.llama.pictures import PIXELS_MAX, check_picture
from ringfenced.engines.llama.sights import BadPicture
from ringfenced.model import Finish, Image, Message, Prompt, Role, Sampling, Text

pytestmark = pytest.mark.llama

RED, BLUE = (200, 0, 0), (0, 0, 200)
PICTURE_TOKENS = 4


def jpeg(width, height, before=b"\xff\xe0\x00\x04ab"):
    """The beginning of one, as far as its size is read."""
    return b"\xff\xd8" + before + b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + b"\0" * 20


def asking(*parts, **sampling):
    parts = tuple(Text(part) if isinstance(part, str) else Image(part, "image/png") for part in parts)
    bias = tuple((token, -1e9) for token in range(BYTES_FROM))
    return Prompt((Message(Role.USER, parts),), sampling=Sampling(tokens_max=12, logit_bias=bias, **sampling))


def test_a_picture_that_holds_more_than_it_says_is_refused():
    """A decoder inflates all of it: 16 MiB of zeros in 16 KiB, behind a header of one pixel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    whole = png(1, 1, RED)
    packed = zlib.compress(bytes(16 << 20))
    end = whole.index(b"IDAT") - 4
    for parts in ([packed], [packed[:100], packed[100:]]):
        with pytest.raises(BadPicture, match="holds more"):
            check_picture(whole[:end] + b"".join(chunk(b"IDAT", part) for part in parts))
    check_picture(whole)
    check_picture(png(300, 200, BLUE))


async def say(client, prompt):
    with client.start(prompt, cache_salt=b"one", confidential=False) as run:
        said = []
        while not isinstance(event := await run.take(), Finish):
            said.append(event.text)
    return "".join(said), event.usage.prompt_tokens


@pytest.fixture
async def client(launch, random_gguf, tmp_path):
    projector = write_random_projector(tmp_path / "mmproj.gguf")
    return (await launch("worker", "--threads", "1", "--model", random_gguf, "--projector", projector)).client


async def test_a_picture_is_read_where_it_stands(client):
    """Another picture, or the same in another place, gives another answer; the same gives the same."""
    assert client.description.supports_images
    red, tokens = await say(client, asking("what is ", png(30, 20, RED), "?"))
    _, without = await say(client, asking("what is ", "?"))
    assert tokens == without + PICTURE_TOKENS + len("\n")
    assert (await say(client, asking("what is ", png(30, 20, RED), "?")))[0] == red
    assert (await say(client, asking("what is ", png(30, 20, BLUE), "?")))[0] != red
    assert (await say(client, asking(png(30, 20, RED), "what is ", "?")))[0] != red


async def test_usage_is_what_is_counted_with_pictures(client):
    asked = asking("a", png(8, 8, RED), png(9, 9, BLUE), "b")
    counted = await client.count(asked)
    assert (await say(client, asked))[1] == counted


async def test_answers_with_pictures_and_without_run_together(client):
    asked = [asking("x", png(8, 8, RED)), asking("x"), asking(png(8, 8, BLUE), "y"), asking("z" * 100)]
    alone = [await say(client, one) for one in asked]
    assert await asyncio.gather(*(say(client, one) for one in asked)) == alone


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a" + b"\0" * 50, png(8, 8, RED)[:40], png(100, 100, RED)[:24] + b"x" * 50, jpeg(8, 8)]
)
async def test_a_picture_that_cannot_be_read_is_refused(client, data):
    with pytest.raises(errors.InvalidRequest) as caught:
        await say(client, asking("x", data, "y"))
    assert caught.value.reason == "bad_picture"
    assert await say(client, asking("x"))


async def test_the_place_of_a_picture_cannot_be_written(client):
    plain = "<picture 00000000000000000000000000000000>"
    _, tokens = await say(client, asking(plain, png(8, 8, RED)))
    assert tokens == (await say(client, asking("", png(8, 8, RED))))[1] + len(plain)


async def test_an_engine_without_a_projector_reads_no_picture(launch, random_gguf):
    client = (await launch("worker", "--threads", "1", "--model", random_gguf)).client
    assert not client.description.supports_images
    with pytest.raises(errors.Unsupported):
        await say(client, asking(png(8, 8, RED)))


@pytest.mark.parametrize("picture", [png(2, 3, RED), jpeg(2, 3), jpeg(2, 3, b"\xff\xff\xe1\x00\x02" * 3)])
def test_png_and_jpeg_pass(picture):
    check_picture(picture)


@pytest.mark.parametrize(
    "picture",
    [
        b"BM" + b"\0" * 60,
        jpeg(0, 5),
        jpeg(65_535, 65_535),
        jpeg(1, 1)[:9],
        png(2, 2, RED)[:16] + struct.pack(">II", 2**31, 2**31) + b"\0" * 9,
        png(2, 2, RED)[:16] + struct.pack(">II", PIXELS_MAX + 1, 1) + b"\0" * 9,
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
    ],
)
def test_what_is_none_or_would_take_too_much_memory_is_refused(picture):
    with pytest.raises(BadPicture):
        check_picture(picture)


@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b""]), st.binary(max_size=80))
def test_no_bytes_do_more_than_pass_or_be_refused(start, rest):
    with contextlib.suppress(BadPicture):
        check_picture(start + rest)

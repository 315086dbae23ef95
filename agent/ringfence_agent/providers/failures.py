"""What a provider's failures mean, the same for every family. Pure; nothing that a provider said is repeated."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeVar

from ringfence_agent.providers import ProviderError

HINT_MS_MAX: Final = 3_600_000
"""A provider that wants to be left alone for longer is asked again after an hour."""
_STATUS: Final = {
    401: ("credentials", "the provider does not accept the agent's API key; renew it"),
    403: ("credentials", "the provider does not allow the agent's API key to do this"),
    404: ("rejected", "the provider knows no such model or path; see base_url and models"),
    408: ("deadline", "the provider took too long by its own measure"),
    429: ("rate_limited", "the provider limits how often it may be asked"),
    503: ("overloaded", "the provider has too much to do"),
    529: ("overloaded", "the provider has too much to do"),
}
"""RFC 9110, section 15; 429 is RFC 6585's; 529 is Anthropic's (API reference, "Errors")."""

_FAILED: Final = re.compile(r"[345][0-9]{2}")
_PASSING: Final = frozenset({"rate_limited", "overloaded"})
"""What may pass by itself, so that a hint when to try again means something."""

Error = TypeVar("Error", bound=Exception)
Item = TypeVar("Item")


def of_status(status: int, retry_after_ms: int | None = None) -> ProviderError:
    """What a status says.

    Args:
        status: of an answer that is no success.
        retry_after_ms: when to try again, where the provider said so.
    """
    if status in _STATUS:
        reason, message = _STATUS[status]
        return ProviderError(reason, message, retry_after_ms if reason in _PASSING else None)
    match status // 100:
        case 3:
            return ProviderError("bad_answer", "the provider redirects elsewhere, which is never followed")
        case 5:
            return ProviderError("overloaded", f"the provider failed with status {status}", retry_after_ms)
        case _:
            return ProviderError("rejected", f"the provider rejects the request with status {status}")


def of_code(code: object, retry_after_ms: int | None = None) -> ProviderError:
    """What an error within an answer says, whose code may be a status (RFC 9110, section 15), or anything."""
    said = str(code)
    return of_status(int(said) if _FAILED.fullmatch(said) else 500, retry_after_ms)


def retry_after_ms(headers: Mapping[str, str]) -> int | None:
    """When to try again.

    ``retry-after-ms`` is OpenAI's and Azure's; ``Retry-After`` is in seconds (RFC 9110, section 10.2.3), dates are not
    read.
    """
    for name, factor in (("retry-after-ms", 1), ("retry-after", 1000)):
        if (ms := _whole(headers.get(name, ""))) is not None:
            return min(ms * factor, HINT_MS_MAX)
    return None


def _whole(text: str) -> int | None:
    """A number of at most ten digits; what a provider may write without an end is not read."""
    return int(text) if text.isdecimal() and text.isascii() and len(text) <= 10 else None  # noqa: PLR2004 - said above


@contextmanager
def answering(
    sdk_error: type[Error], translate: Callable[[Error], ProviderError], seconds_max: float
) -> Iterator[None]:
    """Raises ProviderError for what an SDK raises while it asks and reads, without its text.

    Args:
        sdk_error: the root of the SDK's own errors.
        translate: what one of them means.
        seconds_max: how long the provider had, for the message.
    """
    try:
        yield
    except TimeoutError:
        raise ProviderError("deadline", f"the provider took longer than {seconds_max:.1f} s") from None
    except sdk_error as error:
        raise translate(error) from None
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
        raise ProviderError("bad_answer", "the provider's answer is not what its API promises") from None


async def next_piece(pieces: AsyncIterator[Item], end_s: float, has_ended: Callable[[], bool]) -> Item | None:
    """The next piece of an answer; None after the last.

    A connection that breaks once the answer has ended breaks nothing.

    Args:
        pieces: what the SDK reads, one by one.
        end_s: until when, by the event loop's clock.
        has_ended: whether the provider has said why the answer ends.
    """
    try:
        async with asyncio.timeout_at(end_s):
            return await anext(pieces, None)
    except ProviderError as error:
        if has_ended() and error.reason == "bad_answer":
            return None
        raise

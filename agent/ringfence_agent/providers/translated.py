"""From what httpcore raises to our errors: the one table, and nothing of the provider's words in it."""

from __future__ import annotations

import httpcore2

from ringfence_agent.providers import ProviderError


class AllBusy(ProviderError):
    """Every connection that the configuration allows is in use: our own limit, and nothing about the provider."""


class translated:  # noqa: N801 - reads like a function
    """Raises ProviderError for what httpcore raises, without its text."""

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Translate."""
        match error:
            case httpcore2.ConnectError() | httpcore2.ConnectTimeout():
                why = "the provider cannot be reached, or its TLS is not 1.3 with a certificate of the authority"
                raise ProviderError("unreachable", why) from None
            case httpcore2.PoolTimeout():
                raise AllBusy("overloaded", "all connections to the provider are busy; see connections_max") from None
            case httpcore2.TimeoutException():
                raise ProviderError("deadline", "the provider took too long") from None
            case httpcore2.NetworkError() | httpcore2.ProtocolError():
                raise ProviderError("bad_answer", "the provider broke the connection off") from None
            case _:
                return

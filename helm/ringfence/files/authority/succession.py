"""One authority after another, so that at no moment anybody meets a certificate whose authority they do not know.

```
            made                    signs                   the last certificate of the old one has ended
 new    ──────┼── trusted by all ─────┼── signs ──────────────┼────────────▶
 old    signs ┼───────────────────────┼── still trusted ──────┼ forgotten
              └─────── overlap ───────┘└─ a certificate's life ┘
```

Every step follows from the certificates' own dates and from what the Secrets hold, so that it does not matter how often
or how late the job runs.
"""  # noqa: INP001 - mounted into a job

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from certificates import Issuer, issuer, new_authority, pem, private
from cryptography import x509
from wanted import AuthorityError, Data, Wanted

MARGIN: Final = timedelta(days=2)
"""How much earlier than needed a new authority is made: the job runs once a day, and may fail to."""


@dataclass(frozen=True)
class Gone:
    """An authority that signs no more."""

    certificate: x509.Certificate
    """Its certificate; its key is no longer kept."""
    until: datetime
    """When the last certificate that it signed has ended: trusted until then."""


@dataclass(frozen=True)
class Authorities:
    """What the authority's Secret holds."""

    signing: Issuer
    """The one that signs."""
    coming: Issuer | None = None
    """The one that will; trusted already."""
    gone: Gone | None = None
    """The one that did; still trusted."""

    def trusted(self) -> bytes:
        """What everybody is to trust (ca.crt): the one that signs first."""
        kept = [self.signing.certificate]
        if self.coming is not None:
            kept.append(self.coming.certificate)
        if self.gone is not None:
            kept.append(self.gone.certificate)
        return b"".join(pem(one) for one in kept)

    def data(self) -> Data:
        """As the Secret keeps it."""
        data = _pair("tls", self.signing)
        if self.coming is not None:
            data |= _pair("next", self.coming)
        if self.gone is not None:
            data |= {"previous.crt": pem(self.gone.certificate), "previous.until": self.gone.until.isoformat().encode()}
        return data


def read(name: str, data: Data) -> Authorities:
    """What a Secret holds.

    Raises:
        AuthorityError: it holds no authority.
    """
    try:
        signing = issuer(data["tls.crt"], data["tls.key"])
        coming = issuer(data["next.crt"], data["next.key"]) if "next.crt" in data else None
        gone = None
        if "previous.crt" in data:
            until = datetime.fromisoformat(data["previous.until"].decode())
            gone = Gone(x509.load_pem_x509_certificate(data["previous.crt"]), until)
    except (KeyError, ValueError, TypeError):
        raise AuthorityError(
            f"{name} holds no authority of this chart's (tls.crt, tls.key); restore it, or delete it"
        ) from None
    return Authorities(signing, coming, gone)


def begun(wanted: Wanted, now: datetime) -> Authorities:
    """The first of a release."""
    return Authorities(new_authority(now, timedelta(hours=wanted.authority_hours)))


def succeeded(held: Authorities, wanted: Wanted, bundles: Iterable[bytes], now: datetime) -> Authorities:
    """What the Secret is to hold now; the same object where nothing changes.

    Reads the system's randomness where it makes a key.

    0. **refuse** where one was made later than now: a clock was ahead then, or is behind now.
    1. **forget** the one that is gone, once no certificate of its own holds any more.
    2. **make** a new one, once the one that signs is older than is wanted, or ends before the two could overlap.
    3. **hand over**: the new one signs, once everybody has had time to learn of it.

    Args:
        held: what it holds.
        wanted: all that is wanted.
        bundles: what each of the other Secrets holds as trusted (ca.crt).
        now: with a time zone.

    Raises:
        AuthorityError: one was made later than now.
    """
    _demand_begun(held, wanted, now)
    if held.gone is not None and held.gone.until <= now:
        held = replace(held, gone=None)
    if held.coming is None and held.gone is None and _is_due(held.signing, wanted, now):
        held = replace(held, coming=begun(wanted, now).signing)
    if held.coming is not None and _is_known(held, held.coming, wanted, bundles, now):
        until = min(held.signing.end, now + timedelta(hours=wanted.hours))
        gone = Gone(held.signing.certificate, until) if until > now else None
        held = Authorities(held.coming, gone=gone)
    return held


def next_made(authority: Issuer, wanted: Wanted) -> datetime:
    """When the next one is made: early enough that what this one signs until it hands over ends before it does."""
    return authority.end - timedelta(hours=wanted.hours + wanted.overlap_hours) - MARGIN


def _demand_begun(held: Authorities, wanted: Wanted, now: datetime) -> None:
    """Which of the two clocks is wrong cannot be known here, and either guess could throw a good authority away."""
    for one, files in ((held.signing, "tls"), (held.coming, "next")):
        if one is not None and not one.is_begun(now):
            remedy = "delete it" if one is held.signing else "take next.crt and next.key out of it"
            raise AuthorityError(
                f"{files}.crt in Secret {wanted.authority} begins on {one.made:%Y-%m-%d %H:%M}, after now, "
                f"{now:%Y-%m-%d %H:%M} (UTC): a clock was ahead when it was made, or is behind now. Set the clock "
                f"right; where it is, {remedy} and the job makes another"
            )


def _is_due(signing: Issuer, wanted: Wanted, now: datetime) -> bool:
    since = wanted.authority_since
    is_too_old = since is not None and signing.made < since <= now
    return is_too_old or next_made(signing, wanted) <= now


def _is_known(held: Authorities, coming: Issuer, wanted: Wanted, bundles: Iterable[bytes], now: datetime) -> bool:
    """Whether the new one may sign: everybody has been told and had time, or the old one can wait no longer."""
    if held.signing.end <= now:
        return True  # nothing of the old one's is believed any more
    if not all(pem(coming.certificate) in bundle for bundle in bundles):
        return False
    has_had_time = now >= coming.made + timedelta(hours=wanted.overlap_hours)
    return has_had_time or held.signing.end <= now + timedelta(hours=wanted.renew_hours)


def _pair(name: str, one: Issuer) -> dict[str, bytes]:
    return {f"{name}.crt": pem(one.certificate), f"{name}.key": private(one.key)}

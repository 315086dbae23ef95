"""What has to be written, from what is wanted and what is there."""  # noqa: INP001 - mounted into a job

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from certificates import is_good, new_leaf, signing_pair
from succession import Authorities, begun, read, succeeded
from wanted import AuthorityError, Data, Held, Leaf, Wanted


def plan(wanted: Wanted, found: Mapping[str, Held], now: datetime) -> Iterator[tuple[str, Data]]:
    """What has to be written, in this order. Reads the system's randomness, for keys and serial numbers.

    Args:
        wanted: all that is wanted.
        found: the Secrets that are there, by name.
        now: with a time zone.

    Raises:
        AuthorityError: what is there cannot be used.
    """
    held = _held(wanted, found)
    authorities = begun(wanted, now) if held is None else succeeded(held, wanted, _bundles(wanted, found), now)
    if authorities is not held:
        _demand_ours(wanted, found)
        yield wanted.authority, authorities.data()
    for leaf in wanted.leaves:
        there = found.get(leaf.secret)
        if there is not None and not there.is_ours:
            raise AuthorityError(f"Secret {leaf.secret} was not made by this chart; give another name, or delete it")
        data = _leaf(leaf, {} if there is None else there.data, authorities, wanted, now)
        if there is None or data != there.data:
            yield leaf.secret, data
    yield from _key_pairs(wanted, found)


def _held(wanted: Wanted, found: Mapping[str, Held]) -> Authorities | None:
    there = found.get(wanted.authority)
    return None if there is None else read(wanted.authority, there.data)


def _bundles(wanted: Wanted, found: Mapping[str, Held]) -> list[bytes]:
    """What those trust who have a certificate."""
    return [found[leaf.secret].data.get("ca.crt", b"") for leaf in wanted.leaves if leaf.secret in found]


def _demand_ours(wanted: Wanted, found: Mapping[str, Held]) -> None:
    there = found.get(wanted.authority)
    if there is not None and not there.is_ours:
        raise AuthorityError(
            f"the authority in Secret {wanted.authority} must be followed by another and was not made by this chart: "
            "put a new one in its place, or delete it and the job makes one"
        )


def _leaf(leaf: Leaf, held: Data, authorities: Authorities, wanted: Wanted, now: datetime) -> Data:
    """What a certificate's Secret is to hold; who is trusted can change while the certificate stays."""
    trusted = {"ca.crt": authorities.trusted()}
    if is_good(leaf, held, authorities.signing, now, now + timedelta(hours=wanted.renew_hours)):
        return {**held, **trusted}
    return {**new_leaf(leaf, authorities.signing, now, timedelta(hours=wanted.hours)), **trusted}


def _key_pairs(wanted: Wanted, found: Mapping[str, Held]) -> Iterator[tuple[str, Data]]:
    """The pairs that sign permits and the log. They are made once and never renewed: others know the public halves."""
    names = [name for name in (wanted.daemon_keys, wanted.agent_keys) if name]
    missing = [name for name in names if name not in found]
    if not missing:
        return
    if len(missing) < len(names):
        raise AuthorityError(f"{missing[0]} is missing and its counterpart is there; restore it, or delete both")
    permit_key, permit_public = signing_pair()
    log_key, log_public = signing_pair()
    yield wanted.daemon_keys, {"permit.key": permit_key, "log.pub": log_public}
    yield wanted.agent_keys, {"log.key": log_key, "permit.pub": permit_public}

"""What has to be written, from what is wanted and what is there."""  # noqa: INP001 - mounted into a job

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from certificates import is_good, new_leaf, public_half, signing_key
from succession import Authorities, begun, read, succeeded
from wanted import AuthorityError, Data, Held, Leaf, Wanted


def plan(wanted: Wanted, found: Mapping[str, Held], now: datetime) -> Iterator[tuple[str, Data]]:
    """What has to be written, in this order. Reads the system's randomness, for keys and serial numbers.

    What cannot be done keeps nothing else from being done: it is raised when all else was yielded. But where the
    authority cannot be read, nothing is.

    Args:
        wanted: all that is wanted.
        found: the Secrets that are there, by name.
        now: with a time zone.

    Raises:
        AuthorityError: some of what is there cannot be used; a line for each.
    """
    wrong: list[AuthorityError] = []
    held = _held(wanted, found)
    authorities = begun(wanted, now) if held is None else held
    if held is not None:
        try:
            authorities = _followed(held, wanted, found, now)
        except AuthorityError as error:
            wrong.append(error)
    if authorities is not held:
        yield wanted.authority, authorities.data()
    # What has ended, or begins only later, signs nothing that anybody would believe.
    leaves = wanted.leaves if authorities.signing.is_begun(now) and now < authorities.signing.end else ()
    for part in (*(_renewed(leaf, authorities, wanted, found, now) for leaf in leaves), _key_pairs(wanted, found)):
        try:
            yield from part
        except AuthorityError as error:
            wrong.append(error)
    if wrong:
        raise AuthorityError("\n".join(map(str, wrong)))


def _held(wanted: Wanted, found: Mapping[str, Held]) -> Authorities | None:
    there = found.get(wanted.authority)
    return None if there is None else read(wanted.authority, there.data)


def _bundles(wanted: Wanted, found: Mapping[str, Held]) -> list[bytes]:
    """What those trust who have a certificate."""
    return [found[leaf.secret].data.get("ca.crt", b"") for leaf in wanted.leaves if leaf.secret in found]


def _followed(held: Authorities, wanted: Wanted, found: Mapping[str, Held], now: datetime) -> Authorities:
    """What the authority's Secret is to hold now; only one that was made here may change."""
    authorities = succeeded(held, wanted, _bundles(wanted, found), now)
    if authorities is not held and not found[wanted.authority].is_ours:
        raise AuthorityError(
            f"the authority in Secret {wanted.authority} ends on {held.signing.end:%Y-%m-%d}, must be followed by "
            "another and was not made by this chart: put a new one in its place, or delete it and the job makes one"
        )
    return authorities


def _renewed(
    leaf: Leaf, authorities: Authorities, wanted: Wanted, found: Mapping[str, Held], now: datetime
) -> Iterator[tuple[str, Data]]:
    """A certificate's Secret, where it has to be written."""
    there = found.get(leaf.secret)
    if there is not None and not there.is_ours:
        raise AuthorityError(f"Secret {leaf.secret} was not made by this chart; give another name, or delete it")
    data = _leaf(leaf, {} if there is None else there.data, authorities, wanted, now)
    if there is None or data != there.data:
        yield leaf.secret, data


def _leaf(leaf: Leaf, held: Data, authorities: Authorities, wanted: Wanted, now: datetime) -> Data:
    """What a certificate's Secret is to hold; who is trusted can change while the certificate stays."""
    trusted = {"ca.crt": authorities.trusted()}
    if is_good(leaf, held, authorities.signing, now, now + timedelta(hours=wanted.renew_hours)):
        return {**held, **trusted}
    return {**new_leaf(leaf, authorities.signing, now, timedelta(hours=wanted.hours)), **trusted}


def _key_pairs(wanted: Wanted, found: Mapping[str, Held]) -> Iterator[tuple[str, Data]]:
    """The pairs that sign permits and the log. They are made once and never renewed: others know the public halves.

    In three writes, and a job may break off between any two: the daemon's Secret gets log.pub last. Until then no
    daemon starts, because its pod mounts that file by name: permit.key has signed nothing, and the next job goes on.
    """
    names = [name for name in (wanted.daemon_keys, wanted.agent_keys) if name]
    missing = [name for name in names if name not in found]
    daemon, agent = found.get(wanted.daemon_keys), found.get(wanted.agent_keys)
    is_begun = daemon is not None and daemon.is_ours and set(daemon.data) == {"permit.key"}
    if not missing and not is_begun:
        return
    if len(missing) == 1 and not is_begun:
        there = names[1] if missing[0] == names[0] else names[0]
        raise AuthorityError(
            f"Secret {missing[0]} is missing and its counterpart {there} is there: restore {missing[0]}. Where nothing "
            f"was ever signed with either (no agent has started), delete {there} and the job makes both"
        )
    permit = daemon.data["permit.key"] if daemon is not None else signing_key()
    log = agent.data.get("log.key", b"") if agent is not None else signing_key()
    try:
        permit_public, log_public = public_half(permit), public_half(log)
    except (ValueError, TypeError):
        raise AuthorityError(
            f"{wanted.daemon_keys} (permit.key) or {wanted.agent_keys} (log.key) holds no key; delete both, and the "
            "job makes them"
        ) from None
    if daemon is None:
        yield wanted.daemon_keys, {"permit.key": permit}
    if agent is None:
        yield wanted.agent_keys, {"log.key": log, "permit.pub": permit_public}
    yield wanted.daemon_keys, {"permit.key": permit, "log.pub": log_public}

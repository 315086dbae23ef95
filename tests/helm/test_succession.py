"""One authority of the chart's own after another, through time."""

import contextlib
import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from hypothesis import given, settings
from hypothesis import strategies as st

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
SHORT = {"authority_hours": 200 * 24}
"""An authority of 200 days, of which certificates take 30 and an overlap as many."""


class Site:
    """Secrets through time: the job runs, and whoever has a certificate reads its Secret when it likes."""

    def __init__(self, authority, wanted):
        self.authority, self.wanted, self.secrets, self.written = authority, wanted, {}, []

    def run(self, now, **changes):
        """The job, at this moment; the Secrets after it."""
        found = {name: self.authority.Held(data, is_ours=True) for name, data in self.secrets.items()}
        self.written = []
        for name, data in self.authority.plan(replace(self.wanted, **changes), found, now):
            self.secrets = self.secrets | {name: data}
            self.written.append(name)
        return self.secrets

    def held(self):
        return self.authority.read("ca", self.secrets["ca"])


def has_ended(held, now):
    return x509.load_pem_x509_certificate(held["tls.crt"]).not_valid_after_utc <= now


@pytest.fixture
def site(authority, wanted_once):
    return Site(authority, replace(wanted_once, **SHORT))


def days(number):
    return NOW + timedelta(days=number)


def believes(reader, other, now):
    """Whether who holds one Secret believes the certificate of another."""
    certificate = x509.load_pem_x509_certificate(other["tls.crt"])
    for trusted in x509.load_pem_x509_certificates(reader["ca.crt"]):
        with contextlib.suppress(ValueError, InvalidSignature):
            certificate.verify_directly_issued_by(trusted)
            return trusted.not_valid_after_utc > now
    return False


@settings(max_examples=5, deadline=None)
@given(gaps=st.lists(st.integers(1, 9), min_size=5, max_size=5), since=st.one_of(st.none(), st.integers(0, 300)))
def test_nobody_ever_meets_a_certificate_whose_authority_they_do_not_know(authority, wanted_once, gaps, since):
    """Through two successions, with jobs that come late, whoever read their Secret at most an overlap ago."""
    asked = None if since is None else days(since)
    site = Site(authority, replace(wanted_once, **SHORT, authority_since=asked))
    day, seen, signed = 0, [], set()
    for gap in itertools.cycle(gaps):
        secrets = site.run(days(day))
        signed.add(site.held().signing.certificate)
        # Each state with the last day on which somebody can have read it.
        seen = [(held, last) for held, last in seen if day - last < 30]
        seen += [(secrets, day)] if site.written or not seen else []
        day += gap
        seen[-1] = (secrets, day)
        for held, _ in seen:
            for one, other in (("d", "w"), ("w", "d")):
                assert believes(held[one], secrets[other], days(day))
                assert believes(secrets[other], held[one], days(day)) or has_ended(held[one], days(day))
        assert not any(has_ended(secrets[leaf], days(day)) for leaf in ("d", "w"))
        if day > 400:
            break
    assert len(signed) >= 3


def test_a_new_authority_is_known_before_it_signs_and_the_old_one_is_forgotten_after_it(authority, site):
    site.run(days(0))
    first = site.held().signing.certificate
    assert site.run(days(137))
    assert site.held().coming is None
    site.run(days(138))
    coming = site.held().coming.certificate
    assert site.written == ["ca", "d", "w"]
    assert first.subject != coming.subject
    site.run(days(167))
    assert site.held().signing.certificate == first
    site.run(days(168))
    assert (site.held().signing.certificate, site.held().coming) == (coming, None)
    assert (site.held().gone.certificate, site.held().gone.until) == (first, days(198))
    assert site.secrets["d"]["ca.crt"] == authority.pem(coming) + authority.pem(first)
    assert "next.key" not in site.secrets["ca"], "the old one's key is kept nowhere"
    site.run(days(197))
    assert site.held().gone is not None
    site.run(days(198))
    assert site.secrets["d"]["ca.crt"] == authority.pem(coming)


def test_a_certificate_stays_when_only_who_is_trusted_changes(site):
    before = site.run(days(130))
    site.run(days(145))
    announced = site.run(days(270))
    assert site.held().coming is not None
    again = site.run(days(271))
    assert again["d"] == announced["d"]
    assert before["d"]["tls.crt"] != again["d"]["tls.crt"]


def test_a_day_asks_for_a_new_authority(site):
    """From that day on, with the same overlap; the new one is young enough."""
    site.run(days(0))
    first = site.held().signing.certificate
    asked = {"authority_since": days(10)}
    site.run(days(9), **asked)
    assert site.held().coming is None
    site.run(days(10), **asked)
    assert site.held().coming is not None
    site.run(days(40), **asked)
    assert site.held().signing.certificate != first
    site.run(days(70), **asked)
    after = site.held()
    assert (after.coming, after.gone) == (None, None)
    site.run(days(71), **asked)
    assert site.written == []


def test_of_three_authorities_one_is_forgotten_before_the_third_is_made(site):
    """A site that asks twice in a month: what the first one signed holds on, and is believed, until it has ended."""
    site.run(days(0), overlap_hours=120)
    for day in (10, 15):
        site.run(days(day), overlap_hours=120, authority_since=days(10))
    assert site.held().gone.until == days(45)
    for day in (20, 30, 44):
        site.run(days(day), overlap_hours=120, authority_since=days(20))
        assert (site.held().coming, site.held().gone.until) == (None, days(45))
    site.run(days(45), overlap_hours=120, authority_since=days(20))
    assert (site.held().coming.made, site.held().gone) == (days(45), None)


def test_it_does_not_sign_before_everybody_was_told(site):
    """A job that could not write all of them last time tells first."""
    site.run(days(0))
    site.run(days(138))
    site.secrets["w"] = site.secrets["w"] | {"ca.crt": site.secrets["ca"]["tls.crt"]}
    site.run(days(170))
    assert site.held().coming is not None
    site.run(days(171))
    assert site.held().coming is None


def test_an_authority_that_is_taken_away_is_made_anew_with_all_of_its_certificates(site):
    """What a site does whose authority's key somebody else may have; the keys of permits and log stay."""
    before = dict(site.run(days(0)))
    del site.secrets["ca"]
    after = site.run(days(1))
    assert site.written == ["ca", "d", "w"]
    assert after["d"]["ca.crt"] == after["ca"]["tls.crt"] != before["ca"]["tls.crt"]
    assert believes(after["d"], after["w"], days(1))
    assert not believes(before["d"], after["w"], days(1))


def test_an_authority_that_has_ended_is_followed_at_once(site):
    """A cluster that was off for a year: nothing of the old one's is believed, so nothing waits."""
    site.run(days(0))
    site.run(days(365))
    held = site.held()
    assert (held.signing.made, held.coming, held.gone) == (days(365), None, None)
    assert believes(site.secrets["d"], site.secrets["w"], days(366))


def test_what_a_clock_ahead_signed_is_made_anew_once_it_is_right(site):
    """Where the API's clock was ahead as well. Nobody believes what begins only in 25 days."""
    site.run(days(0))
    site.run(days(25))
    site.run(days(1))
    assert site.written == ["d", "w"]
    for leaf in ("d", "w"):
        assert x509.load_pem_x509_certificate(site.secrets[leaf]["tls.crt"]).not_valid_before_utc < days(1)


def test_an_authority_that_a_clock_ahead_made_is_told_and_never_replaced(authority, site):
    """Which of two clocks is wrong is not known here; what a site has to do is."""
    site.run(days(0))
    site.run(days(4000))
    with pytest.raises(authority.AuthorityError, match=r"tls.crt in Secret ca begins on 2037-11-13.*delete it and the"):
        site.run(days(1))
    assert site.written == []
    del site.secrets["ca"]
    site.run(days(1))
    assert believes(site.secrets["d"], site.secrets["w"], days(1))


def test_a_successor_that_a_clock_ahead_made_never_signs(authority, site):
    """The one that signs is still good, and a site takes the other away by hand."""
    site.run(days(0))
    site.run(days(140))
    with pytest.raises(authority.AuthorityError, match=r"next.crt in Secret ca .*take next.crt and next.key out of it"):
        site.run(days(20))
    assert site.written == ["d", "w"], "certificates are still renewed"
    site.secrets["ca"] = {name: site.secrets["ca"][name] for name in ("tls.crt", "tls.key")}
    site.run(days(20))
    assert site.held().coming is None
    assert believes(site.secrets["d"], site.secrets["w"], days(20))


@pytest.mark.parametrize("apart_s", [600, -600, 601])
def test_two_clocks_that_are_right_enough_make_no_quarrel(authority, site, apart_s):
    """One job's clock five minutes ahead, the next one's five behind."""
    site.run(days(0))
    now = days(0) - timedelta(seconds=apart_s)
    if apart_s > 600:
        with pytest.raises(authority.AuthorityError, match="a clock was ahead"):
            site.run(now)
    else:
        site.run(now)
        assert "ca" not in site.written

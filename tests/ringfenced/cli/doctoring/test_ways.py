"""Whether the agent gets to its providers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.cli.doctoring.finding import State
from ringfenced.cli.doctoring.ways import WayFacts, judge

PROVIDER = "192.0.2.10"
OPEN = ("127.0.0.0/8", "::1/128", "192.0.2.0/24")


def way(**changes):
    return WayFacts(**({"provider": "example", "host": "api", "port": 443, "addresses": (PROVIDER,)} | changes))


@pytest.mark.parametrize(
    ("facts", "allowed", "state", "told"),
    [
        (way(), OPEN, State.OK, "api:443"),
        (way(), ("127.0.0.0/8",), State.WARNING, PROVIDER),
        (way(addresses=(PROVIDER, "2001:db8::7")), OPEN, State.WARNING, "2001:db8::7"),
        (way(addresses=(), problem="Name or service not known"), OPEN, State.WARNING, "not known"),
        (way(resolvers=("203.0.113.53",)), OPEN, State.WARNING, "203.0.113.53"),
        (way(resolvers=("127.0.0.53",)), OPEN, State.OK, "api:443"),
        (way(reached=""), OPEN, State.OK, "stands"),
        (way(reached=f"{PROVIDER}: timed out"), OPEN, State.WARNING, "timed out"),
        (way(), None, State.WARNING, "no unit says"),
        (way(reached=""), None, State.OK, "stands"),
    ],
)
def test_what_is_shut_is_told_by_its_address(facts, allowed, state, told):
    """And what to do: the drop-in."""
    (found,) = judge([facts], allowed)
    assert found.state is state
    assert told in found.told
    assert bool(found.advice) == (state is State.WARNING)


@given(st.ip_addresses().map(str), st.lists(st.ip_addresses().map(str) | st.text(max_size=9), max_size=4))
def test_a_way_is_open_where_every_address_is_named(address, allowed):
    """Whatever else stands in the list."""
    assert judge([way(addresses=(address,))], [*allowed, address])[0].state is State.OK
    others = [one for one in allowed if one != address]
    if all("/" not in one for one in others):
        assert judge([way(addresses=(address,))], others)[0].state is State.WARNING

"""The account of the cache, beside one that names every cell."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from ringfenced.engines.llama.cells import Cells

steps = st.lists(st.tuples(st.sampled_from(("begin", "grow", "end", "settle")), st.integers(0, 99), st.integers(0, 20)))


@given(steps)
def test_cells_are_counted_once_however_they_are_shared(steps):
    account = Cells(1000)
    names = count()
    owners = count()
    cells, promised = {}, {}
    for event, pick, amount in steps:
        owner = list(cells)[pick % len(cells)] if cells else -1
        if event == "begin":
            new = next(owners)
            shared = min(amount, len(cells.get(owner, ())))
            account.begin(new, length_max=shared + amount, donor=owner, shared=shared)
            cells[new] = cells.get(owner, [])[:shared]
            promised[new] = amount
        elif owner >= 0 and event == "grow":
            more = min(amount, promised[owner])
            account.grow(owner, more)
            cells[owner] = cells[owner] + [next(names) for _ in range(more)]
            promised[owner] -= more
        elif owner >= 0 and event == "settle":
            account.settle(owner)
            promised[owner] = 0
        elif owner >= 0:
            account.end(owner)
            del cells[owner], promised[owner]
        used = {cell for one in cells.values() for cell in one}
        assert account.used == len(used)
        assert account.free == 1000 - len(used) - sum(promised.values())
        assert all(account.length(one) == len(cells[one]) for one in cells)
        some = list(cells)[::2]
        assert account.held_by(some) == len({cell for one in some for cell in cells[one]})
    for owner in list(cells):
        account.end(owner)
    assert (account.used, account.free) == (0, 1000)

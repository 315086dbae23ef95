"""The lattice of labels."""

from hypothesis import given
from hypothesis import strategies as st

from ringfence.labels import RESTRICTED, Category, Label, Level, covers, join, may_leave

labels = st.builds(Label, st.sampled_from(Level), st.frozensets(st.sampled_from(Category)))


@given(labels, labels, labels)
def test_join_is_a_semilattice(a, b, c):
    """Join is associative, commutative and idempotent, and PUBLIC without categories is its bottom."""
    assert join((a, join((b, c)))) == join((join((a, b)), c)) == join((a, b, c))
    assert join((a, b)) == join((b, a))
    assert join((a, a)) == a
    assert join((a, Label())) == a
    assert join(()) == Label()


@given(labels, labels)
def test_join_is_the_least_upper_bound(a, b):
    """A join covers both labels, and whatever covers both covers the join."""
    upper = join((a, b))
    assert covers(upper, a)
    assert covers(upper, b)
    assert covers(a, b) == (join((a, b)) == a)


@given(labels, labels)
def test_a_join_never_makes_leaving_easier(a, b):
    """What may not leave alone may not leave together with something else, under any clearance."""
    for clearance in (a, b, Label(Level.RESTRICTED, frozenset(Category))):
        if not may_leave(a, clearance):
            assert not may_leave(join((a, b)), clearance)


@given(labels)
def test_restricted_never_leaves(clearance):
    """No clearance lets RESTRICTED content out."""
    assert not may_leave(RESTRICTED, clearance)
    assert not may_leave(join((RESTRICTED, clearance)), clearance)


def test_a_label_prints_as_people_write_it():
    assert str(Label(Level.CONFIDENTIAL, frozenset({Category.PII, Category.PHI}))) == "CONFIDENTIAL {PHI, PII}"
    assert str(Label()) == "PUBLIC"

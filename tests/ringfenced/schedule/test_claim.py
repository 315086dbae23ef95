"""What a request claims."""

from ringfence.labels import PUBLIC
from ringfenced.model import Caller, Priority
from ringfenced.schedule import claim


def caller(department, tenant="site", weight=1):
    """Someone of a department."""
    return Caller("spiffe://site.example/a", tenant, department, frozenset(), PUBLIC, weight=weight)


def test_a_department_has_one_share_whoever_asks_for_it():
    """Only tenant and department make a share's name; the weight is the department's."""
    one = claim(caller("ward", weight=3), Priority.BATCH)
    assert one == claim(caller("ward", weight=3), Priority.BATCH)
    assert one.weight == 3
    assert one.priority is Priority.BATCH
    assert (
        len({one.share, claim(caller("lab"), Priority.BATCH).share, claim(caller("ward", "b"), Priority.BATCH).share})
        == 3
    )

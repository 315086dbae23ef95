"""What happens to a file follows from what ships, what is there, and what was installed last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfenced.cli.installing.plan import Step, digest, steps
from ringfenced.cli.installing.shipped import Shipped

UNIT, FILE = "usr/lib/systemd/system/ringfenced.service", "etc/ringfence/ringfenced.toml"
OLD, NEW, OURS = b"old", b"new", b"the site's"


def deeds(shipped, found, before):
    """What is done, and to which file."""
    found = {path: digest(data) for path, data in found.items()}
    before = {path: digest(data) for path, data in before.items()}
    return [(step.deed, step.path) for step in steps(shipped, found, before)]


CONFIG = [Shipped(FILE, NEW, edited=True)]


@pytest.mark.parametrize(
    ("found", "before", "done"),
    [
        ({}, {}, [("write", FILE)]),
        ({FILE: NEW}, {FILE: NEW}, [("same", FILE)]),
        ({FILE: OLD}, {FILE: OLD}, [("write", FILE)]),
        ({FILE: OURS}, {FILE: OLD}, [("keep", FILE), ("write", f"{FILE}.new")]),
        ({FILE: OURS}, {FILE: NEW}, [("keep", FILE)]),
        ({FILE: OURS}, {}, [("keep", FILE), ("write", f"{FILE}.new")]),
        ({}, {FILE: OLD}, [("keep", FILE)]),
    ],
)
def test_a_configuration_is_written_only_while_nobody_has_edited_it(found, before, done):
    assert deeds(CONFIG, found, before) == done


@pytest.mark.parametrize("found", [{}, {UNIT: OLD}, {UNIT: OURS}])
def test_a_file_of_the_package_is_brought_up_to_date_whatever_stands_in_it(found):
    assert deeds([Shipped(UNIT, NEW)], found, {UNIT: OLD}) == [("write", UNIT)]


def test_what_no_longer_ships_goes_unless_a_site_edited_it():
    before = {UNIT: OLD, FILE: OLD, "etc/ringfence/gone.env": OLD}
    found = {UNIT: OURS, FILE: OURS}
    assert deeds([], found, before) == [("remove", UNIT), ("keep", FILE)]


files = st.dictionaries(st.sampled_from([UNIT, FILE]), st.sampled_from([OLD, NEW, OURS]))


@given(files, files, st.booleans())
def test_nobodys_words_are_lost(found, before, ships):
    """Whatever the machine is like: an edited configuration is neither written over nor removed."""
    shipped = [Shipped(UNIT, NEW), Shipped(FILE, NEW, edited=True)] if ships else []
    is_edited = FILE in found and found[FILE] != before.get(FILE) and found[FILE] != NEW
    touched = [step for step in deeds(shipped, found, before) if step[0] in {"write", "remove"}]
    assert not is_edited or all(path != FILE for _, path in touched)


def test_a_step_says_what_is_written():
    assert steps(CONFIG, {}, {}) == (Step("write", FILE, data=NEW),)

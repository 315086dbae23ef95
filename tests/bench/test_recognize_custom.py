"""The bench of a site's own recognisers measures stages that find."""

import recognize_custom


def test_every_kind_is_measured_and_finds_what_was_planted():
    found = list(recognize_custom.rows(quick=True))
    assert {row.what for row in found} == {"dictionary", "hashed", "variants", "patterns"}
    assert all(row.found >= recognize_custom.NOTES for row in found)
    assert all(row.us > 0 for row in found)

"""The cache of the compiled database."""

import stat

from ringfence.recognize import load
from ringfence.recognize.database import fingerprint, load_database
from ringfence.recognize.patterns import triggers

TEXT = "SSN 524-71-6038"


def test_a_cached_database_finds_the_same(tmp_path):
    """The second load reads the file of the first, which nobody else may read."""
    cache = tmp_path / "cache"
    fresh = load(cache)
    (file,) = cache.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    written = file.stat().st_mtime_ns
    assert load(cache).scan(TEXT) == fresh.scan(TEXT) == load(None).scan(TEXT)
    assert file.stat().st_mtime_ns == written


def test_a_damaged_cache_is_compiled_anew(tmp_path):
    """A flipped byte (of the digest too), a torn file and an empty one are noticed before they are deserialised."""
    load(tmp_path)
    (file,) = tmp_path.iterdir()
    intact = file.read_bytes()
    for damaged in (
        bytes([intact[0] ^ 1]) + intact[1:],
        intact[:100] + bytes([intact[100] ^ 1]) + intact[101:],
        intact[:500],
        b"",
    ):
        file.write_bytes(damaged)
        assert load(tmp_path).scan(TEXT)
        assert file.read_bytes() == intact


def test_a_cache_that_others_may_write_is_not_read(tmp_path):
    """The digest finds accidents only, so a file that others can change is compiled anew."""
    load(tmp_path)
    (file,) = tmp_path.iterdir()
    file.chmod(0o666)
    before = file.stat().st_ino
    assert load(tmp_path).scan(TEXT)
    assert file.stat().st_ino != before


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path):
    """A path that is no folder is no error."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert load(blocked / "cache").scan(TEXT)


def test_the_fingerprint_changes_with_the_patterns():
    """Another expression is another file and another version."""
    table = triggers()
    assert fingerprint(table) == fingerprint(triggers())
    assert fingerprint(table) != fingerprint((table[0]._replace(expression="x"), *table[1:]))
    assert load_database(table[:1], None) is not None
    assert len({trigger.name for trigger in table}) == len(table)

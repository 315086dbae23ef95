"""Recognisers with views never raise, whatever the bytes and however they were decoded."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[4]
CODECS = ["latin-1", "utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "cp1252", "cp437", "shift_jis", "utf-7", "koi8-r"]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(CODECS), st.sampled_from(["replace", "surrogateescape", "ignore"]))
def test_any_bytes_decoded_in_any_way_can_be_scanned(viewing, raw, codec, errors):
    """Findings are sorted, apart, and in the text."""
    try:
        text = raw.decode(codec, errors)
    except UnicodeDecodeError:  # a codec may have no way to carry on
        return
    at = 0
    for finding in viewing.scan(text):
        assert at <= finding.start < finding.end <= len(text)
        at = finding.end


@settings(max_examples=150, deadline=None)
@given(
    st.text(
        alphabet="0123456789-. \n|<>/b!*&#;x%=\\u+@aAzZ\u200b\u202e\u2803\U000e0041\ufe0f\u0660\uff11", max_size=300
    )
)
def test_texts_of_what_disguises_are_made_of_can_be_scanned(viewing, text):
    """The same for the characters that families look for."""
    for finding in viewing.scan(text):
        assert 0 <= finding.start < finding.end <= len(text)


PIECES = (
    *("5 ", "5-", "A.", "one ", "%41", "\\x41", "&#65;", "=41", "NTI0", "<b>", "**", "41 ", "01000001", ".- "),
    *("eht ", "a at b dot ", "5\n", "| 5 ", "O1", "+AEE-", "\u200b\u200c", "\U000e0041"),
)


@pytest.mark.parametrize("piece", PIECES)
def test_a_long_text_of_one_fragment_is_read_in_linear_time(reader, piece):
    """Eight times the text takes less than thirty times as long: nothing is quadratic. Best of three."""

    def once(text):
        start = time.process_time()
        for _ in reader(text):
            pass
        return time.process_time() - start

    def seconds(repeats):
        text = piece * repeats
        return min(once(text) for _ in range(3))

    seconds(200)
    assert seconds(16_000) < 30 * max(seconds(2_000), 0.004)


def test_the_fuzzer_runs_and_raises_nothing():
    """A short run of the long-running entry: no exception, and a count to record."""
    made = subprocess.run(
        [sys.executable, str(ROOT / "bench" / "evasion_fuzz.py"), "--executions", "400", "--without-tagger"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    record = json.loads(made.stdout.splitlines()[-1])
    assert (made.returncode, record["executions"], record["raised"]) == (0, 400, 0)

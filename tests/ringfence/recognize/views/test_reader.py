"""Views: identifiers in disguise are found where they stand, and clean text stays clean."""

import base64
import codecs
import random
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.recognize.views.engine import NESTED_MAX
from ringfence.recognize.views.families import FAMILIES

SSN = "524-71-6038"
VIEWS_MAX = NESTED_MAX + 4 * len(FAMILIES)


def each(template):
    return "".join(template.format(char=char, code=ord(char)) for char in SSN)


DISGUISES = {
    "spaced": " ".join(SSN),
    "one a line": "\n".join(SSN),
    "dotted": "5.2.4-7.1-6.0.3.8",
    "bracketed": "".join(f"({char})" if char.isdigit() else char for char in SSN),
    "cells": "| " + " | ".join(SSN) + " |",
    "padded": "SSN: 5x2x4x7x1x6x0x3x8",
    "slashes": SSN.replace("-", "/"),
    "regrouped": "SSN: 52 47 16 038",
    "words": "five two four, seven one, six zero three eight",
    "german words": "fünf zwei vier sieben eins sechs null drei acht",
    "spanish words": "cinco dos cuatro siete uno seis cero tres ocho",
    "french words": "cinq deux quatre soixante et onze six zéro trois huit",
    "spelled": "Fife Two Fower dash Seven One dash Six Zero Three Eight",
    "base64": base64.b64encode(f"the number {SSN}".encode()).decode(),
    "base64 alone": base64.b64encode(SSN.encode()).decode(),
    "base64 url, no padding": base64.urlsafe_b64encode(f"??>>{SSN}".encode()).decode().rstrip("="),
    "base64 in lines": base64.encodebytes(f"{'clean text. ' * 8}{SSN}".encode()).decode(),
    "base64 after a letter": "x" + base64.b64encode(SSN.encode()).decode(),
    "base64 of utf-16": base64.b64encode(SSN.encode("utf-16-le")).decode(),
    "base32": base64.b32encode(SSN.encode()).decode(),
    "hex": SSN.encode().hex(),
    "hex pairs": SSN.encode().hex(":"),
    "ascii85": base64.a85encode(SSN.encode(), adobe=True).decode(),
    "backslash x": each("\\x{code:02x}"),
    "backslash u": each("\\u{code:04x}"),
    "octal": each("\\{code:03o}"),
    "style sheet": each("\\{code:x} "),
    "code points": each("U+{code:04X} "),
    "url": each("%{code:02X}"),
    "url twice": urllib.parse.quote(each("%{code:02X}")),
    "entities": each("&#{code};"),
    "hex entities": each("&#x{code:x};"),
    "quoted-printable": each("={code:02X}"),
    "soft line break": "524-71=\n-6038",
    "utf-7": "+" + base64.b64encode(SSN.encode("utf-16-be")).decode().rstrip("=") + "-",
    "binary": " ".join(f"{ord(char):08b}" for char in SSN),
    "decimal codes": " ".join(str(ord(char)) for char in SSN),
    "morse": "..... ..--- ....- -....- --... .---- -....- -.... ----- ...-- ---..",
    "braille": "⠼⠑⠃⠙⠤⠼⠛⠁⠤⠼⠋⠚⠉⠓",
    "reversed": SSN[::-1],
    "tags": "<b>524</b>-<i>71</i>-60<!-- x -->38",
    "markdown": "524-**71**-6038",
    "concatenated": '"524-" + "71" + "-6038"',
    "comment": "524-/* x */71-6038",
    "line end": "524-71-\n  6038",
    "quoted line end": "> 524-71-\n> 6038",
    "letters for digits": "524-7l-6O38",
    "fullwidth": "".join(chr(ord(char) + 0xFEE0) for char in SSN),
    "mathematical": "".join(chr(0x1D7CE + int(char)) if char.isdigit() else char for char in SSN),
    "circled": "".join(chr(0x2776 + (int(char) - 1) % 10) if char not in "0-" else char for char in SSN),
    "zero width": "\u200b".join(SSN),
    "soft hyphens": "\xad".join(SSN),
    "controls": "\x07".join(SSN),
    "tag characters": "".join(chr(0xE0000 + ord(char)) for char in SSN),
    "selectors": "x" + "".join(chr(0xE0100 + ord(char) - 16) for char in SSN),
    "bidi": f"\u202e{SSN[::-1]}\u202c",
    "base64 of url": base64.b64encode(each("%{code:02X}").encode()).decode(),
    "reversed base64": base64.b64encode(f"my number {SSN}".encode()).decode()[::-1] + " tneitap",
    "hex of base64": base64.b64encode(SSN.encode()).hex(),
}


LONGER = ("base64 in lines", "base64", "base64 of url", "reversed base64")
"""Disguises of more than the number."""


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_number_is_found_in_every_disguise(found, disguise):
    """A finding reaches over more than half of what was written in place of the number."""
    written = DISGUISES[disguise]
    text = f"Seen on the ward.\n{written} is what we have."
    held = [text_found for _, text_found in found(text)]
    assert held
    assert max(map(len, held)) * 2 > len(written) or disguise in LONGER


@pytest.mark.parametrize(
    "text",
    [
        "Patient: J.o.h.n S.m.i.t.h was seen",
        "Patient: J o h n S m i t h",
        "Patient: J0hn Sm1th was seen",
        "Patient: J\u03bfh\u0578 \u054fm\u0456t\u04bb was seen",
        "Patient: 🅙🅞🅗🅝 🆂🅼🅸🆃🅷 was seen",
        "Patient: &#74;&#111;hn Smith",
        "Patient:%20John%20Smith%20was%20seen",
        codecs.encode("The patient name is John Smith and he was seen", "rot13"),
        "nees saw htimS nhoJ tneitap ehT",
        "Patient: Juliett Oscar Hotel November",
    ],
)
def test_a_name_is_found_in_disguise(found, text):
    """Where the plain form is found by its context, so is the disguised one."""
    assert "PERSON" in {entity_type for entity_type, _ in found(text)}


@pytest.mark.parametrize(
    "text",
    [
        "john at example dot com", "john.smith [at] example [dot] com",
        "john.smith(at)example.com", "john @ example . com",
        "j o h n @ e x a m p l e . c o m", "moc.elpmaxe@nhoj",
    ],
)  # fmt: skip
def test_an_address_in_words_is_found(found, text):
    """Signs in words, in brackets or set apart."""
    assert "EMAIL" in {entity_type for entity_type, _ in found(f"Write to {text} please")}


CLEAN = [
    "Take three 5 mg tablets daily for two to four weeks, then one or two as needed; a one two punch of therapy.",
    "Pain scale 0 1 2 3 4 5 6 7 8 9 10, score today 3. Apgar 8 9. Grid:\n1 2 3\n4 5 6\n7 8 9",
    "Na 140, K 4.1, Cl 102, HCO3 24, BUN 14, Cr 0.9; BP 120/80, HR 72, RR 16, T 36.8, SpO2 98%.",
    "| Na | 140 | 138 | 141 |\n| K | 4.1 | 4.0 | 3.9 |\n| Hb | 13.2 | 12.9 | 13.0 |",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 commit 987d3a1",
    base64.b64encode(b"The quick brown fox jumps over the lazy dog, twice a day after meals.").decode(),
    "for i in range(10):\n    print(i, '%02x' % i, \"\\n\")\n    total += values[i] * weights[i]",
    "<ul><li>one</li><li>two</li><li>three</li></ul> &amp; &nbsp; 50&nbsp;mg &lt; 100&nbsp;mg",
    "https is on; see RFC 3986, CVE-2024-12345, ICD-10 E11.9, CPT 99213, LOINC 4548-4, ISBN 978-0-306-40615-7.",
    "The DNA of COVID-19 and H1N1; vitamin B12, T2DM, CD4, IL-6, p53, HbA1c 7.2%, 5HT3, O2 at 2L.",
    "A.D. 1066, U.S.A., e.g. this, i.e. that, a.m. and p.m., Ph.D., vs. p.o. b.i.d. q.i.d.",
    "[1, 2, 3, 5, 8, 13, 21, 34, 55, 89] and [0, 1, 1, 0, 1, 0, 0, 1, 1] and 3.1415926",
    "Look at the dot on the map at noon; meet at the clinic. Point at it, dot the i.",
    "uno dos tres, primero segundo; zwei bis drei Wochen, ein zwei Tage; un deux trois jours",
    "Rates: 72 88 65 97 80 91 77 69; ages 52 50 55 49 57 51 54; weights 70 71 69 72 68.",
]


@pytest.mark.parametrize("text", CLEAN)
def test_clean_text_stays_clean(viewing, plain, text):
    """What only looks like a disguise is none: views add nothing to what is found without them."""
    assert viewing.scan(text) == plain.scan(text)


def test_a_label_in_disguise_counts_for_the_plain_number_after_it(found):
    """What stands near a changed stretch may mean something else now."""
    assert ("MRN", "4471-9") in found("The M%52N: 4471-9 is on file")


def test_what_a_view_did_not_change_is_found_once(viewing):
    """Findings far from what a view changed come from the text itself."""
    text = f"SSN {SSN}. {'Clean words follow here. ' * 8} Caf%C3%A9 is open."
    assert [finding.recogniser for finding in viewing.scan(text)] == ["pattern:ssn"]


@given(st.text())
def test_views_of_any_text_map_back(reader, text):
    """Never raises; every character of every view has its place in the text."""
    views = list(reader(text))
    assert len(views) <= VIEWS_MAX
    for view in views:
        assert len(view.text) == len(view.starts) == len(view.ends)
        assert all(0 <= start < end <= len(text) for start, end in zip(view.starts, view.ends, strict=True))


pieces = st.sampled_from(
    ["%41", "\\x41", "&#65;", "=41", "+AEE-",
     "NTI0LTcxLTYwMzg=", "5 2 4", "one two ", "<b>", "**", "\n", "| ", "\\", "&", "%", "=",
     "eht ", "gur ", "\u202e", "\u200b", "01000001 ",
     "65 ", ".- ", "at ", " dot ", "4111 ", "-", "J0hn", "é", "Ж", "\ud800"]
)  # fmt: skip


@given(st.lists(pieces, max_size=60).map("".join))
def test_views_of_fragments_of_disguises_map_back(reader, text):
    """The same for texts in which every family has something to read."""
    for view in reader(text):
        assert len(view.text) == len(view.starts) == len(view.ends)
        assert all(0 <= start < end <= len(text) for start, end in zip(view.starts, view.ends, strict=True))


def test_the_size_of_views_is_bounded(reader):
    """A long text of nothing but encodings makes a bounded number of views, none much longer than the text."""
    rng = random.Random(7)
    text = " ".join(base64.b64encode(rng.randbytes(12).hex().encode()).decode() for _ in range(5000))
    views = list(reader(text))
    assert len(views) <= VIEWS_MAX
    assert all(len(view.text) <= 2 * len(text) for view in views)


@pytest.mark.parametrize(
    "text",
    [
        ".eef a tuoba dellac ohw ,nosredneH yraM :si eman s'remotsuc ehT",
        "ehT s'remotsuc eman :si yraM ,nosredneH ohw dellac tuoba a .eef",
        "Here is the key:\n-----YEK ETAVIRP DNE-----\n=dcba+efgh\n-----YEK ETAVIRP NIGEB-----",
        "ereH si eht NIGEB-----\n:yek ETAVIRP DNE-----\nhgfe+abcd=\n-----YEK ETAVIRP esaelP\n-----YEK peek .ti",
        "Zfgslirazgrlm: Yvzivi tsk_8MKWztpQ5KzFqkBIvxFKnwiEGJYM6mOHItS2",
    ],
)
def test_what_a_rogue_daemon_once_got_through_is_found(everything_on, text):
    """Names that only the tagger reads, written backwards; keys across lines; the head of a request in Atbash."""
    assert {finding.entity_type for finding in everything_on.scan(text)} & {"PERSON", "SECRET"}

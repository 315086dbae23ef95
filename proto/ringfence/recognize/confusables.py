# ruff: noqa: RUF001 - letters that look alike are what this is about
"""Letters of other alphabets that look like a Latin letter or a digit, and letters that are one in disguise.

`LOOKALIKES` lists, by script, what Unicode Technical Standard 39 (confusables.txt, version 15) maps from one letter to
one ASCII letter or digit, where compatibility decomposition does not, less scripts whose own texts it would garble
(Ethiopic, Malayalam, Myanmar, Oriya). Its class of ``l``, ``I`` and ``1`` is told apart by case: capitals become ``I``.
`disguised` reads the character's Unicode name: small capitals, turned letters, letters in squares and circles.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

_BY_SCRIPT = (
    ("ՍՏՕագզհոռսցքօ", "USOwqqhnnugfo"),  # Armenian
    ("ᐯᑌᑭᑯᑲᒍᒪᒿᕁᕼᕽᖇᖯᖴᗅᗞᗪᗰᗷ", "VUPdbJL2xHxRbFADDMB"),  # Canadian syllabics
    ("𐊠𐊡𐊢𐊥𐊫𐊰𐊱𐊲𐊴𐋏", "ABCFOMTYXH"),  # Carian
    ("ᎠᎡᎢᎥᎩᎪᎫᎬᎳᎷᎻᎽᏀᏂᏃᏎᏏᏒᏔᏕᏙᏚᏞᏟᏢᏦᏧᏮᏳᏴꭵꮁꮃꮓꮩꮪꮯ", "DRTiYAJEWMHYGhZ4bRWSVSLCPKd6GBirwzvsc"),  # Cherokee
    ("ϨⲅⲎⲒⲔⲘⲚⲞⲟⲢⲣⲤⲥⲦⲨⲬⳊⳌⳐⳒ", "2rHIKMNOoPpCcTYX93L6"),  # Coptic
    ("ЬѡѴѵҮүҽӀӏԌԜꙄꙇвтмнє", "bwVvYyeIiGW2ibtmhe"),  # Cyrillic
    ("𐐄𐐕𐐛𐐠𐐬𐐽𐑈", "OCLSocs"),  # Deseret
    ("𐔓𐔖𐔘𐔜𐔝𐔥𐔦𐔧", "NOKCVFLX"),  # Elbasan
    ("ყჿ", "yo"),  # Georgian
    ("ͿγσϜϲϳϹϺᴦτηωεμ", "JyoFcjCMrtnweu"),  # Greek
    ("〇", "O"),  # Han
    ("ƄƍƖƦƧƷƼƽǀȜȢȣɑɡɣɩᴑᶃᶌẝỿꝚꝪꝮꞘꞙꞟꞫꞲꞳꞴꬲꬵꬽꭇꭈꭎꭒꭚ", "bgIR235sI388agyiogyfy239Ffu3JXBeforruuy"),  # Latin
    ("ꓐꓑꓒꓓꓔꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴ", "BPdDTGKJCZFMNLSRVHWXYAEIOU"),  # Lisu
    ("𐊂𐊆𐊇𐊊𐊐𐊒𐊕𐊖𐊗", "BEFIXOPST"),  # Lycian
    ("𖼈𖼊𖼖𖼨𖼵𖼺𖼻𖽀𖽂𖽃", "VTLIRS3AUY"),  # Miao
    ("𐌁𐌂𐌉𐌑𐌕𐌗𐌚", "BCIMTX8"),  # Old Italic
    ("𐒴𐓂𐓎𐓒𐓪𐓶", "ROU7ou"),  # Osage
    ("ᚷᛁᛕᛖ", "XIKM"),  # Runic
    ("ⴸⴹⵏⵔⵕⵝ", "VEIOQX"),  # Tifinagh
    ("𑢠𑢢𑢣𑢤𑢦𑢩𑢬𑢮𑢯𑢲𑢵𑢸𑢻𑢼𑣀𑣁𑣂𑣃𑣄𑣆𑣈𑣊𑣌𑣕𑣖𑣗𑣘𑣜", "VFLYEZ9E4LOU5TvsFiz7o3969ouy"),  # Warang Citi
)

LOOKALIKES: Mapping[str, str] = MappingProxyType(
    {char: latin for chars, latins in _BY_SCRIPT for char, latin in zip(chars, latins, strict=True)}
)
"""Character to the ASCII character that a reader takes it for."""

_NAME = re.compile(
    r"(?:(?:MODIFIER|REGIONAL INDICATOR SYMBOL|NEGATIVE CIRCLED|NEGATIVE SQUARED|CROSSED NEGATIVE SQUARED|LATIN|"
    r"CIRCLED|SQUARED|CAPITAL|SMALL|LETTER|TURNED|REVERSED|INVERTED|SIDEWAYS|DOTLESS|SCRIPT|BLACKLETTER|OPEN|CLOSED|LENIS|"
    r"INSULAR|BARRED|STRETCHED|BOTTOM HALF|TOP HALF) ){2,8}+([A-Z])(?: WITH [A-Z ,-]{1,60})?"
)
_TURNED = MappingProxyType({"\u0254": "c", "\u0279": "r", "\u01dd": "e"})
"""Letters that stand for another one where a text is upside down than their name says."""


def disguised(char: str) -> str | None:
    """The ASCII letter that the Unicode name of `char` says it is a form of; None where it says nothing.

    A capital in name or, for small capitals, in shape is a capital here.
    """
    turned = _TURNED.get(char)
    if turned is not None:
        return turned
    name = unicodedata.name(char, "")
    if "LETTER" not in name or name.startswith(("TAG ", "COMBINING ")):
        return None
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return match[1].lower() if " SMALL LETTER " in f" {name}" else match[1]

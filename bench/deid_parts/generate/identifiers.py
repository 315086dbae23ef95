"""Numbers and addresses that stand for somebody, with the check digits that their issuers ask for.

Sources: SSA's rules for SSNs (no area 000, 666, 9xx); CMS for NPI (Luhn over 80840) and MBI (position by position);
ISO 13616 for IBANs; ISO 7812 for card numbers; the Spanish Interior Ministry for DNI and NIE letters (modulo 23);
INSEE for the NIR's key (97 less the number modulo 97); NHS number by modulo 11.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Mapping
from types import MappingProxyType

Make = Callable[[random.Random, str], str]
"""Chance and language to an identifier."""


def digits(rng: random.Random, count: int) -> str:
    """`count` digits, the first not 0."""
    return str(rng.randint(1, 9)) + "".join(rng.choice(string.digits) for _ in range(count - 1))


def letters(rng: random.Random, count: int) -> str:
    """`count` capitals."""
    return "".join(rng.choice(string.ascii_uppercase) for _ in range(count))


def shaped(rng: random.Random, shape: str) -> str:
    """`shape` with a digit for each ``#``, one of 2 to 9 for each ``%`` and a capital for each ``@``."""
    marks = {"#": string.digits, "%": "23456789", "@": string.ascii_uppercase}
    return "".join(rng.choice(marks[mark]) if mark in marks else mark for mark in shape)


def luhn(body: str) -> str:
    """The check digit of `body` (ISO 7812-1, annex B)."""
    total = 0
    for place, mark in enumerate(reversed(body)):
        value = int(mark) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def ssn(rng: random.Random, _lang: str) -> str:
    """A United States social security number."""
    area = rng.choice((rng.randint(1, 665), rng.randint(667, 899)))
    return f"{area:03d}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"


def national(rng: random.Random, lang: str) -> str:
    """The number that a state gives a person: SSN or NHS number, DNI or NIE, NIR, Steuer-ID."""
    makers = {"en": _nhs_or_ssn, "es": _dni_or_nie, "fr": _nir, "de": _steuer_id}
    return makers[lang](rng)


def _dni_or_nie(rng: random.Random) -> str:
    number = rng.randint(1_000_000, 99_999_999)
    first = rng.choice(("", "", "", "", "X", "Y", "Z"))
    shown = f"{number % 10_000_000:07d}" if first else f"{number:08d}"
    value = int(shown) + 10_000_000 * "XYZ".find(first) if first else number
    dash = rng.choice(("", "", "-", " "))
    return f"{first}{dash if first else ''}{shown}{dash}{'TRWAGMYFPDXBNJZSQVHLCKE'[value % 23]}"


def _nir(rng: random.Random) -> str:
    born = f"{rng.randint(30, 99)}{rng.randint(1, 12):02d}"
    body = f"{rng.randint(1, 2)}{born}{rng.randint(1, 95):02d}{rng.randint(1, 990):03d}{rng.randint(1, 999):03d}"
    key = f"{97 - int(body) % 97:02d}"
    if rng.random() < 0.4:
        return body + key
    return f"{body[0]} {body[1:3]} {body[3:5]} {body[5:7]} {body[7:10]} {body[10:13]} {key}"


def _nhs_or_ssn(rng: random.Random) -> str:
    return _nhs(rng) if rng.random() < 0.2 else ssn(rng, "en")


def _steuer_id(rng: random.Random) -> str:
    """Eleven digits, the last by ISO 7064 MOD 11,10; grouped as on the letter that announces it."""
    body = digits(rng, 10)
    product = 10
    for mark in body:
        total = (int(mark) + product) % 10 or 10
        product = total * 2 % 11
    check = (11 - product) % 10
    number = f"{body}{check}"
    return f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:]}" if rng.random() < 0.5 else number


def _nhs(rng: random.Random) -> str:
    while True:
        body = digits(rng, 9)
        check = 11 - sum(int(mark) * (10 - place) for place, mark in enumerate(body)) % 11
        if check != 10:
            number = f"{body}{check % 11}"
            return f"{number[:3]} {number[3:6]} {number[6:]}"


def npi(rng: random.Random, _lang: str) -> str:
    """A National Provider Identifier."""
    body = rng.choice("12") + digits(rng, 8)
    return body + luhn("80840" + body)


MRNS = {
    "en": (
        "########", "#######", "######", "@@-######", "@@@-#####", "MRN-########", "###-##-###", "##-##-##", "@######",
        "#########", "@@########", "@@-####-###", "#@@######", "@@@#####",
    ),
    "es": ("#######", "######", "########", "##########", "@######", "###.###", "HC-######"),
    "fr": ("##########", "########", "#######", "@#######", "##/######", "IPP########", "#########"),
    "de": ("########", "#######", "##########", "@@-######", "####-######", "#-######"),
}  # fmt: skip
"""Shapes of record numbers; each hospital has its own."""


def mrn(rng: random.Random, lang: str) -> str:
    """A hospital's number of a patient."""
    return shaped(rng, rng.choice(MRNS[lang]))


INSURANCES = {
    "en": (
        "@@@#########",
        "@@#######",
        "########-##",
        "@@@@-######",
        "@########",
        "###-######-#",
        "@@-######",
        "##########",
    ),
    "es": ("## ######## ##", "@@@@##########", "##########-##", "##/########/##"),
    "fr": ("#########", "@@########", "##.###.###"),
    "de": ("@#########",),  # § 290 SGB V: a letter and nine digits
}
"""Shapes of health plans' numbers."""


def insurance(rng: random.Random, lang: str) -> str:
    """A health plan's number of a member."""
    if lang == "en" and rng.random() < 0.3:
        return mbi(rng)
    return shaped(rng, rng.choice(INSURANCES[lang]))


def mbi(rng: random.Random) -> str:
    """A Medicare Beneficiary Identifier (CMS, "Understanding the MBI format")."""
    allowed = "ACDEFGHJKMNPQRTUVWXY"
    mixed = allowed + string.digits
    pick = rng.choice
    text = (
        str(rng.randint(1, 9)) + pick(allowed) + pick(mixed) + pick(string.digits) + pick(allowed) + pick(mixed)
        + pick(string.digits) + pick(allowed) + pick(allowed) + pick(string.digits) + pick(string.digits)
    )  # fmt: skip
    return text if rng.random() < 0.5 else f"{text[:4]}-{text[4:7]}-{text[7:]}"


_BBAN = {"es": ("ES", 20), "fr": ("FR", 23), "de": ("DE", 18), "en": ("GB", 18)}
_ABROAD = (("NL", 14), ("IT", 23), ("BE", 12), ("AT", 16), ("PT", 21), ("IE", 18), ("CH", 17))


def iban(rng: random.Random, lang: str) -> str:
    """An IBAN of the right length with right check digits; in groups of four or without."""
    country, length = rng.choice(_ABROAD) if rng.random() < 0.2 else _BBAN[lang]
    banks = {"GB": "@@@@" + "#" * 14, "NL": "@@@@" + "#" * 10, "IE": "@@@@" + "#" * 14, "IT": "@" + "#" * 22}
    body = shaped(rng, banks.get(country, "#" * length))
    number = "".join(str(int(mark, 36)) for mark in f"{body}{country}00")
    text = f"{country}{98 - int(number) % 97:02d}{body}"
    return text if rng.random() < 0.4 else " ".join(text[at : at + 4] for at in range(0, len(text), 4))


CARDS = (("4", 16), ("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("37", 15), ("6011", 16), ("3528", 16), ("36", 14))
"""Where the networks' numbers begin (ISO 7812), and their lengths."""


def card(rng: random.Random, _lang: str) -> str:
    """A payment card's number."""
    head, length = rng.choice(CARDS)
    body = head + "".join(rng.choice(string.digits) for _ in range(length - len(head) - 1))
    number = body + luhn(body)
    if rng.random() < 0.5:
        return number
    if length == 15:
        return f"{number[:4]} {number[4:10]} {number[10:]}"
    return rng.choice((" ", "-")).join(number[at : at + 4] for at in range(0, length, 4))


def account(rng: random.Random, lang: str) -> str:
    """An account's number within a bank."""
    shapes = {
        "en": ("########", "##########", "#########", "####-####-##", "############", "###-#####-#"),
        "es": ("#### #### ## ##########", "##########"),
        "fr": ("###########", "##### ##### ########### ##"),
        "de": ("##########", "########", "#######"),
    }
    return shaped(rng, rng.choice(shapes[lang]))


def bic(rng: random.Random, lang: str) -> str:
    """ISO 9362."""
    country = {"en": "GB", "es": "ES", "fr": "FR", "de": "DE"}[lang]
    return shaped(rng, f"@@@@{country}{rng.choice(('@@', '#@', '@@XXX', '#@###'))}")


PHONES = {
    "en": (
        "(%##) %##-####", "%##-%##-####", "%##.%##.####", "+1 %## %## ####", "%## %## ####", "+1-%##-%##-####",
        "%##%##%###",
        "(%##)%##-####", "%##-%##-#### x###", "+44 7### ######", "020 7### ####", "0161 ### ####", "1-%##-%##-####",
    ),
    "es": ("6########", "6## ## ## ##", "9## ### ###", "+34 6########", "+34 9## ### ###",
        "91 ### ## ##", "7## ## ## ##"),
    "fr": ("01 ## ## ## ##", "06.##.##.##.##", "04########", "+33 6 ## ## ## ##",
        "+337########", "02 ## ## ## ##", "07-##-##-##-##"),
    "de": (
        "030/#######", "040 ######", "0221-#######", "(069) ######",
        "+49 711 ######", "+49 (0)176 ########",
        "0151 ########",
        "0049 341 ######", "06221 ### ###", "0170/#######", "089 ## ## ## ##",
    ),
}  # fmt: skip
"""Shapes of telephone numbers; fictitious, but not of a reserved range, which recognisers may know."""


def phone(rng: random.Random, lang: str) -> str:
    """A telephone number."""
    return shaped(rng, rng.choice(PHONES[lang]))


def vin(rng: random.Random, _lang: str) -> str:
    """A vehicle identification number of ISO 3779's alphabet."""
    allowed = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
    return (
        rng.choice(("1HG", "WVW", "VF1", "WBA", "2T1", "VSS"))
        + "".join(rng.choice(allowed) for _ in range(8))
        + digits(rng, 6)
    )


PLATES = {
    "en": ("@@@ ####", "#@@@###", "@@## @@@", "@@@-####"),
    "es": ("#### @@@", "####@@@"),
    "fr": ("@@-###-@@", "@@ ### @@"),
    "de": ("@-@@ ###", "@@-@ ####", "@@@-@@ ##"),
}
"""Shapes of number plates."""


def plate(rng: random.Random, lang: str) -> str:
    """A number plate."""
    return shaped(rng, rng.choice(PLATES[lang]))


def postcode(rng: random.Random, lang: str) -> str:
    """A postal code of the language's largest country; in English sometimes a British one."""
    if lang == "en" and rng.random() < 0.12:
        return shaped(rng, f"{rng.choice(('LS', 'M', 'B', 'NG', 'CF', 'EH', 'SW', 'N', 'OX'))}{rng.randint(1, 29)} #@@")
    number = f"{rng.randint(1001, 98999):05d}"
    return f"{number}-{rng.randint(1000, 9999)}" if lang == "en" and rng.random() < 0.12 else number


def _shape(*shapes: str) -> Make:
    return lambda rng, _lang: shaped(rng, rng.choice(shapes))


def ip(rng: random.Random, _lang: str) -> str:
    """An IPv4 or, one time in five, IPv6 address."""
    if rng.random() < 0.2:
        return ":".join(f"{rng.randint(1, 65535):x}" for _ in range(8))
    return f"{rng.randint(11, 223)}.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"


def mac(rng: random.Random, _lang: str) -> str:
    """A network card's address."""
    return rng.choice(":-").join(f"{rng.randint(0, 255):02x}" for _ in range(6))


def password(rng: random.Random, _lang: str) -> str:
    """What somebody should not have written into a mail."""
    return (
        rng.choice(("Winter", "Falcon", "blue", "Tiger", "sunset", "Qwerty"))
        + digits(rng, 4)
        + rng.choice("!#$%&*")
        + letters(rng, 2)
    )


CASES = ("@@-####-#####", "##########", "CLM-########", "####/#####", "@@@########", "20##-######")
"""Shapes of claims', files' and tickets' numbers."""

MAKERS: Mapping[str, tuple[str, Make]] = MappingProxyType(
    {
        "ssn": ("SSN", ssn),
        "national": ("TAX_ID", national),
        "npi": ("NPI", npi),
        "mrn": ("MRN", mrn),
        "insurance": ("INSURANCE_ID", insurance),
        "iban": ("IBAN", iban),
        "card": ("PAN", card),
        "account": ("ACCOUNT", account),
        "bic": ("BIC", bic),
        "phone": ("PHONE", phone),
        "vin": ("VEHICLE_ID", vin),
        "plate": ("VEHICLE_ID", plate),
        "ip": ("IP", ip),
        "mac": ("MAC", mac),
        "secret": ("SECRET", password),
        "serial": ("DEVICE_ID", _shape("SN-########", "@@@######@", "##-####-####", "@#########")),
        "case": ("CASE_ID", _shape(*CASES)),
        "passport": ("DOCUMENT_ID", _shape("@########", "@@#######", "#########", "@@@######")),
        "licence": ("DOCUMENT_ID", _shape("@#######", "@###-####-####", "##@@#####", "########")),
        "collegiate": ("DOCUMENT_ID", _shape("## ## #####", "######", "########", "####")),
        "userid": ("USERNAME", _shape("u######", "@@@####", "emp#####")),
    }
)  # fmt: skip
"""Slot to label and maker."""

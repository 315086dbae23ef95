"""Invented identifiers in the formats that hospital and bank notes carry in the United States and the European Union.

Where a validator would look, the check digits are right, so a recogniser that verifies them finds them;
numbers stay in ranges reserved for examples where a standard names such a range.
Every function takes its source of randomness as an argument and touches nothing else.
"""

from random import Random
from typing import Final

CASE_FORMATS: Final = (
    "#######",
    "########",
    "######",
    "MRN######",
    "MRN-#######",
    "H-####-#####",
    "?#######",
    "??######",
    "???-####-##",
    "####-####",
    "##-######",
    "####/#####",
    "CASE-####-###",
    "??-##-#####",
    "DSP-#####",
    "KYC-####-####",
    "LN########",
    "##.###.###",
    "####-####-##",
    "???/####/##",
    "#?####?#",
    "C#####-?",
    "REF#######",
    "###-##-###-#",
    "?-######",
    "?? ######",
    "#### ####",
)
"""Usual formats of references: `#` is a digit, `?` a letter."""


def digits(rng: Random, count: int) -> str:
    """Return `count` random decimal digits; leading zeros are possible."""
    return "".join(rng.choice("0123456789") for _ in range(count))


def luhn_digit(payload: str) -> str:
    """Return the check digit of a string of digits (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, char in enumerate(reversed(payload)):
        doubled = int(char) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def npi(rng: Random) -> str:
    """Return a National Provider Identifier: Luhn over the prefix 80840 and nine digits (45 CFR 162.406)."""
    body = rng.choice("12") + digits(rng, 8)
    return body + luhn_digit("80840" + body)


def pan(rng: Random) -> str:
    """Return a 16-digit card number with a right Luhn digit, grouped by four or not at all."""
    body = rng.choice(("4", "51", "52", "53", "54", "55"))
    body += digits(rng, 15 - len(body))
    number = body + luhn_digit(body)
    separator = rng.choice((" ", "-", "", " "))
    return separator.join(number[i : i + 4] for i in range(0, 16, 4))


def iban(rng: Random) -> str:
    """Return an IBAN with right check digits (ISO 13616, ISO 7064 mod 97-10), grouped by four or not at all.

    Lengths of the national parts are from the SWIFT IBAN registry: DE 18, AT 16, ES 20, PL 24, BE 12, NL 14.
    """
    country, length = rng.choice((("DE", 18), ("AT", 16), ("ES", 20), ("PL", 24), ("BE", 12), ("NL", 14)))
    national = "RABO" + digits(rng, 10) if country == "NL" else digits(rng, length)
    spelled = "".join(str(int(char, 36)) for char in national + country + "00")
    number = f"{country}{98 - int(spelled) % 97:02d}{national}"
    return " ".join(number[i : i + 4] for i in range(0, len(number), 4)) if rng.random() < 0.6 else number


def ssn(rng: Random) -> str:
    """Return a number of the form of a US social security number; areas 000, 666 and 9xx do not occur."""
    area = rng.choice((rng.randint(1, 665), rng.randint(667, 899)))
    return f"{area:03d}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"


def phone(rng: Random) -> str:
    """Return a telephone number of European form, or a US one from 555-0100 to 555-0199, reserved by ATIS-0300115."""
    area, line = rng.randint(201, 989), f"01{digits(rng, 2)}"
    return rng.choice(
        (
            f"({area}) 555-{line}",
            f"{area}-555-{line}",
            f"+1 {area} 555 {line}",
            f"555-{line}",
            f"+49 {rng.randint(30, 999)} {digits(rng, rng.randint(5, 8))}",
            f"+34 6{digits(rng, 2)} {digits(rng, 3)} {digits(rng, 3)}",
            f"0{digits(rng, 3)} {digits(rng, 6)}",
        )
    )


def mail(rng: Random, who: str) -> str:
    """Return an e-mail address at a domain reserved for examples (RFC 2606), made of the letters of `who`."""
    words = [word for word in ("".join(c for c in part if c.isalpha()) for part in who.lower().split()) if word] or [
        "info"
    ]
    local = rng.choice((".".join(words), words[-1], words[0][0] + words[-1], words[0] + digits(rng, 2)))
    domains = ("example.org", "example.com", "mail.example.net", "clinic.example.org", "bank.example.com")
    return f"{local}@{rng.choice(domains)}"


def date(rng: Random, first_year: int = 2023, last_year: int = 2027) -> str:
    """Return a day between two years in one of the usual notations."""
    year, month, day = rng.randint(first_year, last_year), rng.randint(1, 12), rng.randint(1, 28)
    names = (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    )
    return rng.choice(
        (
            f"{month:02d}/{day:02d}/{year}",
            f"{day:02d}.{month:02d}.{year}",
            f"{year}-{month:02d}-{day:02d}",
            f"{day} {names[month - 1]} {year}",
            f"{names[month - 1]} {day}, {year}",
            f"{day:02d}/{month:02d}/{year % 100:02d}",
        )
    )


def address(rng: Random) -> str:
    """Return a street address that names no real place on purpose."""
    street = rng.choice(
        (
            "Maple",
            "Linden",
            "Harbour",
            "Station",
            "Mill",
            "Orchard",
            "Church",
            "River",
            "Hill",
            "Park",
            "Garden",
            "Bridge",
        )
    )
    town = rng.choice(
        (
            "Springfield",
            "Lindenau",
            "Fairview",
            "Neustadt",
            "Riverton",
            "Ashford",
            "Villanova",
            "Brookfield",
            "Oakdale",
            "Westport",
        )
    )
    return rng.choice(
        (
            f"{rng.randint(1, 9999)} {street} {rng.choice(('Street', 'Avenue', 'Road', 'Lane'))}, {town}",
            f"{rng.randint(1, 999)} {street} St, {town}, {rng.choice(('OH', 'TX', 'NY', 'CA', 'IL'))} {digits(rng, 5)}",
            f"{street}strasse {rng.randint(1, 199)}, {digits(rng, 5)} {town}",
        )
    )


def network(rng: Random) -> str:
    """Return an IP address of a documentation range (RFC 5737, RFC 3849) or a URL at a reserved domain."""
    octet = rng.randint(1, 254)
    return rng.choice(
        (
            f"192.0.2.{octet}",
            f"198.51.100.{octet}",
            f"203.0.113.{octet}",
            f"2001:db8::{octet:x}",
            f"https://portal.example.org/r/{digits(rng, 6)}",
            f"https://example.com/my?id={digits(rng, 5)}",
        )
    )


def case_number(rng: Random) -> str:
    """Return a record, case or account reference in one of very many formats; it has digits and ends in no sign."""
    if rng.random() < 0.45:
        pattern = rng.choice(CASE_FORMATS)
        draw = {"#": "0123456789", "?": "ABCDEFGHJKLMNPQRSTUVWXYZ"}
        return "".join(rng.choice(draw.get(char, char)) for char in pattern)
    separator = rng.choice("----//._ ")
    parts = []
    for _ in range(rng.randint(0, 3)):
        kind = rng.random()
        if kind < 0.6:
            parts.append(digits(rng, rng.randint(2, 6)))
        elif kind < 0.85:
            parts.append("".join(rng.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(rng.randint(1, 4))))
        else:
            parts.append("".join(rng.choice("ABCDEFGHKLMNPRSTUVWXYZ0123456789") for _ in range(rng.randint(3, 8))))
    parts.append(digits(rng, rng.randint(3, 7)))
    return separator.join(parts)

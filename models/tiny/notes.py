"""Hospital and bank notes with the one line of JSON that is the right answer to each.

Every note names one patient or customer and one record, case or account reference, among other people's names and
other numbers. The same random state gives the same note. Names and references appear in the note exactly as the answer
has them. All persons and identifiers are invented (see `names` and `identifiers`).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, TypeAlias

from tiny import identifiers as ids
from tiny import topics
from tiny.names import KNOWN, Person, Pool, person

KEYS: Final = ("name", "case", "department", "urgency", "topic")
"""The keys of every answer, in the order in which they are written."""


@dataclass(frozen=True)
class Note:
    """A note and what is to be read from it."""

    text: str
    """The note, as a user would send it."""
    name: str
    """The patient or customer, verbatim."""
    case: str
    """The record, case or account reference, verbatim."""
    department: str
    """The department that the note belongs to."""
    urgency: str
    """routine, soon or urgent."""
    topic: str
    """What the note is about, in one or two words."""

    @property
    def answer(self) -> str:
        """The right answer: one line of compact JSON."""
        return json.dumps({key: getattr(self, key) for key in KEYS}, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Facts:
    """What a layout has to lay out."""

    who: Person
    """The patient or customer."""
    case: str
    """The reference that counts."""
    hospital: bool
    """Whether it is a hospital's note; else a bank's."""
    title: str
    """A title that tells the topic."""
    body: tuple[str, ...]
    """Sentences: what tells department and urgency, and fillers, in order."""
    fields: tuple[tuple[str, str], ...]
    """Labelled identifiers that are not asked for."""
    other: Person
    """The physician, adviser or sender."""

    @property
    def role(self) -> str:
        """What the person is called in running text."""
        return "patient" if self.hospital else "customer"


Layout: TypeAlias = Callable[[Random, Facts], tuple[str, str]]
"""Turns facts into the note's text and the name as it is written there."""

NAME_LABELS: Final = {
    True: ("Patient", "Patient name", "Name", "Pt"),
    False: ("Customer", "Customer name", "Name", "Account holder"),
}
CASE_LABELS: Final = {
    True: ("MRN", "MRN", "Medical record no.", "Patient ID", "Hospital no.", "Case", "Record"),
    False: ("Case", "Case no.", "Reference", "Our ref", "Account ref", "Account", "File no."),
}


def labelled(rng: Random, facts: Facts) -> tuple[str, str]:
    """A title, a block of labelled fields, then the body."""
    name = facts.who.indexed if rng.random() < 0.3 else facts.who.written
    fields = [
        (rng.choice(NAME_LABELS[facts.hospital]), f"{title(rng)}{name}"),
        (rng.choice(CASE_LABELS[facts.hospital]), facts.case),
        *facts.fields,
    ]
    if rng.random() < 0.5:
        rng.shuffle(fields)
    colon, bullet = rng.choice((": ", ": ", ": ", " : ", ":\t", " - ")), rng.choice(("", "", "", "- ", "* "))
    lines = [f"{bullet}{label}{colon}{value}" for label, value in fields]
    gap = rng.choice(("\n", "\n\n"))
    return f"{facts.title}{gap}" + "\n".join(lines) + gap + flow(rng, facts.body), name


def capitals(rng: Random, facts: Facts) -> tuple[str, str]:
    """The labelled layout in upper case, as old systems print it."""
    text, name = labelled(rng, facts)
    return text.upper(), name.upper()


def prose(rng: Random, facts: Facts) -> tuple[str, str]:
    """Running text; the identifiers stand in sentences."""
    name, label = facts.who.written, rng.choice(CASE_LABELS[facts.hospital])
    opening = rng.choice(
        (
            f"{facts.title} for {title(rng)}{name} ({label} {facts.case}).",
            f"{facts.title}: the {facts.role} {name}, {label} {facts.case}, is known to us.",
            f"{facts.title}. We write about {title(rng)}{name}, {label} {facts.case}.",
            f"{facts.title}. Our {facts.role} is {title(rng)}{name}; {label}: {facts.case}.",
            f"{facts.title} under {label} {facts.case} for the {facts.role} {title(rng)}{name}.",
        )
    )
    details = [f"{label} {value}." for label, value in facts.fields]
    echo = [f"{rng.choice(('Mr', 'Ms', 'Mrs'))} {facts.who.family} was informed."] if rng.random() < 0.3 else []
    sentences = [*details, *echo, *facts.body]
    rng.shuffle(sentences)
    return " ".join((opening, *sentences)), name


def email(rng: Random, facts: Facts) -> tuple[str, str]:
    """An e-mail with headers; the sender is not the person who is asked for."""
    name, label = facts.who.written, rng.choice(CASE_LABELS[facts.hospital])
    sender, receiver = facts.other.written, rng.choice(("desk", "intake", "records", "clearing", "ward3"))
    greetings = ("Dear all", "Hello", "Dear colleagues")
    header = f"From: {sender} <{ids.mail(rng, sender)}>\nTo: {receiver}@example.org\n"
    if rng.random() < 0.5:
        header += f"Subject: {facts.title} - {name} - {facts.case}\n\n{rng.choice(greetings)},\n\n"
        mention = rng.choice(
            (f"please see the {facts.role} above.", f"this is about the {facts.role} named in the subject.", "")
        )
    else:
        header += f"Subject: {facts.title}\n\n{rng.choice(greetings)},\n\n"
        mention = rng.choice(
            (
                f"this is about {title(rng)}{name} ({label} {facts.case}).",
                f"our {facts.role} {name}, {label}: {facts.case}, needs your help.",
                f"please open {label} {facts.case}, {facts.role} {name}.",
            )
        )
    details = "\n".join(f"{label}: {value}" for label, value in facts.fields)
    body = f"{mention} {flow(rng, facts.body)}"
    return f"{header}{body}\n\n{details}\n\n{rng.choice(('Regards', 'Kind regards', 'Best'))},\n{sender}", name


def letter(rng: Random, facts: Facts) -> tuple[str, str]:
    """A letter with a reference line above the salutation."""
    name, label = facts.who.written, rng.choice(CASE_LABELS[facts.hospital])
    details = ", ".join(f"{label} {value}" for label, value in facts.fields)
    reference = rng.choice(
        (
            f"Re: {title(rng)}{name}, {label} {facts.case}, {details}",
            f"RE: {name}\n{label}: {facts.case}\n{details}",
            f"{label}: {facts.case}\nRe: {title(rng)}{name}\n{details}",
        )
    )
    greeting = rng.choice(("Dear Dr ", "Dear colleague ", "Dear ")) + facts.other.family
    return f"{facts.title}\n{reference}\n\n{greeting},\n\n{flow(rng, facts.body)}\n\nYours sincerely", name


def table(rng: Random, facts: Facts) -> tuple[str, str]:
    """Rows with a bar between label and value, as exports have them."""
    name = facts.who.indexed if rng.random() < 0.4 else facts.who.written
    rows = [
        (rng.choice(NAME_LABELS[facts.hospital]), name),
        (rng.choice(CASE_LABELS[facts.hospital]), facts.case),
        *facts.fields,
    ]
    rng.shuffle(rows)
    outer = rng.random() < 0.5
    lines = [f"| {label} | {value} |" if outer else f"{label} | {value}" for label, value in rows]
    return f"{facts.title}\n" + "\n".join(lines) + "\n" + flow(rng, facts.body), name


def compact(rng: Random, facts: Facts) -> tuple[str, str]:
    """One line, fields separated by semicolons."""
    name = facts.who.indexed if rng.random() < 0.2 else facts.who.written
    parts = [
        (rng.choice(NAME_LABELS[facts.hospital]), name),
        (rng.choice(CASE_LABELS[facts.hospital]), facts.case),
        *facts.fields,
    ]
    rng.shuffle(parts)
    joined = "; ".join(f"{label} {value}" if rng.random() < 0.3 else f"{label}: {value}" for label, value in parts)
    return f"{facts.title}; {joined}; {' '.join(facts.body)}", name


def rows_of(rng: Random, facts: Facts) -> list[tuple[str, str]]:
    """Return all labelled fields, with the name in speaking order, shuffled."""
    known = (
        (rng.choice(NAME_LABELS[facts.hospital]), facts.who.written),
        (rng.choice(CASE_LABELS[facts.hospital]), facts.case),
    )
    rows = [*known, *facts.fields]
    rng.shuffle(rows)
    return rows


def equals(rng: Random, facts: Facts) -> tuple[str, str]:
    """Fields with an equals sign, as configuration files have them."""
    lines = "\n".join(f"{label} = {value}" for label, value in rows_of(rng, facts))
    return f"[{facts.title}]\n{lines}\n# {' '.join(facts.body)}", facts.who.written


def numbered(rng: Random, facts: Facts) -> tuple[str, str]:
    """Numbered fields (held out of training)."""
    lines = "\n".join(f"{place}) {label}: {value}" for place, (label, value) in enumerate(rows_of(rng, facts), start=1))
    return f"{facts.title}\n{lines}\n{flow(rng, facts.body)}", facts.who.written


def forwarded(rng: Random, facts: Facts) -> tuple[str, str]:
    """A quoted note (held out of training)."""
    text, name = labelled(rng, facts)
    return "\n".join(f"> {line}" for line in text.splitlines()), name


def footer(rng: Random, facts: Facts) -> tuple[str, str]:
    """The sentences first, title and fields last (held out of training)."""
    lines = "\n".join(f"{label}: {value}" for label, value in rows_of(rng, facts))
    return f"{flow(rng, facts.body)}\n{facts.title}\n{lines}", facts.who.written


def dialogue(rng: Random, facts: Facts) -> tuple[str, str]:
    """A telephone record with turns (held out of training)."""
    name = facts.who.written
    asked = [f"Agent: And your {label}?\nCaller: {value}." for label, value in facts.fields[:3]]
    turns = [
        f"Agent: Who is speaking?\nCaller: It is {name}.",
        f"Agent: Do you have the number?\nCaller: Yes, {facts.case}.",
        *asked,
    ]
    rng.shuffle(turns)
    return f"Agent: {facts.other.written} here, you called about: {facts.title}.\n" + "\n".join(
        turns
    ) + f"\nAgent: {' '.join(facts.body)}", name


def markup(rng: Random, facts: Facts) -> tuple[str, str]:
    """Elements in angle brackets (held out of training)."""
    name = facts.who.written
    rows = [
        ("subject", name),
        ("number", facts.case),
        *((label.lower().replace(" ", "-"), value) for label, value in facts.fields),
    ]
    rng.shuffle(rows)
    return f"<doc><h1>{facts.title}</h1>" + "".join(
        f"<{tag}>{value}</{tag}>" for tag, value in rows
    ) + f"<p>{' '.join(facts.body)}</p></doc>", name


def signature(rng: Random, facts: Facts) -> tuple[str, str]:
    """A letter by the person who is asked for: the name is the signature (held out of training)."""
    name = facts.who.written
    details = " ".join(f"My {label} is {value}." for label, value in facts.fields[:4])
    body = f"To {facts.other.written}\n{flow(rng, facts.body)} {details}\n{facts.title}"
    return f"{body}\nI remain yours,\n{name}\nP.S. {facts.case} is what you wrote me.", name


def query(rng: Random, facts: Facts) -> tuple[str, str]:
    """Parameters joined by ampersands (held out of training)."""
    name = facts.who.written
    rows = [
        ("n", name),
        ("id", facts.case),
        *((label.lower().replace(" ", ""), value) for label, value in facts.fields),
    ]
    rng.shuffle(rows)
    return f"t={facts.title}&" + "&".join(
        f"{key}={value}" for key, value in rows
    ) + f"&text={' '.join(facts.body)}", name


FAMILIAR: Final[tuple[Layout, ...]] = (
    *(labelled, labelled, prose, email, letter, table, compact, equals),
    *(capitals, capitals, capitals, capitals),
)
UNFAMILIAR: Final[tuple[Layout, ...]] = (numbered, forwarded, footer, dialogue, markup, signature, query)


def title(rng: Random) -> str:
    """Return a title with a blank after it, more often none."""
    return rng.choice(("", "", "", "", "Mr ", "Ms ", "Mrs ", "Mr. ", "Mrs. ", "Dr "))


def flow(rng: Random, sentences: Sequence[str]) -> str:
    """Join sentences as one paragraph or one to a line."""
    return rng.choice((" ", " ", "\n")).join(sentences)


def distractor(rng: Random, hospital: bool, who: Person, other: Person, pool: Pool) -> tuple[str, str]:
    """Draw one labelled identifier that is not asked for."""
    kinds: list[tuple[str, Callable[[], str]]] = [
        (rng.choice(("DOB", "Date of birth", "Born")), lambda: ids.date(rng, 1931, 2019)),
        (rng.choice(("Phone", "Tel", "Mobile", "Fax")), lambda: ids.phone(rng)),
        (rng.choice(("E-mail", "Email")), lambda: ids.mail(rng, who.written)),
        (rng.choice(("Address", "Home address")), lambda: ids.address(rng)),
        (rng.choice(("IP", "Portal", "Link")), lambda: ids.network(rng)),
        (rng.choice(("SSN", "Social security no.")), lambda: ids.ssn(rng)),
        (rng.choice(("Date", "Received")), lambda: ids.date(rng)),
        ("IBAN", lambda: ids.iban(rng)),
    ]
    if hospital:
        kinds += [
            (
                rng.choice(("Attending", "Physician", "Attending physician", "Referred by")),
                lambda: f"Dr. {other.written}, NPI {ids.npi(rng)}",
            ),
            (
                rng.choice(("Attending", "Consultant", "Signed")),
                lambda: f"{rng.choice(('Dr. ', 'Dr ', 'Prof. ', ''))}{other.written}",
            ),
            ("NPI", lambda: ids.npi(rng)),
            (rng.choice(("Next of kin", "Emergency contact")), lambda: person(rng, pool).written),
            (
                rng.choice(("Insurance", "Policy", "Member ID")),
                lambda: f"{rng.choice(('BX', 'HP', 'AOK ', ''))}{ids.digits(rng, 9)}",
            ),
            (rng.choice(("Admitted", "Discharged", "Seen on")), lambda: ids.date(rng)),
            (rng.choice(("Sample", "Order")), lambda: f"S{ids.digits(rng, 6)}"),
        ]
    else:
        kinds += [
            (rng.choice(("Card", "PAN", "Card number")), lambda: ids.pan(rng)),
            (rng.choice(("Adviser", "Handled by", "Contact")), lambda: other.written),
            (rng.choice(("Co-signer", "Beneficiary", "Payee")), lambda: person(rng, pool).written),
            (rng.choice(("Terminal", "Transaction")), lambda: f"T{ids.digits(rng, 7)}"),
            ("Tax no.", lambda: f"{ids.digits(rng, 2)}/{ids.digits(rng, 3)}/{ids.digits(rng, 5)}"),
            (
                rng.choice(("Branch", "Sort code")),
                lambda: f"{ids.digits(rng, 2)}-{ids.digits(rng, 2)}-{ids.digits(rng, 2)}",
            ),
        ]
    label, value = rng.choice(kinds)
    return label, value()


def matter_of(rng: Random, hospital: bool) -> tuple[str, str, str, str]:
    """Draw topic and department, with a title and a sentence that tell them."""
    if hospital:
        topic, department = rng.choice(tuple(topics.HOSPITAL_TOPICS)), rng.choice(tuple(topics.HOSPITAL_DEPARTMENTS))
        heading, matter = rng.choice(topics.HOSPITAL_TOPICS[topic]), rng.choice(topics.HOSPITAL_DEPARTMENTS[department])
        return topic, department, heading, rng.choice(topics.HOSPITAL_MATTERS).format(matter=matter)
    topic = rng.choice(tuple(topics.BANK_TOPICS))
    department, headings, matters = topics.BANK_TOPICS[topic]
    return topic, department, rng.choice(headings), rng.choice(topics.BANK_MATTERS).format(matter=rng.choice(matters))


def draw(
    rng: Random,
    layouts: Sequence[Layout] = FAMILIAR,
    pool: Pool = KNOWN,
    fields: tuple[int, int] = (1, 9),
    fillers: tuple[int, int] = (0, 5),
) -> Note:
    """Draw one note.

    `layouts` are the ways to write it; `pool` holds the names; `fields` and `fillers` bound, both ends included, how
    many identifiers and sentences that are not asked for it carries. Labels of two identifiers never coincide.
    """
    hospital, who, other, case = rng.random() < 0.55, person(rng, pool), person(rng, pool), ids.case_number(rng)
    topic, department, heading, matter = matter_of(rng, hospital)
    urgency = rng.choice(tuple(topics.URGENCIES))
    noise = topics.HOSPITAL_FILLERS if hospital else topics.BANK_FILLERS
    body = [matter, *rng.sample(noise, rng.randint(*fillers))]
    body.insert(rng.randint(0, len(body)), rng.choice(topics.URGENCIES[urgency]))
    extra = dict(distractor(rng, hospital, who, other, pool) for _ in range(rng.randint(*fields)))
    facts = Facts(who, case, hospital, heading, tuple(body), tuple(extra.items()), other)
    text, name = rng.choice(layouts)(rng, facts)
    return Note(text, name, case, department, urgency, topic)

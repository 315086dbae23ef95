"""Replace the identifiers of a note by others of the same formats, to see whether the model still reads it right.

This is a means of evaluation, not of de-identification: it is told what to replace.
"""

import re
from collections.abc import Sequence
from random import Random

from tiny import identifiers
from tiny.names import RESERVED, person


def replaced(rng: Random, note: str, names: Sequence[str], case: str, keep: str) -> tuple[str, list[str], str]:
    """Return `note` with other people, another reference and other numbers, then the new names and the new reference.

    Numbers change digit by digit up to `keep`, where the clinical text begins. An NPI stays valid; an e-mail address
    follows the first name. `names`, `case` and `keep` must occur in `note` verbatim.
    """
    head, tail = note.split(keep, maxsplit=1)
    people = [person(rng, RESERVED).written for _ in names]
    head = re.sub(r"\d", lambda _: str(rng.randrange(10)), head.replace(case, "\0"))
    number = re.sub(r"\d", lambda _: str(rng.randrange(10)), case)
    head = re.sub(r"(?<=NPI )\d+", identifiers.npi(rng), head.replace("\0", number))
    head = re.sub(r"\S+@\S+", identifiers.mail(rng, people[0]), head)
    for old, new in zip(names, people, strict=True):
        head, tail = head.replace(old, new), tail.replace(old, new)
    return head + keep + tail, people, number

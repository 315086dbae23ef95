"""What names nobody: public bodies that set guidelines and standards or name a study, and states.

Names as their owners write them; folded, in lower case. A finding that is one of these and nothing else is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_NAMES: Final = """
world health organization; world health organisation; who; united nations; un; unicef; unesco; european union; eu
centers for disease control; centers for disease control and prevention; cdc; food and drug administration; fda
national institutes of health; nih; department of health and human services; hhs; cms; medicare; medicaid
american heart association; aha; american college of cardiology; acc; american diabetes association; ada
american cancer society; american medical association; ama; american psychiatric association; apa
american academy of pediatrics; aap; american college of physicians; acp; american thoracic society; ats
american society of clinical oncology; asco; american college of rheumatology; acr
infectious diseases society of america; idsa
national comprehensive cancer network; nccn; national cancer institute; nci
us preventive services task force
uspstf; joint national committee; jnc; european society of cardiology; esc; european medicines agency; ema
european respiratory society; ers; national institute for health and care excellence; nice; kdigo; kdoqi; gold; gina
cochrane; nhs; national health service; robert koch institut; rki; stiko; has; haute autorite de sante; aemps; oms; ops
organizacion mundial de la salud; organisation mondiale de la sante; weltgesundheitsorganisation
federal reserve; european central bank; ecb; bank of england; world bank; international monetary fund; imf
sec; fdic; finra; fincen; occ; cfpb; ffiec; bafin; esma; eba; mifid; basel committee; nist; iso; ietf; ieee; w3c; pci
european court of human rights; supreme court; congress; senate; parliament; red cross; red crescent
"""

PUBLIC_BODIES: Final = frozenset(
    name.strip().encode() for line in _NAMES.strip().splitlines() for name in line.split(";") if name.strip()
)
"""Names of public bodies, folded, in lower case."""

STATES: Final = frozenset(
    b"alabama;alaska;arizona;arkansas;california;colorado;connecticut;delaware;florida;georgia;hawaii;idaho;illinois;"
    b"indiana;iowa;kansas;kentucky;louisiana;maine;maryland;massachusetts;michigan;minnesota;mississippi;missouri;montana;"
    b"nebraska;nevada;new hampshire;new jersey;new mexico;new york state;north carolina;north dakota;ohio;oklahoma;"
    b"oregon;pennsylvania;rhode island;south carolina;south dakota;tennessee;texas;utah;vermont;virginia;"
    b"washington state;west virginia;wisconsin;wyoming".split(b";")
)
"""States of the United States; New York and Washington alone are towns."""


def _parts(name: bytes) -> Iterator[bytes]:
    words = name.split()
    for first in range(len(words)):
        for last in range(first + 2, len(words) + 1):
            yield b" ".join(words[first:last])


def _by_part() -> dict[bytes, tuple[bytes, ...]]:
    bodies: dict[bytes, tuple[bytes, ...]] = {}
    for body in sorted(PUBLIC_BODIES):
        for part in _parts(body):
            bodies[part] = (*bodies.get(part, ()), body)
    return bodies


_BODIES_BY_PART: Final = _by_part()


def is_public(name: bytes, around: bytes) -> bool:
    """Whether `name`, folded and in lower case, is a public body, or words of one that stands in `around`."""
    return name in PUBLIC_BODIES or any(body in around for body in _BODIES_BY_PART.get(name, ()))

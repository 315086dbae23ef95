"""Invented person names: plausible ones of several origins, and random syllables that no list holds.

The model must copy names that it has never seen, so the space of names is far larger than any training run;
`KNOWN` and `RESERVED` are disjoint, and training draws from `KNOWN` only, so a held-out set really is held out.
"""

from dataclasses import dataclass
from random import Random
from typing import Final


@dataclass(frozen=True)
class Pool:
    """Given names and surnames to draw from."""

    given: tuple[str, ...]
    """Given names, as they are written before a surname."""
    family: tuple[str, ...]
    """Surnames, with particles, hyphens, apostrophes and accents."""
    pieces: tuple[str, ...] = ()
    """Fragments of words; where there are some, half of the made-up names are random runs of them."""


def words(text: str) -> tuple[str, ...]:
    """Return the words of `text`, which blanks and line breaks separate."""
    return tuple(text.split())


KNOWN: Final = Pool(
    given=words(
        """
        Anna Maria John Robert Linda Susan David James Patricia Michael Elena Sofia Marta Jan Piotr Agnieszka
        Tomasz Katarzyna Lukas Hannah Jürgen Björn Søren Ingrid Astrid Pierre Chloé Léa François René Giulia
        Marco Lorenzo Carmen José Lucía Álvaro Inês João Paulo Fatima Omar Yusuf Aisha Leila Hassan Priya Arjun
        Ravi Sunita Deepak Wei Mei Jing Hiroshi Yuki Kenji Minh Linh Thanh Chinedu Amara Kwame Ngozi Zanele
        Thabo Olga Dmitri Natalia Ivan Svetlana Andrei Ioana Mihai Eszter László Zsófia Petra Jana Marek Dilek
        Emre Ayşe Nikos Eleni Grace Henry Walter Dorothy Frank Gloria Terrence Latoya Jamal Keisha Brian Sean
        Niamh Siobhán Callum Isla Rosa Miguel Ximena Diego
        """
    ),
    family=(
        *words(
            """
            Smith Johnson Brown Miller Davis Garcia Rodriguez Wilson Anderson Taylor Moore Jackson White Harris
            Clark Lewis Walker Young Allen Kowalski Nowak Wiśniewski Novák Horváth Nagy Popescu Ivanov Petrov
            Müller Schmidt Schneider Weiß Köhler Jansen Bakker Peeters Dubois Lefèvre Moreau Rossi Bianchi
            Ferrari Esposito Fernández López Sánchez Gonçalves Silva Almeida Hansen Larsen Lindqvist Virtanen
            Khan Ahmed Rahman Hussain Patel Sharma Gupta Iyer Chen Wang Zhang Liu Tanaka Suzuki Watanabe Nguyen
            Tran Pham Okafor Mensah Dlamini Nkosi Abebe Haddad Yılmaz Demir Papadopoulos Georgiou Byrne Murphy
            Gallagher Campbell Stewart Fraser Washington Jefferson
            """  # noqa: RUF001 - Turkish has an i without a dot
        ),
        *(
            "O'Brien",
            "O'Neill",
            "D'Angelo",
            "D'Souza",
            "McCarthy",
            "McKenzie",
            "van der Berg",
            "van Dijk",
            "de la Cruz",
            "de Souza",
        ),
        *(
            "García-López",
            "Smith-Jones",
            "Meyer-Vogt",
            "al-Masri",
            "El Amrani",
            "St. Clair",
            "von Hagen",
            "Di Stefano",
            "Le Goff",
            "Ben Ali",
        ),
    ),
)
RESERVED: Final = Pool(
    given=words(
        """
        Beatrix Cornelius Eduardo Felicity Gustavo Harriet Ignacio Jolanta Kristof Lavinia Mehmet Nadège Ottavio
        Pénélope Quentin Rosalind Sanjay Tatiana Ulrich Valérie Wilhelmina Xiaoming Yevgenia Zoltán Adwoa
        Bronwyn Cillian Dagmar Esperanza Farid
        """
    ),
    family=(
        *words(
            """
            Abernathy Bergström Castellanos Drummond Echeverría Fitzgerald Grünwald Hämäläinen Ibragimov
            Jankowska Kuznetsov Lombardi Montague Nakagawa Oyelaran Pemberton Quiroga Rasmussen Szczepański
            Thibault Underwood Vandermeer Whitaker Yamamoto Zimmermann
            """
        ),
        *("O'Sullivan", "D'Arcy", "MacGregor", "van den Heuvel", "de Oliveira", "Ortega-Ruiz", "al-Sayed"),
    ),
)


def made_up(rng: Random, pool: Pool, longest: int) -> str:
    """Return a capitalised random word of at most `longest` syllables, or of as many pieces of the pool."""
    count = rng.randint(1, longest)
    if pool.pieces and rng.random() < 0.5:
        return "".join(rng.choice(pool.pieces) for _ in range(count + 1)).capitalize()
    return syllables(rng, count)


def syllables(rng: Random, count: int) -> str:
    """Return a capitalised random word of `count` syllables; it may be hard to pronounce."""
    onsets = words("b c d f g h j k l m n p r s t v w z br ch cl cr dr fr gr kh kl kr pr sch sh st th tr vl w y zh")
    vowels = words("a e i o u a e i o ai ei ou ia ee aa y é ö á")
    codas = words("n r s l m t k nd rt ck x z ng st v d")
    return "".join(
        rng.choice((*onsets, "")) + rng.choice(vowels) + rng.choice(("", "", "", *codas)) for _ in range(count)
    ).capitalize()


def family_name(rng: Random, pool: Pool) -> str:
    """Return a surname: half from the pool, half made up, some of those double or with a prefix."""
    if rng.random() < 0.5:
        return rng.choice(pool.family)
    name = made_up(rng, pool, 3)
    shape = rng.random()
    if shape < 0.08:
        return f"{name}-{made_up(rng, pool, 2)}"
    if shape < 0.16:
        return rng.choice(("O'", "D'", "Mc", "Mac", "de ", "van ", "von ", "al-", "da ", "Di ")) + name
    return name


def given_name(rng: Random, pool: Pool) -> str:
    """Return a given name: half from the pool, half made up, a few double."""
    name = rng.choice(pool.given) if rng.random() < 0.5 else made_up(rng, pool, 3)
    return f"{name}-{rng.choice(pool.given)}" if rng.random() < 0.04 else name


@dataclass(frozen=True)
class Person:
    """A name in parts; how it is written is chosen once by `written` or `indexed`."""

    given: str
    """Given name."""
    middle: str
    """Middle initial with its full stop and a blank after it, a second name and a blank, or empty."""
    family: str
    """Surname."""

    @property
    def written(self) -> str:
        """The name in speaking order, without a title."""
        return f"{self.given} {self.middle}{self.family}"

    @property
    def indexed(self) -> str:
        """The name as card indexes have it: surname first."""
        return f"{self.family}, {self.given} {self.middle}".strip()


def person(rng: Random, pool: Pool) -> Person:
    """Draw one person."""
    kind = rng.random()
    if kind < 0.2:
        middle = rng.choice("ABCDEFGHIJKLMNOPRSTVWZ") + ". "
    elif kind < 0.27:
        middle = given_name(rng, pool) + " "
    else:
        middle = ""
    return Person(given_name(rng, pool), middle, family_name(rng, pool))

"""Triggers for quasi-identifiers; compiled only for a policy that wants them.

The words are English, Spanish, French and German, folded.
"""

from __future__ import annotations

from collections.abc import Iterable

from ringfence.recognize import looks_quasi as quasi
from ringfence.recognize.countries import COUNTRIES, NATIONALITIES, NATIONALITIES_EN
from ringfence.recognize.span import Spans
from ringfence.recognize.trigger import ANYCASE, SOM, Trigger, label

_AGE = frozenset({"AGE_UNDER_90"})
_SEX = frozenset({"SEX"})
_KIN = frozenset({"KINSHIP"})
_NUMBERS = (
    "un|una|one|two|three|four|five|six|seven|eight|nine|ten|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|"
    "once|doce|trece|catorce|"
    "quince|dieciseis|diecisiete|dieciocho|diecinueve|veinte|veinti[a-z]{3,6}|(?:treinta|cuarenta|cincuenta|"
    "sesenta|setenta|ochenta)"
    "(?: y (?:uno?|dos|tres|cuatro|cinco|seis|siete|ocho|nueve))?|"
    "deux|trois|quatre|cinq|sept|huit|neuf|dix|zwei|drei|vier|funf|sechs|sieben|acht|neun|zehn"
)
_SEXES = (
    "males?|females?|man|woman|boy|girl|gentleman|lady|transgender|nonbinary|non-binary|"
    "varon|varones|mujer|hombre|masculino|masculina|femenino|femenina|nin[oa]|anciano|anciana|senora|lactante|"
    "recien nacid[oa]|neonato|adolescente|"
    "homme|femme|garcon|fille|fillette|masculin|feminin|nourrisson|"
    "mann|frau|mannlich|mannliche[rn]?|weiblich|weibliche[rn]?|junge|madchen|saugling"
)
_KINSHIP = (
    "mother|father|parents?|brothers?|sisters?|siblings?|(?:his|her|their|my|the|a|one|whose|eldest|older|"
    "younger|'s) sons?|daughters?|child|children|wife|husband|spouse|"
    "partner|fiancee?|"
    "grand(?:mother|father|parents?|sons?|daughters?|child|children)|(?:great-)?(?:aunt|uncle)s?|cousins?|"
    "nephews?|nieces?|"
    "step(?:mother|father|brother|sister|son|daughter)|mother-in-law|father-in-law|twins?|relatives?|family|"
    "(?:dos |tres |cuatro |cinco |siete |ocho |\\d )?(?:madre|padres?|hij[oa]s?|herman[oa]s?|espos[oa]|marido|"
    "mujer|pareja|abuel[oa]s?|bisabuel[oa]s?|niet[oa]s?|ti[oa]s?|"
    "prim[oa]s? herman[oa]s?|prim[oa]s|sobrin[oa]s?|cunad[oa]s?|suegr[oa]s?|yern[oa]|nuera|progenitor(?:es)?|"
    "familiares?|familia|gemel[oa]s?)"
    "(?: (?:matern|patern)[oa]s?| varon(?:es)?| menor| mayor| gemel[oa]| mediano)?|prim[oa] (?:matern|"
    "patern)[oa]|matern[oa]|patern[oa]|"
    "mere|pere|parents|fils|fille|frere|soeur|sour|epou(?:x|se)|mari|conjointe?|grand-mere|grand-pere|oncle|"
    "tante|cousine?|neveu|niece|"
    "mutter|vater|eltern|bruder|schwester|geschwister|sohn|tochter|kinder|ehemann|ehefrau|gatte|gattin|grossmutter|"
    "grossvater|oma|opa|onkel|enkel(?:in)?|neffe|nichte|cousin|lebensgefahrt(?:e|in)"
)


def triggers() -> tuple[Trigger, ...]:
    """Ages, sex, kinship, countries, nationalities, years."""
    years = r"(?:years?|yrs?|anos|ano|ans|jahren?|jahrige[rsn]?)"
    parts = r"(?:months?|mos?|weeks?|wks?|days?|mes|meses|semanas|dias|mois|semaines|jours|monate?n?|wochen|tagen?)"
    of_age = r"(?:[ -]old|[ -]of[ -]age| de edad| de vida| d'age| alt)"
    names = sorted({name for row in COUNTRIES.values() for name in row})
    long = [name for name in names if len(name) >= quasi.PREFIX_BYTES]
    short = [name for name in names if len(name) < quasi.PREFIX_BYTES]
    return (
        Trigger(
            "age-years",
            rf"\b(?:\d{{1,2}}|{_NUMBERS})[ -]{{0,2}}{years}\b(?:[ -]old\b)?",
            ANYCASE | SOM,
            quasi.age,
            finds=_AGE,
        ),
        Trigger("age-short", r"\b\d{1,2} ?-?(?:y/?o|y\.o\.|y|a|A)\b", SOM, _short_age, finds=_AGE),
        Trigger(
            "age-parts",
            rf"\b(?:\d{{1,2}}|{_NUMBERS})[ -]{{0,2}}{parts}{of_age}\b",
            ANYCASE | SOM,
            quasi.age,
            finds=_AGE,
        ),
        Trigger(
            "age-under-label",
            rf"\b(?:aged?(?: of)?|edad(?: de)?|alter|turn(?:ed|s|ing)?|(?:she|he|i) (?:was|is)|i'm|age "
            rf"de)[\"']?[ ]{{0,2}}[:=]?[ ]{{0,2}}"
            rf"(?:\d{{1,2}}|{_NUMBERS})(?:[ -]{{0,2}}(?:{years}|{parts}|a))?\b",
            ANYCASE | SOM,
            quasi.labelled_age,
            finds=_AGE,
        ),
        Trigger(
            "age-parts-of",
            rf"\b(?:(?:varon|mujer|nin[oa]|lactante|paciente|bebe|neonato|hij[oa]|herman[oa]|"
            rf"male|female|boy|girl)"
            rf"(?: (?:mujer|varon|femenin[oa]|masculin[oa]))? (?:de|of)|aged) (?:\d{{1,2}}|[a-z]{2, 8}) {parts}\b",
            ANYCASE,
            quasi.parts,
            finds=_AGE,
        ),
        Trigger("sex", label(_SEXES), ANYCASE | SOM, quasi.word("SEX", 0.6), finds=_SEX),
        Trigger(
            "sex-label",
            r"\b(?:sexo?|sexe|gender|geschlecht|genero)['\"]?[ ]{0,2}[:=|]?[ ]{0,2}['\"]?[MFHVWDX]\b",
            ANYCASE,
            quasi.sex_letter,
            finds=_SEX,
        ),
        Trigger(
            "sex-short",
            r"\b\d{2} ?(?:yo|y/o|y\.o\.|y|-year-old|year old)?[ /-]?[MF]\b",
            SOM,
            _sex_after_age,
            finds=_SEX,
        ),
        Trigger("kinship", label(_KINSHIP), ANYCASE | SOM, quasi.kin, finds=_KIN),
        Trigger(
            "country",
            rf"\b(?:{'|'.join(sorted({_escaped(name[: quasi.PREFIX_BYTES].lower()) for name in long}))})",
            ANYCASE,
            quasi.capital(quasi.begun("COUNTRY", _folded(long))),
            finds=frozenset({"COUNTRY"}),
        ),
        Trigger(
            "country-short",
            label("|".join(short)),
            ANYCASE,
            quasi.capital(quasi.listed("COUNTRY", _folded(short))),
            finds=frozenset({"COUNTRY"}),
        ),
        Trigger(
            "nationality",
            label(NATIONALITIES),
            ANYCASE,
            quasi.listed("NATIONALITY", _folded(NATIONALITIES.split("|"))),
            finds=frozenset({"NATIONALITY"}),
        ),
        Trigger(
            "nationality-en",
            label(NATIONALITIES_EN),
            ANYCASE,
            quasi.capital(quasi.listed("NATIONALITY", _folded(NATIONALITIES_EN.split("|")))),
            finds=frozenset({"NATIONALITY"}),
        ),
        Trigger("year", r"\b(?:19\d{2}|20[0-3]\d)\b", SOM, quasi.year, finds=frozenset({"YEAR"})),
    )


def _escaped(names: str) -> str:
    return names.replace(".", r"\.")


def _folded(names: Iterable[str]) -> frozenset[bytes]:
    return frozenset(name.lower().encode("ascii") for name in names)


def _short_age(buf: bytes, start: int, end: int) -> Spans:
    """``45yo``, ``70 a``: the bare letter only after ``Edad`` or before a sex."""
    if buf[start:end].lower().endswith((b"yo", b"y/o", b"y.o.")):
        return quasi.age(buf, start, end)
    before = buf[max(0, start - 8) : start].lower()
    return quasi.age(buf, start, end) if b"edad" in before or b"age" in before or b"alter" in before else ()


def _sex_after_age(buf: bytes, _start: int, end: int) -> Spans:
    """The letter in ``45yoM``, ``62 F``: only behind ``y`` or a word for years."""
    head = buf[max(0, end - 8) : end - 1].lower()
    return quasi.sex_letter(buf, end - 1, end) if b"y" in head or b"old" in head else ()

"""Triggers for streets, postal codes, post boxes and coordinates."""

from __future__ import annotations

from ringfence.recognize import looks_places as places
from ringfence.recognize.trigger import ANYCASE, SOM, Trigger, label

_KINDS = (
    "Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Place|Pl|Way|Terrace|Square|Highway|Hwy|"
    "Close|Crescent|Parkway|Pkwy|Circle|Trail|Loop"
)
_CAPS = r"[A-Z\xc0][A-Za-z\xc0\xe0'-]{1,24}"
_GB = frozenset({"gb"})
_EU = frozenset({"es", "fr", "de"})


def triggers() -> tuple[Trigger, ...]:
    """Streets by country, ZIP lines, labels, coordinates."""
    return (
        Trigger(
            "street",
            rf"\b\d{{1,5}}[a-zA-Z]? (?:[NSEW]\.? )?(?:(?:{_CAPS} ){{1,3}}|\d{{1,3}}(?:st|nd|rd|th) )(?:{_KINDS}|"
            rf"{_KINDS.upper()})\b",
            SOM,
            places.street,
        ),
        Trigger(
            "street-de",
            r"\b[A-Z\xc0][A-Za-z\xc0\xe0-]{2,24}(?:strasse|str\.|weg|platz|gasse|allee|ring|damm|ufer|"
            r"STRASSE|STR\.|WEG|PLATZ|GASSE|ALLEE| Strasse| Str\.| Weg| Platz| Allee) \d{1,4} ?[a-z]?\b",
            SOM,
            places.street_romance,
        ),
        Trigger(
            "street-romance",
            r"\b(?:\d{1,4}(?: bis| ter)?,? (?:rue|avenue|av\.?|boulevard|bd|boul\.?|place|chemin|impasse|allee|quai|"
            r"cours|route|square|residence|passage|voie|faubourg) |"
            r"(?:(?:Calle|calle|Avenida|avenida|Avda|Avd|Av|Plaza|Pza|Plza|Paseo|Pso|P[o\x80]|P\.[o\x80]|"
            r"Carretera|Ctra|Glorieta|"
            r"Camino|Ronda|Rondilla|Travesia|Urbanizacion|Urb|Poligono|Rambla|Via|Rua|Carrera|Callejon|Cuesta|"
            r"Costanilla|Pasaje|"
            r"Barrio|Paraje)[.,/]{0,2} |(?:C|c|Av|Avda)(?:/|\\)\.? ?)"
            r"[^\n;:()]{1,44}[ ,.#](?:n[o\x80]?[. ]{0,2}|num(?:ero|\.)? |km\.? )?(?:\d{1,4}[A-Z]?\b|s/n|sn\b))",
            SOM,
            places.street_romance,
        ),
        Trigger(
            "street-plain",
            r"(?:\d|s/n)(?:,? ?[0-9][oa]?)?[.,]?(?: -)? (?:E-? ?)?\d{5}\b",
            0,
            places.street_plain,
            locales=_EU,
        ),
        Trigger("zip-line", r"\b[A-Z]{2},? \d{5}(?:-\d{4})?\b", SOM, places.zip_line),
        Trigger(
            "town-line",
            r"(?:\b[A-Z]{1,2}-)?\b\d{5}(?:,? | - |-)[A-Z\xc0][a-z\xe0]{2,24}(?:[ -][A-Z\xc0][a-z\xe0]{2,24})?\b",
            SOM,
            places.town_line,
            locales=_EU,
        ),
        Trigger(
            "postcode", r"\b[A-PR-UWYZ][A-HK-Y]?\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}\b", SOM, places.postcode, locales=_GB
        ),
        Trigger(
            "post-box",
            r"\b(?:P\.? ?O\.? Box|Post Office Box|Apartado de Correos|Apdo\.?(?: de Correos)?|Postfach(?: \d\d){0,2}|"
            r"Boite Postale|"
            r"(?:PSC|CMR|Unit) \d{1,5},? Box) \d{1,6}\b",
            ANYCASE | SOM,
            places.box,
        ),
        Trigger(
            "zip",
            label(r"zip(?: ?code)?|postal code|post ?code|plz|postleitzahl|c\.?p\.?|codigo postal|code postal"),
            ANYCASE,
            places.zip_code,
        ),
        Trigger(
            "address",
            label(
                "(?:home |street |mailing |postal |billing |shipping )?address|direccion|domicilio|adresse|anschrift|"
                "wohnhaft in|domicile"
            ),
            ANYCASE,
            places.address,
        ),
        Trigger(
            "coordinates",
            r"[+-]?\d{1,2}\.\d{4,12}[NS]?[ ]?[,;/ ][ ]?[+-]?\d{1,3}\.\d{4,12}|"
            r"\d{1,3}\x80 ?\d{1,2}(?:\.\d{1,6})?['\x80] ?(?:\d{1,2}(?:\.\d{1,6})?(?:\"|'') ?)?[NSEWO]\b",
            SOM,
            places.coordinates,
        ),
        Trigger("coordinate", label(r"lat(?:itude|itud)?|lon(?:g|gitude|gitud)?|lng"), ANYCASE, places.coordinate),
    )

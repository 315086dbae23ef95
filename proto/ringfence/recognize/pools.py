"""The closed pools that surrogate persons, places and organisations are drawn from: invented, natural, nobody's.

Each name is a stem and an ending, and each word stands for itself alone: pools share no word, so half a name is known
without the other. None is a surname or given name of the US census (1990 and 2010 lists), or a word that is written in
English, Spanish, French or German text often enough to have a frequency.
"""

from __future__ import annotations


def _names(stems: str, endings: str) -> tuple[str, ...]:
    return tuple(stem + ending for stem in stems.split() for ending in endings.split())


_FIRST_STEMS = (
    "Arv Belv Caldr Dorv Eldr Fenv Galvr Hestr Isvr Jorv Keldr Lorv Merv Nevr Orv Pelv Quendr Rosv Sylv Tavr Ansk "
    "Brenv Corvan Delm Elvar Faldr Grend Halv Ildr Jendr Kasv Lendr Mordr Nald Osvar Pendr Rendr Saldr Teldr Vendr "
    "Abr Benv Cadr Dalm Edw Fersk Gond Havr Isk Jalv Kesv Ludr Malv Norv Olv Perv Quelm Ruv Sevr Tolm Ulm Varn Welv "
    "Xandr Yelv Zorv Aldr Brond Cresv Druv Emv Fintr Gelm Holdr Ivr Jask Kolm Lirv Menv Nesk Odr Palv Rask Skelv Thirv "
    "Ustr Vosk Wrend Yandr Zelv Bastr Corm Dusk Elsk Fruv Gisv Hesk Irm Julv Karst"
)

FEMALE_NAMES = _names(
    _FIRST_STEMS, "ella ennia imonda orwenna ustra athra ellith ovana yriane issela avira enelle oressa amina"
)
"""1,400 given names of women."""
MALE_NAMES = _names(_FIRST_STEMS, "avel ennic imond orwyn astor athorn ellic ovan yrian issel avon eneth oric amund")
"""1,400 given names of men."""
LAST_NAMES = _names(
    "Ashk Brack Crest Drav Elmsk Farnd Grimv Hollv Ingr Kestr Lanv Morv Northv Osk Pellv Ravv Stanv Thornv Ulvr Wexl "
    "Aldv Birsk Calv Dornv Eskl Fenst Garv Hask Irv Jarv Kolv Lunv Merst Nolv Orsk Prenn Quarv Rostr Selv Torv Urst "
    "Valdr Wolst Yarv Zelm Brisk Carst Dunv",
    "amoor andrell arvex elquist emsby enthal erval eskar ethorn evarre immick inholt istrel ivant olmar ondale orvane "
    "uldrick umfrey yvern anwick ebrook edahl elund erstam esworth ibrand ingard olsen ombier onescu ovitz uchamp "
    "ueneau ulez umbrosa azar elini ardez eira",
)
"""1,920 surnames."""
PLACES = _names(
    "Quorn Velm Tarrow Brinsk Oldarv Fensk Marrov Hestil Ulmarsk Dravel Corst Yelm Wexen Larrow Pendar Nordesk Aldrov "
    "Silmar Tolv Harrov Ostel Rendal Kilmarsk Vashel Gellin Morsk Edrin Thalv Zorrin Bravel",
    "ick mere holt gate burgh ford stead wick mouth haven field bury dorf ville ona ares aux stetten tal ingen",
)
"""600 names of towns, streets, facilities and organisations."""

PERSON_WORDS = frozenset(name.lower() for name in (*FEMALE_NAMES, *MALE_NAMES, *LAST_NAMES))
"""Every word of a surrogate person."""
PLACE_WORDS = frozenset(name.lower() for name in PLACES)
"""Every word of a surrogate place or organisation that is not generic; numbers and postcodes stand beside them."""

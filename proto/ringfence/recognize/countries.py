"""Countries: their ISO 3166-1 codes and their names in English, Spanish, French and German, folded.

Source: Unicode CLDR 48, territory names (Unicode licence v3), without the names that are more often a person's or a
town's (Maurice, Dominique, Granada), and with the short and former names in use.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_TABLE = """
AD:Andorra|Andorre
AE:United_Arab_Emirates|Emiratos_Arabes_Unidos|Emirats_arabes_unis|Vereinigte_Arabische_Emirate
AF:Afghanistan|Afganistan
AG:Antigua_&_Barbuda|Antigua_y_Barbuda|Antigua-et-Barbuda|Antigua_und_Barbuda
AI:Anguilla|Anguila
AL:Albania|Albanie|Albanien
AM:Armenia|Armenie|Armenien
AO:Angola
AQ:Antarctica|Antartida|Antarctique|Antarktis
AR:Argentina|Argentine|Argentinien
AS:American_Samoa|Samoa_Americana|Samoa_americaines|Amerikanisch-Samoa
AT:Austria|Autriche|Osterreich
AU:Australia|Australie|Australien
AW:Aruba
AX:Aland_Islands|Islas_Aland|Iles_Aland|Alandinseln
AZ:Azerbaijan|Azerbaiyan|Azerbaidjan|Aserbaidschan
BA:Bosnia_&_Herzegovina|Bosnia_y_Herzegovina|Bosnie-Herzegovine|Bosnien_und_Herzegowina|Bosnia|Bosnie|Bosnien
BB:Barbados|Barbade
BD:Bangladesh|Banglades|Bangladesch
BE:Belgium|Belgica|Belgique|Belgien
BF:Burkina_Faso
BG:Bulgaria|Bulgarie|Bulgarien
BH:Bahrain|Barein|Bahrein
BI:Burundi
BJ:Benin
BL:St._Barthelemy|Saint-Barthelemy
BM:Bermuda|Bermudas|Bermudes
BN:Brunei|Brunei_Darussalam
BO:Bolivia|Bolivie|Bolivien
BQ:Caribbean_Netherlands|Caribe_neerlandes|Pays-Bas_caribeens|Karibische_Niederlande
BR:Brazil|Brasil|Bresil|Brasilien
BS:Bahamas
BT:Bhutan|Butan|Bhoutan
BV:Bouvet_Island|Isla_Bouvet|Ile_Bouvet|Bouvetinsel
BW:Botswana|Botsuana
BY:Belarus|Bielorrusia|Bielorussie
BZ:Belize|Belice
CA:Canada|Kanada
CC:Cocos_Islands|Islas_Cocos|Iles_Cocos|Kokosinseln
CD:Republica_Democratica_del_Congo|Congo-Kinshasa|Kongo-Kinshasa|Kongo
CF:Central_African_Republic|Republica_Centroafricana|Republique_centrafricaine|Zentralafrikanische_Republik
CG:Congo|Congo-Brazzaville|Kongo-Brazzaville
CH:Switzerland|Suiza|Suisse|Schweiz
CI:Cote_d'Ivoire|Ivory_Coast|Costa_de_Marfil|Elfenbeinkuste
CK:Cook_Islands|Islas_Cook|Iles_Cook|Cookinseln
CL:Chile|Chili
CM:Cameroon|Camerun|Cameroun|Kamerun
CN:China|Chine
CO:Colombia|Colombie|Kolumbien
CR:Costa_Rica
CU:Cuba|Kuba
CV:Cape_Verde|Cabo_Verde|Cap-Vert|Kap_Verde
CW:Curacao|Curazao
CX:Christmas_Island|Isla_de_Navidad|Ile_Christmas|Weihnachtsinsel
CY:Cyprus|Chipre|Chypre|Zypern
CZ:Czechia|Chequia|Tchequie|Tschechien|Czech_Republic|Republica_Checa|Republique_tcheque
DE:Germany|Alemania|Allemagne|Deutschland
DJ:Djibouti|Yibuti|Dschibuti
DK:Denmark|Dinamarca|Danemark
DM:Dominica
DO:Dominican_Republic|Republica_Dominicana|Republique_dominicaine|Dominikanische_Republik
DZ:Algeria|Argelia|Algerie|Algerien
EC:Ecuador|Equateur
EE:Estonia|Estonie|Estland
EG:Egypt|Egipto|Egypte|Agypten
EH:Western_Sahara|Sahara_Occidental|Sahara_occidental|Westsahara
ER:Eritrea|Erythree
ES:Spain|Espana|Espagne|Spanien
ET:Ethiopia|Etiopia|Ethiopie|Athiopien
FI:Finland|Finlandia|Finlande|Finnland
FJ:Fiji|Fiyi|Fidji|Fidschi
FK:Falkland_Islands|Islas_Malvinas|Iles_Malouines|Falklandinseln
FM:Micronesia|Micronesie|Mikronesien
FO:Faroe_Islands|Islas_Feroe|Iles_Feroe|Faroer
FR:France|Francia|Frankreich
GA:Gabon|Gabun
GB:United_Kingdom|Reino_Unido|Royaume-Uni|Vereinigtes_Konigreich|England|Scotland|Wales|Northern_Ireland
GB:Great_Britain|Inglaterra|Escocia|Gales|Angleterre|Ecosse|Grande-Bretagne|Schottland|Grossbritannien
GD:Grenada|Grenade
GE:Georgia|Georgie|Georgien
GF:French_Guiana|Guayana_Francesa|Guyane_francaise|Franzosisch-Guayana
GG:Guernsey|Guernesey
GH:Ghana
GI:Gibraltar
GL:Greenland|Groenlandia|Groenland|Gronland
GM:Gambia|Gambie
GN:Guinea|Guinee
GP:Guadeloupe|Guadalupe
GQ:Equatorial_Guinea|Guinea_Ecuatorial|Guinee_equatoriale|Aquatorialguinea
GR:Greece|Grecia|Grece|Griechenland
GS:South_Georgia_&_South_Sandwich_Islands|Islas_Georgia_del_Sur_y_Sandwich_del_Sur
GS:Georgie_du_Sud-et-les_Iles_Sandwich_du_Sud|Sudgeorgien_und_die_Sudlichen_Sandwichinseln
GT:Guatemala
GU:Guam
GW:Guinea-Bissau|Guinea-Bisau|Guinee-Bissau
GY:Guyana
HK:Hong_Kong|Hongkong
HM:Heard_&_McDonald_Islands|Islas_Heard_y_McDonald|Iles_Heard-et-MacDonald|Heard_und_McDonaldinseln
HN:Honduras
HR:Croatia|Croacia|Croatie|Kroatien
HT:Haiti
HU:Hungary|Hungria|Hongrie|Ungarn
ID:Indonesia|Indonesie|Indonesien
IE:Ireland|Irlanda|Irlande|Irland
IL:Israel
IM:Isle_of_Man|Isla_de_Man|Ile_de_Man
IN:India|Inde|Indien
IO:British_Indian_Ocean_Territory|Territorio_Britanico_del_Oceano_Indico
IO:Territoire_britannique_de_l'ocean_Indien|Britisches_Territorium_im_Indischen_Ozean
IQ:Iraq|Irak
IR:Iran
IS:Iceland|Islandia|Islande|Island
IT:Italy|Italia|Italie|Italien
JE:Jersey
JM:Jamaica|Jamaique|Jamaika
JO:Jordan|Jordania|Jordanie|Jordanien
JP:Japan|Japon
KE:Kenya|Kenia
KG:Kyrgyzstan|Kirguistan|Kirghizstan|Kirgisistan
KH:Cambodia|Camboya|Cambodge|Kambodscha
KI:Kiribati
KM:Comoros|Comoras|Comores|Komoren
KN:St._Kitts_&_Nevis|San_Cristobal_y_Nieves|Saint-Christophe-et-Nieves|St._Kitts_und_Nevis
KP:North_Korea|Corea_del_Norte|Coree_du_Nord|Nordkorea
KR:South_Korea|Corea_del_Sur|Coree_du_Sud|Sudkorea|Korea|Corea|Coree
KW:Kuwait|Koweit
KY:Cayman_Islands|Islas_Caiman|Iles_Caimans|Kaimaninseln
KZ:Kazakhstan|Kazajistan|Kasachstan
LA:Laos
LB:Lebanon|Libano|Liban|Libanon
LC:St._Lucia|Sainte-Lucie
LI:Liechtenstein
LK:Sri_Lanka
LR:Liberia
LS:Lesotho|Lesoto
LT:Lithuania|Lituania|Lituanie|Litauen
LU:Luxembourg|Luxemburgo|Luxemburg
LV:Latvia|Letonia|Lettonie|Lettland
LY:Libya|Libia|Libye|Libyen
MA:Morocco|Marruecos|Maroc|Marokko
MC:Monaco
MD:Moldova|Moldavia|Moldavie|Republik_Moldau
ME:Montenegro
MF:
MG:Madagascar|Madagaskar
MH:Marshall_Islands|Islas_Marshall|Iles_Marshall|Marshallinseln
MK:North_Macedonia|Macedonia_del_Norte|Macedoine_du_Nord|Nordmazedonien|Macedonia|Macedoine
ML:Mali
MM:Myanmar|Burma|Birmania|Birmanie
MN:Mongolia|Mongolie|Mongolei
MO:Macau|Macao
MP:Northern_Mariana_Islands|Islas_Marianas_del_Norte|Iles_Mariannes_du_Nord|Nordliche_Marianen
MQ:Martinique|Martinica
MR:Mauritania|Mauritanie|Mauretanien
MS:Montserrat
MT:Malta|Malte
MU:Mauritius|Mauricio
MV:Maldives|Maldivas|Malediven
MW:Malawi|Malaui
MX:Mexico|Mexique|Mexiko
MY:Malaysia|Malasia|Malaisie
MZ:Mozambique|Mosambik
NA:Namibia|Namibie
NC:New_Caledonia|Nueva_Caledonia|Nouvelle-Caledonie|Neukaledonien
NE:Niger
NF:Norfolk_Island|Isla_Norfolk|Ile_Norfolk|Norfolkinsel
NG:Nigeria
NI:Nicaragua
NL:Netherlands|Paises_Bajos|Pays-Bas|Niederlande|Holland|Holanda|Hollande
NO:Norway|Noruega|Norvege|Norwegen
NP:Nepal
NR:Nauru
NU:
NZ:New_Zealand|Nueva_Zelanda|Nouvelle-Zelande|Neuseeland
OM:Oman
PA:Panama
PE:Peru|Perou
PF:French_Polynesia|Polinesia_Francesa|Polynesie_francaise|Franzosisch-Polynesien
PG:Papua_New_Guinea|Papua_Nueva_Guinea|Papouasie-Nouvelle-Guinee|Papua-Neuguinea
PH:Philippines|Filipinas|Philippinen
PK:Pakistan
PL:Poland|Polonia|Pologne|Polen
PM:St._Pierre_&_Miquelon|San_Pedro_y_Miquelon|Saint-Pierre-et-Miquelon|St._Pierre_und_Miquelon
PN:Pitcairn_Islands|Islas_Pitcairn|Iles_Pitcairn|Pitcairninseln
PR:Puerto_Rico|Porto_Rico
PS:Palestinian_Territories|Territorios_Palestinos|Territoires_palestiniens|Palastinensische_Autonomiegebiete
PS:Palestine|Palestina|Palastina
PT:Portugal
PW:Palau|Palaos
PY:Paraguay
QA:Qatar|Catar|Katar
RE:
RO:Romania|Rumania|Roumanie|Rumanien
RS:Serbia|Serbie|Serbien
RU:Russia|Rusia|Russie|Russland|Russian_Federation
RW:Rwanda|Ruanda
SA:Saudi_Arabia|Arabia_Saudi|Arabie_saoudite|Saudi-Arabien
SB:Solomon_Islands|Islas_Salomon|Iles_Salomon|Salomonen
SC:Seychelles|Seychellen
SD:Sudan|Soudan
SE:Sweden|Suecia|Suede|Schweden
SG:Singapore|Singapur|Singapour
SH:St._Helena|Sainte-Helene
SI:Slovenia|Eslovenia|Slovenie|Slowenien
SJ:Svalbard_&_Jan_Mayen|Svalbard_y_Jan_Mayen|Svalbard_et_Jan_Mayen|Spitzbergen_und_Jan_Mayen
SK:Slovakia|Eslovaquia|Slovaquie|Slowakei
SL:Sierra_Leone|Sierra_Leona
SM:San_Marino
SN:Senegal
SO:Somalia|Somalie
SR:Suriname|Surinam
SS:South_Sudan|Sudan_del_Sur|Soudan_du_Sud|Sudsudan
ST:Sao_Tome_&_Principe|Santo_Tome_y_Principe|Sao_Tome-et-Principe|Sao_Tome_und_Principe
SV:El_Salvador
SX:
SY:Syria|Siria|Syrie|Syrien
SZ:Eswatini|Esuatini|Swaziland
TC:Turks_&_Caicos_Islands|Islas_Turcas_y_Caicos|Iles_Turques-et-Caiques|Turks-_und_Caicosinseln
TD:Chad|Tchad|Tschad
TF:French_Southern_Territories|Territorios_Australes_Franceses|Terres_australes_francaises
TF:Franzosische_Sud-_und_Antarktisgebiete
TG:Togo
TH:Thailand|Tailandia|Thailande
TJ:Tajikistan|Tayikistan|Tadjikistan|Tadschikistan
TK:Tokelau
TL:Timor-Leste|Timor_oriental
TM:Turkmenistan
TN:Tunisia|Tunez|Tunisie|Tunesien
TO:Tonga
TR:Turkiye|Turquia|Turquie|Turkei|Turkey
TT:Trinidad_&_Tobago|Trinidad_y_Tobago|Trinite-et-Tobago|Trinidad_und_Tobago|Trinidad
TV:Tuvalu
TW:Taiwan
TZ:Tanzania|Tanzanie|Tansania
UA:Ukraine|Ucrania
UG:Uganda|Ouganda
UM:U.S._Outlying_Islands|Iles_mineures_eloignees_des_Etats-Unis|Amerikanische_Uberseeinseln
US:United_States|Estados_Unidos|Etats-Unis|Vereinigte_Staaten|USA|EEUU|United_States_of_America
UY:Uruguay
UZ:Uzbekistan|Ouzbekistan|Usbekistan
VA:Vatican_City|Ciudad_del_Vaticano|Etat_de_la_Cite_du_Vatican|Vatikanstadt
VC:St._Vincent_&_Grenadines|San_Vicente_y_las_Granadinas|Saint-Vincent-et-les_Grenadines
VC:St._Vincent_und_die_Grenadinen
VE:Venezuela
VG:British_Virgin_Islands|Islas_Virgenes_Britanicas|Iles_Vierges_britanniques|Britische_Jungferninseln
VI:U.S._Virgin_Islands|Iles_Vierges_des_Etats-Unis|Amerikanische_Jungferninseln
VN:Vietnam|Viet_Nam
VU:Vanuatu
WF:Wallis_&_Futuna|Wallis_y_Futuna|Wallis-et-Futuna|Wallis_und_Futuna
WS:Samoa
YE:Yemen|Jemen
YT:Mayotte
ZA:South_Africa|Sudafrica|Afrique_du_Sud|Sudafrika
ZM:Zambia|Zambie|Sambia
ZW:Zimbabwe|Zimbabue|Simbabwe
"""


def _names() -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for row in _TABLE.split():
        code, _, listed = row.partition(":")
        names[code] = names.get(code, ()) + tuple(listed.replace("_", " ").split("|")) * bool(listed)
    return names


COUNTRIES: Mapping[str, tuple[str, ...]] = MappingProxyType(_names())
"""ISO 3166-1 alpha-2 code to the names of the country."""

NATIONALITIES_EN = (
    "American|British|English|Scottish|Welsh|Irish|French|German|Spanish|Italian|Portuguese|Dutch|Belgian|Swiss|"
    "Austrian|Danish|Swedish|Norwegian|Finnish|Icelandic|Polish|Czech|Slovak|Slovenian|Hungarian|Romanian|Bulgarian|"
    "Greek|Turkish|Cypriot|Maltese|Croatian|Serbian|Bosnian|Albanian|Macedonian|Montenegrin|Kosovar|Ukrainian|Russian|"
    "Belarusian|Moldovan|Estonian|Latvian|Lithuanian|Georgian|Armenian|Azerbaijani|Kazakh|Uzbek|Chinese|Japanese|"
    "Korean|Vietnamese|Thai|Filipino|Filipina|Indonesian|Malaysian|Singaporean|Indian|Pakistani|Bangladeshi|Nepalese|"
    "Nepali|Sri Lankan|Afghan|Iranian|Iraqi|Syrian|Lebanese|Jordanian|Palestinian|Israeli|Saudi|Yemeni|Kuwaiti|Qatari|"
    "Emirati|Egyptian|Libyan|Tunisian|Algerian|Moroccan|Sudanese|Ethiopian|Eritrean|Somali|Kenyan|Ugandan|Tanzanian|"
    "Rwandan|Nigerian|Ghanaian|Senegalese|Malian|Cameroonian|Congolese|Angolan|Zimbabwean|Zambian|South African|"
    "Canadian|Mexican|Guatemalan|Honduran|Salvadoran|Nicaraguan|Costa Rican|Panamanian|Cuban|Dominican|Haitian|"
    "Jamaican|Puerto Rican|Colombian|Venezuelan|Ecuadorian|Peruvian|Bolivian|Chilean|Argentine|Argentinian|Uruguayan|"
    "Paraguayan|Brazilian|Australian|New Zealander|Hispanic|Latino|Latina"
)
"""English adjectives of nationality, as alternatives of an expression; they count with a capital only (``polish``)."""

NATIONALITIES = (
    # Spanish
    "espanol|espanola|frances|francesa|aleman|alemana|italiano|italiana|portugues|portuguesa|ingles|inglesa|"
    "britanico|britanica|irlandes|irlandesa|holandes|holandesa|belga|suizo|suiza|austriaco|austriaca|sueco|sueca|"
    "noruego|noruega|danes|danesa|polaco|polaca|checo|checa|hungaro|hungara|rumano|rumana|bulgaro|bulgara|griego|"
    "griega|turco|turca|ucraniano|ucraniana|ruso|rusa|chino|china|japones|japonesa|coreano|coreana|filipino|filipina|"
    "indio|pakistani|bangladesi|afgano|afgana|irani|iraqui|sirio|siria|libanes|libanesa|marroqui|argelino|argelina|"
    "tunecino|tunecina|egipcio|egipcia|senegales|senegalesa|nigeriano|nigeriana|ghanes|ghanesa|guineano|guineana|"
    "maliense|camerunes|camerunesa|congoleno|congolena|subsahariano|subsahariana|mexicano|mexicana|cubano|cubana|"
    "dominicano|dominicana|colombiano|colombiana|venezolano|venezolana|ecuatoriano|ecuatoriana|peruano|peruana|"
    "boliviano|boliviana|chileno|chilena|argentino|argentina|uruguayo|uruguaya|paraguayo|paraguaya|brasileno|"
    "brasilena|hondureno|hondurena|salvadoreno|salvadorena|nicaraguense|guatemalteco|guatemalteca|estadounidense|"
    "canadiense|australiano|australiana|"
    # French
    "francais|francaise|allemand|allemande|espagnol|espagnole|italien|italienne|portugais|portugaise|anglais|anglaise|"
    "britannique|irlandais|irlandaise|neerlandais|neerlandaise|suisse|autrichien|autrichienne|suedois|suedoise|"
    "norvegien|norvegienne|danois|danoise|polonais|polonaise|tcheque|hongrois|hongroise|roumain|roumaine|bulgare|grec|"
    "grecque|turc|turque|ukrainien|ukrainienne|russe|chinois|chinoise|japonais|japonaise|coreen|coreenne|indien|"
    "indienne|pakistanais|pakistanaise|afghan|afghane|iranien|iranienne|irakien|irakienne|syrien|syrienne|libanais|"
    "libanaise|marocain|marocaine|algerien|algerienne|tunisien|tunisienne|egyptien|egyptienne|senegalais|senegalaise|"
    "malien|malienne|ivoirien|ivoirienne|camerounais|camerounaise|congolais|congolaise|malgache|canadien|canadienne|"
    "quebecois|quebecoise|americain|americaine|mexicain|mexicaine|bresilien|bresilienne|haitien|haitienne|"
    # German, without endings
    "deutsch|deutsche|deutscher|franzosisch|franzosische|franzosischer|italienisch|italienische|italienischer|"
    "spanisch|spanische|spanischer|portugiesisch|portugiesische|britisch|britische|britischer|englisch|englische|"
    "niederlandisch|niederlandische|schweizer|schweizerin|osterreichisch|osterreichische|osterreicher|"
    "osterreicherin|polnisch|polnische|polnischer|tschechisch|tschechische|ungarisch|ungarische|rumanisch|rumanische|"
    "bulgarisch|bulgarische|griechisch|griechische|turkisch|turkische|turkischer|ukrainisch|ukrainische|russisch|"
    "russische|russischer|kroatisch|kroatische|serbisch|serbische|syrisch|syrische|syrischer|afghanisch|afghanische|"
    "iranisch|iranische|irakisch|irakische|marokkanisch|marokkanische|tunesisch|tunesische|chinesisch|chinesische|"
    "japanisch|japanische|indisch|indische|vietnamesisch|vietnamesische|amerikanisch|amerikanische|kosovarisch"
)
"""Spanish, French and German ones, folded: the commoner countries of origin."""

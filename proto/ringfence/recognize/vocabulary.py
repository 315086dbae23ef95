"""Words that the recognisers know: labels of fields, titles, months, and what no name contains.

English first, then Spanish, French and German. All are written folded (no accents), in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


def _words(text: str) -> frozenset[bytes]:
    return frozenset(text.encode("ascii").split())


PERSON_LABELS = (
    r"patient(?:[ -]?name)?|pt|full[ -]?name|name|first[ -]?name|last[ -]?name|surname|"
    r"customer(?:[ -]?name)?|client(?:[ -]?name)?|(?:account|card|policy)[ -]?holder|cardholder|"
    r"account owner|member(?:[ -]?name)?|subscriber|insured|beneficiary|payee|payer|remitter|debtor|"
    r"creditor|co-?signer|guarantor|applicant|borrower|attending(?: ?physician)?|physician|consultant|"
    r"surgeon|provider|nurse|referred ?by|referring physician|signed(?: by)?|electronically signed by|"
    r"dictated by|reviewed by|handled ?by|prepared by|adviser|advisor|contact(?: person)?|"
    r"emergency[ -]?contact|next[ -]?of[ -]?kin|nok|guardian|spouse|caregiver|employee|agent|paciente|"
    r"nombre(?: completo)?|apellidos?|cliente|titular|medico(?: responsable)?|firmado(?: por)?|contacto|"
    r"prenom|nom complet|titulaire|medecin(?: traitant)?|signe par|beneficiaire|patientin|vorname|"
    r"nachname|familienname|kunde|kundin|kontoinhaber(?:in)?|arzt|aerztin|arztin|behandelnder arzt|"
    r"unterzeichnet|ansprechpartner"
)
"""Labels before a person's name."""

MARKED_PERSON_LABELS = (
    r"n|mother|father|husband|wife|daughter|son|brother|sister|partner|from|to|cc|attn|sender|recipient|"
    r"author|user|subject|re|caller|nom"
)
"""Words that are labels only with a mark after them (``From:``), or on a line with the name (``To Anna Smith``)."""

ID_LABELS: Mapping[str, str] = MappingProxyType(
    {
        "MRN": (
            r"e?mrn|medical record|med(?:ical)? rec|medical rec|(?:patient|pt|subject|study|participant)[ -]?id|"
            r"patient no|"
            r"patient number|"
            r"hospital|chart|record|nhc|cipa|n\.?h\.?c\.?|"
            r"historia(?: clinica)?|h\.?[ªa]?c\.?|"
            r"numero de historia|dossier(?: medical)?|ipp|nip|patienten(?:nummer|nr|-?id)|fallnummer|aufnahmenummer|"
            r"encounter|visit|accession|episodio|n[o\x80] ?(?:de )?historia"
        ),
        "CASE_ID": (
            r"case|reference|our ref|your ref|ref|file|ticket|claim|incident|matter|complaint|caso|expediente|exp|"
            r"referencia|"
            r"reference dossier|aktenzeichen|az|vorgang(?:snummer)?|geschaftszeichen|referenz|number|sample|order|"
            r"terminal|transaction|"
            r"specimen|invoice|customer[ -]?id|client[ -]?id|customer number|kundennummer|numero de cliente|"
            r"employee[ -]?id|badge|(?:site|unique|trial|study|person|record|tracking|external|internal)[ "
            r"-]?id(?:entifier)?|id|uid|"
            r"contrat|contrato|contract|vertrag(?:snummer)?|prestamo|siniestro|incidencia|ficha de cliente|fiche "
            r"client|factura|facture|rechnung(?:snummer)?|pedido|konsil|unique identifier|identifier|tracking|"
            r"booking|confirmation"
        ),
        "ACCOUNT": (
            r"account(?: ref)?|acct|a/c|loan|branch|sort ?code|routing|aba|rtn|konto(?:nummer)?|blz|bankleitzahl|"
            r"cuenta|compte|rib|wire|ccc|iban"
        ),
        "INSURANCE_ID": (
            r"(?:health )?insurance(?: (?:policy|plan|card))?(?: id)?|policy|ins(?:ur(?:er|ed))?\.?|insurer id|"
            r"(?:health )?plan|plan id|"
            r"member(?:[ -]?id)?|beneficiary|hicn|coverage|"
            r"subscriber[ -]?id|group|medicare|medicaid|"
            r"mbi|"
            r"nhs|versicherten(?:nummer|nr)|versicherung(?:snummer)?|krankenversicherungsnummer|kvnr|poliza|"
            r"aseguradora|mutuelle|"
            r"numero de securite sociale|n[o\x80] ?de securite sociale|n[o\x80] ?secu|nir|cip|cip autonomico|"
            r"tarjeta sanitaria|tsi|"
            r"nass|nuss|n\.?s\.?s\.?|seguridad social|rentenversicherungsnummer|rvnr|"
            r"sozialversicherungsnummer"
        ),
        "TAX_ID": (
            r"tax(?:no)?|tin|ein|vat|itin|steuer(?:nummer|nr|-id|id)?|idnr|nif|nie|dni|cif|siret|siren|utr|nino|"
            r"national insurance|tva|ust-?id(?:nr)?|aadha?ar|uidai|nric|codice fiscale|bsn|cpf|cnpj|curp|"
            r"pesel|personnummer"
        ),
        "DOCUMENT_ID": (
            r"passport|driv(?:er'?s?|ing) licen[cs]e|licen[cs]e|dl|dea|certificate|cert|lic|registration|reg|gmc|"
            r"nmc|pasaporte|"
            r"passeport|reisepass|"
            r"ausweis(?:nummer)?|personalausweis|permis|carnet de conducir|titre de sejour|visa number|green card|"
            r"n[o\x80]? ?\.? ?col(?:egiad[oa])?|num\.? ?col(?:egiad[oa])?|colegiad[oa]|rpps|adeli|lanr|bsnr|"
            r"state license"
        ),
        "VEHICLE_ID": (
            r"vin|licen[cs]e plate|number plate|plate|kennzeichen|matricula|immatriculation|plaque(?: "
            r"d'immatriculation)?|"
            r"chassis|chasis|fin|fahrgestell(?:nummer)?|bastidor"
        ),
        "DEVICE_ID": (
            r"serial|s/n|imei|device(?: id)?|udi|implant|pacemaker|imsi|iccid|meid|idfa|gaid|android id|"
            r"n[o\x80] ?de serie|numero de serie|seriennummer|lot|asset(?: tag)?|pump|ventilator|lead"
        ),
    }
)
"""Entity type to the labels before such a number."""

WEAK_ID_LABELS = _words(
    "record hospital chart visit case reference file ticket claim incident matter complaint caso vorgang "
    "number sample order terminal id "
    "transaction specimen invoice account loan branch insurance policy member group tax licence license "
    "certificate serial device plate "
    "implant wire swift routing konto cuenta compte dossier encounter ref medicare medicaid kunde badge vat dl "
    "re swift iban plate permis historia episodio exp az uid identifier tracking booking confirmation rib ins "
    "ins. insurer insured "
    "plan beneficiary coverage nir cip cif nie tin reg lic cert registration visa pacemaker lot pump "
    "ventilator lead rtn fin contract contrat contrato vertrag pedido facture factura konsil incidencia siniestro "
    "hc h.c. hac nip ipp dea reg gmc bsn ein dni pan matricula kennzeichen asset tva utr idnr"
)
"""Labels that are ordinary words too: without a mark after them they need a number that looks like an identifier."""

SHORT_TITLES = r"mr|mrs|ms|mx|dr|prof|hr|fr|sr|sra|srta|mme|mlle|dra"
"""Titles that may end with a full stop."""
TITLES = (
    SHORT_TITLES
    + r"|miss|professor|doctor|sir|herr|frau|senor|senora|don|dona|doctora|madame|monsieur|maitre|sister|nurse"
)
"""Titles before a name."""

PARTICLES = _words(
    "van von der den de la las los del della di da do dos das du le les ten ter zu zum zur bin ibn ben al el y "
    "e af av st"
)
"""Lower-case (or, upper-case) words inside a surname."""

MONTHS: Mapping[str, int] = MappingProxyType(
    {
        word: month
        for month, words in enumerate(
            (
                "january jan enero ene janvier janv januar jaenner janner",
                "february feb febrero fevrier fevr fev februar",
                "march mar marzo mars marz maerz mrz",
                "april apr abril abr avril avr",
                "may mayo mai",
                "june jun junio juin juni",
                "july jul julio juillet juil juli",
                "august aug agosto ago aout",
                "september sep sept septiembre set septembre",
                "october oct octubre octobre oktober okt",
                "november nov noviembre novembre",
                "december dec diciembre dic decembre dezember dez",
            ),
            start=1,
        )
        for word in words.split()
    }
)
"""Month names and abbreviations in four languages."""

STATES = _words(
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH "
    "OK OR PA RI SC SD TN TX UT "
    "VT VA WA WV WI WY DC PR VI GU AS MP"
)
"""USPS Publication 28, appendix B."""

FIELD_WORDS = _words(
    "mrn dob ssn npi iban bic pan ip phone tel telephone mobile fax email e-mail mail date address born birth "
    "case record reference ref re "
    "account card policy insurance id no number age sex gender diagnosis reason portal link url zip code room "
    "ward unit mr mrs ms dr prof "
    # what follows a clinician's name in Spanish, French and German letters: wards, hospitals, streets
    "servicio departamento dpto unidad hospital seccion facultad instituto universidad complejo urgencias fecha "
    "episodio "
    "especialidad nocol colegiado nhc nass calle avda avenida av ctra carretera glorieta paseo c/ tfno tlf correo "
    "urologia oncologia cirugia medicina oftalmologia nefrologia neurologia pediatria cardiologia digestivo farmacia "
    "ginecologia traumatologia radiologia anestesiologia endocrinologia dermatologia reumatologia hematologia "
    "psiquiatria "
    "service hopital clinique universite rue gouvernement abteilung klinik klinikum krankenhaus universitat strasse"
)
"""Words that begin the next field, and so end a name even after a label."""

NOT_NAMES = FIELD_WORDS | _words(
    # words that begin sentences or stand for people without naming them
    "a an the this that these those it he she we you they i his her our your their my its is was are were be "
    "has have had will would can "
    "could should may must do does did no not yes none unknown and or but if in on at by for from to with of "
    "as per via please thank thanks "
    "dear hello hi all sir madam colleague colleagues team everyone doctor doctors patient patients customer "
    "customers client clients member "
    "members family mother father copies consent earlier income advice vital regards sincerely here who what "
    "when where why how which "
    # labels
    "mrn dob ssn npi iban bic pan ip id mr mrs ms dr prof phone tel telephone mobile fax email e-mail mail "
    "address date born birth name case "
    "record reference ref re file account card policy insurance order sample terminal transaction tax branch "
    "portal link url nok attending "
    "physician consultant adviser advisor contact signed received admitted discharged seen age sex gender male "
    "female status subject topic "
    "diagnosis reason priority department ward room bed unit note notes summary report results result letter "
    "request review review: message "
    "plan change referral booking appointment admission discharge laboratory lab imaging medication "
    "prescription complaint clinic outpatient "
    "history allergies assessment findings impression procedure medications labs vitals code number no type "
    "amount total balance currency "
    "zip city state country street home home: next kin emergency member beneficiary payee co-signer holder "
    "handled referred member "
    # topics and things
    "hospital hospitals medical center centre health healthcare care clinic bank insurance university "
    "department service services company "
    "corp inc llc ltd gmbh group payment dispute disputed chargeback block lost stolen transfer inquiry "
    "missing tracing loan application "
    "kyc due diligence identity fraud alert suspicious activity phishing formal customer blood pressure heart "
    "rate pulse temperature oxygen "
    "ct mri mr ecg ekg icu er ed us uk eu usa gdpr hipaa phi pii pci json xml html api sql http https python "
    "java linux english spanish "
    "french german monday tuesday wednesday thursday friday saturday sunday january february march april june "
    "july august september "
    "october november december today tomorrow yesterday morning afternoon evening night urgent routine soon "
    "immediate final draft "
    "north south east west new york london paris berlin madrid street road avenue lane drive united states "
    "kingdom europe america "
    "aspirin metformin insulin ibuprofen paracetamol penicillin disease syndrome test treatment therapy "
    "surgery cancer diabetes stage type "
    # languages
    "el la los las un una der die das ein eine und oder aber mit le les un une des et ou mais avec con para "
    "por sin bei aus nach sehr "
    "geehrte geehrter damen herren estimado estimada senores cher chere bonjour hola hallo liebe lieber "
    "nachname vorname kollege kollegin kollegen kolleginnen colegas collegues confreres"
)
"""Words that are no part of a name when a name is only guessed from its shape."""

COMMON_WORDS = _words(
    "young white brown black green gray grey long short small little best good king day may june april august "
    "rose grace will mark bill "
    "frank grant hope faith joy sky summer wood woods stone rivers banks fields bush hill hills park parks "
    "church house hall field brook "
    "ford lane street moore more price rice bean pepper wheat fish fox wolf lamb bird swan cook baker miller "
    "smith taylor carpenter mason "
    "fisher hunter gardner butler page west east north south winter snow frost rain storm cloud love sharp "
    "strong wise rich power powers "
    "chance case cross bell ball hand hands head foot back case weeks week month booth chase cash bond gold "
    "silver singer porter marsh "
    "lake pool wells waters forest ray sunny dawn eve art drew don pat sue rob jack jean dale glen heath ivy "
    "iris lily violet daisy crystal "
    "amber ruby pearl jade star victor max miles rod chuck guy gene dean duke earl prince noble major sergeant "
    "pope bishop abbot monk cannon "
    "archer bowman shepherd weaver turner potter sawyer tanner cooper do an he so in on my no to me we or be "
    "by as at am is it"
)
"""Surnames and given names that are words too: only their capitalised mentions count."""

UNITS = (
    rb"(?:mg|mcg|ug|ng|pg|g|kg|lbs?|oz|ml|dl|l|fl|iu|ui|u|units?|meq|mmol|umol|ukat|nkat|nmol|pmol|mol|mosm|mmhg|"
    rb"bpm|lpm|"
    rb"rpm|cm|mm|mm3|m|m2|km|"
    rb"kcal|cal|kj|%|hz|khz|mhz|ghz|kb|mb|gb|tb|ppm|copies|copias|cfu|ufc|pfu|cells?|celulas|hematies|"
    rb"eur|usd|gbp|chf|euros?|dollars?|pounds?|yen|cents?|pesetas|francs?|zlotys?|"
    rb"patients?|people|persons?|participants?|subjects?|adults?|women|men|children|births?|deaths?|cases|casos|"
    rb"pacientes|personas|"
    rb"patienten|personnes|habitants|habitantes|inhabitants|inhabitants|einwohner|"
    rb"tablets?|capsules?|hours?|hrs?|minutes?|mins?|seconds?|secs?|days?|weeks?|months?|years?|times|steps|"
    rb"words|bytes|rows|items|"
    rb"platelets|leukocytes|leucocitos|plaquetas|plt|wbc|rbc|x 10|x10|/mm3|/ul|/ml|/l)"
)
"""What follows a quantity, and so never an identifier."""

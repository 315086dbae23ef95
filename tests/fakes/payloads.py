# ruff: noqa: ISC004, FLY002 - a message is its segments, and some go over two lines
"""Invented messages of each kind, as systems write them. Nobody in them lives."""

import json

ADT = "\r".join(
    (
        r"MSH|^~\&|ADT1|GOOD HEALTH HOSPITAL|LABSYS|NORTHSIDE LAB|20240301123000||ADT^A01^ADT_A01|MSG00001|P|2.5.1",
        "EVN|A01|20240301123000||||20240301122500",
        "PID|1||483921^^^GHH^MR~524716038^^^SSA^SS||ELLISON^MARGARET^QUILL^^MRS||19570314|F||2106-3"
        "|48 LINDEN ST^APT 4^FAIRVIEW^OH^44126^USA||(216)445-0142^PRN^PH~^NET^Internet^m.ellison@mail.test"
        "|(216)445-7733||M||ACC991204|524-71-6038",
        "NK1|1|ELLISON^THOMAS^B|SPO^Spouse|48 LINDEN ST^^FAIRVIEW^OH^44126|(216)445-0199",
        "PV1|1|I|W^389^1^GHH||||1790912345^CASTELLAN^RUBEN^^^^MD^^NPI^^^^NPI|0148^ADDISON^JAMES"
        "||SUR||||ADM|A0||0148^ADDISON^JAMES|S|V20240301|A" + "|" * 24 + "|20240301120000",
        "GT1|1|8291|ELLISON^MARGARET^QUILL||48 LINDEN ST^^FAIRVIEW^OH^44126|(216)445-0142||19570314|F||SEL|524716038",
        "IN1|1|PPO|60054|AETNA BETTER HEALTH|PO BOX 981106^^EL PASO^TX^79998||(800)555-1212|GRP-7781||||20240101"
        "|20241231|||ELLISON^MARGARET^QUILL|SEL|19570314|48 LINDEN ST^^FAIRVIEW^OH^44126" + "|" * 17 + "W209853411",
        "DG1|1||E11.9^Type 2 diabetes mellitus^I10|||A",
        "AL1|1||^PENICILLIN||PRODUCES HIVES",
    )
)
"""An admission."""

ADT_FOUND = {
    ("MRN", "483921"),
    ("SSN", "524716038"),
    ("SSN", "524-71-6038"),
    ("PERSON", "ELLISON"),
    ("PERSON", "MARGARET"),
    ("PERSON", "QUILL"),
    ("PERSON", "THOMAS"),
    ("PERSON", "CASTELLAN"),
    ("PERSON", "RUBEN"),
    ("PERSON", "ADDISON"),
    ("PERSON", "JAMES"),
    ("NPI", "1790912345"),
    ("DATE", "19570314"),
    ("DATE", "20240301123000"),
    ("DATE", "20240301120000"),
    ("DATE", "20240101"),
    ("ADDRESS", "48 LINDEN ST"),
    ("ADDRESS", "APT 4"),
    ("ADDRESS", "44126"),
    ("PLACE", "FAIRVIEW"),
    ("PLACE", "EL PASO"),
    ("PHONE", "(216)445-0142"),
    ("PHONE", "(216)445-7733"),
    ("PHONE", "(216)445-0199"),
    ("EMAIL", "m.ellison@mail.test"),
    ("ACCOUNT", "ACC991204"),
    ("CASE_ID", "V20240301"),
    ("CASE_ID", "MSG00001"),
    ("ORGANISATION", "AETNA BETTER HEALTH"),
    ("ORGANISATION", "GOOD HEALTH HOSPITAL"),
    ("INSURANCE_ID", "GRP-7781"),
    ("INSURANCE_ID", "W209853411"),
}

ORU = "\r".join(
    (
        r"MSH|^~\&|LAB|NORTHSIDE LAB|EHR|GHH|202403021015||ORU^R01^ORU_R01|LAB-88201|P|2.5.1",
        "PID|||483921^^^GHH^MR||ELLISON^MARGARET||19570314|F",
        "ORC|RE|ORD448|LAB99120|||||202403020800|||0148^ADDISON^JAMES",
        "OBR|1|ORD448|LAB99120|24323-8^Comprehensive metabolic panel^LN|||202403020745|||||||||0148^ADDISON^JAMES",
        "OBX|1|NM|2345-7^Glucose^LN||182|mg/dL|70-99|H|||F|||202403020900",
        "OBX|2|XPN|74232-1^Contact^LN||ROMERO^INES||||||F",
        "OBX|3|ST|718-7^Hemoglobin^LN||13.2|g/dL|12.0-16.0|N|||F",
        r"NTE|1||Sample slightly haemolysed \T\ repeated",
    )
)
"""A laboratory result."""

BATCH = "\r".join((r"FHS|^~\&|LAB|NORTHSIDE", r"BHS|^~\&|LAB|NORTHSIDE|||20240302", ADT, ORU, "BTS|2", "FTS|1"))
"""A batch of both."""

X837 = (
    "ISA*00*          *00*          *ZZ*SUBMITTER01    *30*382910477      *240301*1230*^*00501*000000905*0*P*:~"
    "GS*HC*SUBMITTER01*382910477*20240301*1230*1*X*005010X222A1~"
    "ST*837*0021*005010X222A1~BHT*0019*00*B244579*20240301*1023*CH~"
    "NM1*41*2*PREMIER BILLING SERVICE*****46*TGJ23~PER*IC*JERRY VANDEMEER*TE*3055552222*EM*jerry@billing.test~"
    "NM1*40*2*KEY INSURANCE COMPANY*****46*66783JJT~HL*1**20*1~PRV*BI*PXC*203BF0100Y~"
    "NM1*85*2*BEN KILDARE SERVICE*****XX*9876543213~N3*234 SEAWAY ST~N4*MIAMI*FL*33111~REF*EI*587654321~"
    "HL*2*1*22*1~SBR*P**2222-SJ*ACME STEELWORKS*****CI~NM1*IL*1*SMITHSON*JANE*T***MI*JS00111223333~"
    "DMG*D8*19430501*F~NM1*PR*2*KEY INSURANCE COMPANY*****PI*999996666~REF*G2*KA6663~"
    "HL*3*2*23*0~PAT*19~NM1*QC*1*SMITHSON*TEODOR~N3*236 N MAIN ST~N4*MIAMI*FL*33413~DMG*D8*19730501*M~"
    "CLM*26463774*100***11:B:1*Y*A*Y*I~REF*D9*17312345600006351~REF*SY*524716038~HI*BK:0340*BF:V7389~"
    "LX*1~SV1*HC:99213*40*UN*1***1~DTP*472*D8*20240103~LX*2~SV1*HC:87070*15*UN*1***1~DTP*472*RD8*20240103-20240110~"
    "SE*34*0021~GE*1*1~IEA*1*000000905~"
)
"""A professional claim."""

X837_FOUND = {
    ("PERSON", "SMITHSON"),
    ("PERSON", "JANE"),
    ("PERSON", "TEODOR"),
    ("PERSON", "JERRY VANDEMEER"),
    ("ORGANISATION", "BEN KILDARE SERVICE"),
    ("ORGANISATION", "ACME STEELWORKS"),
    ("INSURANCE_ID", "JS00111223333"),
    ("INSURANCE_ID", "2222-SJ"),
    ("NPI", "9876543213"),
    ("TAX_ID", "587654321"),
    ("TAX_ID", "382910477"),
    ("SSN", "524716038"),
    ("DATE", "19430501"),
    ("DATE", "19730501"),
    ("DATE", "20240103"),
    ("DATE", "20240110"),
    ("DATE", "240301"),
    ("ADDRESS", "236 N MAIN ST"),
    ("ADDRESS", "33413"),
    ("PLACE", "MIAMI"),
    ("PHONE", "3055552222"),
    ("EMAIL", "jerry@billing.test"),
    ("CASE_ID", "26463774"),
    ("CASE_ID", "17312345600006351"),
}

X835 = (
    "ISA*00*          *00*          *ZZ*PAYER9         *ZZ*CLINIC7        *240401*0930*^*00501*000000031*0*P*:~\n"
    "GS*HP*PAYER9*CLINIC7*20240401*0930*31*X*005010X221A1~\nST*835*1234~\n"
    "BPR*I*150000*C*ACH*CTX*01*999999992*DA*123456*1512345678**01*999988880*DA*98765*20240402~\n"
    "TRN*1*12345X*1512345678~\nDTM*405*20240401~\nN1*PR*DENTAL OF ABC~\nN3*225 MAIN STREET~\nN4*CENTERVILLE*PA*17111~\n"
    "PER*BL*JANE DOEBLIN*TE*9005555555~\nN1*PE*DR ROBERTSON FAMILY CLINIC*XX*1999996666~\nLX*1~\n"
    "CLP*7722337*1*211366.97*138018.4**12*119932404007801~\nNM1*QC*1*BUDDSON*SANDRA****MI*SJD11122~\n"
    "DTM*232*20240324~\nSVC*HC:99211*35*30**1~\nCAS*PR*1*5~\nSE*16*1234~\nGE*1*31~\nIEA*1*000000031~\n"
)
"""A remittance advice."""

PATIENT = {
    "resourceType": "Patient",
    "id": "pat-4821",
    "meta": {"lastUpdated": "2024-03-01T09:12:44Z"},
    "text": {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Margaret <b>Ellison</b>, born 14 March 1957</p></div>',
    },
    "identifier": [
        {
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]},
            "value": "483921",
        },
        {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "524-71-6038"},
    ],
    "active": True,
    "name": [{"use": "official", "family": "Ellisón", "given": ["Margaret", "Quill"], "prefix": ["Mrs."]}],
    "telecom": [
        {"system": "phone", "value": "(216) 445-0142", "use": "home"},
        {"system": "email", "value": "m.ellison@mail.test"},
    ],
    "gender": "female",
    "birthDate": "1957-03-14",
    "address": [
        {"use": "home", "line": ["48 Linden Street", "Apt 4"], "city": "Fairview", "state": "OH", "postalCode": "44126"}
    ],
    "contact": [{"name": {"text": "Thomas Ellison"}, "telecom": [{"system": "phone", "value": "216-445-0199"}]}],
    "generalPractitioner": [{"reference": "Practitioner/prac-77", "display": "Dr. James Addison"}],
    "managingOrganization": {"reference": "Organization/org-9", "display": "Good Health Hospital"},
}
ENCOUNTER = {
    "resourceType": "Encounter",
    "id": "enc-20",
    "status": "finished",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
    "subject": {"reference": "Patient/pat-4821", "display": "Margaret Ellison"},
    "participant": [{"individual": {"reference": "Practitioner/prac-77", "display": "Dr. James Addison"}}],
    "period": {"start": "2024-03-01T12:00:00+01:00", "end": "2024-03-05"},
    "location": [{"location": {"reference": "Location/loc-3", "display": "Ward 3 West"}}],
}
OBSERVATION = {
    "resourceType": "Observation",
    "id": "obs-8",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7", "display": "Glucose"}], "text": "Glucose"},
    "subject": {"reference": "Patient/pat-4821"},
    "effectiveDateTime": "2024-03-02T07:45:00Z",
    "performer": [{"display": "Ines Romero"}],
    "valueQuantity": {"value": 182, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"},
}
COVERAGE = {
    "resourceType": "Coverage",
    "id": "cov-5",
    "status": "active",
    "subscriberId": "W209853411",
    "beneficiary": {"reference": "Patient/pat-4821"},
    "payor": [{"display": "Aetna Better Health"}],
    "period": {"start": "2024-01-01", "end": "2024-12-31"},
}
BUNDLE = {
    "resourceType": "Bundle",
    "id": "bundle-1",
    "type": "collection",
    "entry": [
        {"fullUrl": "urn:uuid:3f2b0c1d-9a7e-4c55-8b21-0d6f5e4a3b2c", "resource": PATIENT},
        {"resource": ENCOUNTER},
        {"resource": OBSERVATION},
        {"resource": COVERAGE},
    ],
}
FHIR = json.dumps(BUNDLE, indent=2)
"""A bundle of four resources."""

FHIR_FOUND = {
    ("PERSON", "Ellis\\u00f3n"),
    ("PERSON", "Margaret"),
    ("PERSON", "Quill"),
    ("PERSON", "Thomas Ellison"),
    ("PERSON", "Margaret Ellison"),
    ("PERSON", "Dr. James Addison"),
    ("PERSON", "Ines Romero"),
    ("ORGANISATION", "Good Health Hospital"),
    ("ORGANISATION", "Aetna Better Health"),
    ("PLACE", "Ward 3 West"),
    ("PLACE", "Fairview"),
    ("ADDRESS", "48 Linden Street"),
    ("ADDRESS", "Apt 4"),
    ("ADDRESS", "44126"),
    ("MRN", "483921"),
    ("SSN", "524-71-6038"),
    ("PHONE", "(216) 445-0142"),
    ("PHONE", "216-445-0199"),
    ("EMAIL", "m.ellison@mail.test"),
    ("INSURANCE_ID", "W209853411"),
    ("DATE", "1957-03-14"),
    ("DATE", "2024-03-01T12:00:00+01:00"),
    ("DATE", "2024-03-02T07:45:00Z"),
    ("DATE", "2024-12-31"),
    ("ID", "pat-4821"),
    ("ID", "prac-77"),
    ("ID", "3f2b0c1d-9a7e-4c55-8b21-0d6f5e4a3b2c"),
}

PAIN001 = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09">
 <CstmrCdtTrfInitn>
  <GrpHdr><MsgId>MSG-2024-0301</MsgId><CreDtTm>2024-03-01T10:15:00</CreDtTm><NbOfTxs>1</NbOfTxs>
   <CtrlSum>1250.50</CtrlSum><InitgPty><Nm>Muster Handels GmbH</Nm></InitgPty></GrpHdr>
  <PmtInf><PmtInfId>PMT-77</PmtInfId><PmtMtd>TRF</PmtMtd><ReqdExctnDt><Dt>2024-03-04</Dt></ReqdExctnDt>
   <Dbtr><Nm>J&#246;rg Feldhaus</Nm>
    <PstlAdr><StrtNm>Lindenstrasse</StrtNm><BldgNb>48</BldgNb><PstCd>10969</PstCd><TwnNm>Berlin</TwnNm>
     <Ctry>DE</Ctry></PstlAdr>
    <Id><PrvtId><DtAndPlcOfBirth><BirthDt>1980-01-02</BirthDt><CityOfBirth>Ulm</CityOfBirth>
     <CtryOfBirth>DE</CtryOfBirth></DtAndPlcOfBirth><Othr><Id>L01X00T47</Id><SchmeNm><Cd>CCPT</Cd></SchmeNm></Othr></PrvtId></Id>
    <CtctDtls><PhneNb>+49-30-4455667</PhneNb><EmailAdr>j.feldhaus@post.test</EmailAdr></CtctDtls></Dbtr>
   <DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id><Ccy>EUR</Ccy></DbtrAcct>
   <DbtrAgt><FinInstnId><BICFI>COBADEFFXXX</BICFI><Nm>Handelsbank am Ring</Nm></FinInstnId></DbtrAgt>
   <CdtTrfTxInf><PmtId><EndToEndId>NOTPROVIDED</EndToEndId></PmtId>
    <Amt><InstdAmt Ccy="EUR">1250.50</InstdAmt></Amt>
    <CdtrAgt><FinInstnId><ClrSysMmbId><MmbId>20050550</MmbId></ClrSysMmbId></FinInstnId></CdtrAgt>
    <Cdtr><Nm>Otto Weber-Kranz</Nm>
     <PstlAdr><AdrLine>Am Markt 3</AdrLine><AdrLine>20095 Hamburg</AdrLine></PstlAdr></Cdtr>
    <CdtrAcct><Id><Othr><Id>0532013001</Id></Othr></Id></CdtrAcct>
    <Purp><Cd>RENT</Cd></Purp><RmtInf><Ustrd>Miete Maerz Familie Weber-Kranz</Ustrd></RmtInf></CdtTrfTxInf>
  </PmtInf>
 </CstmrCdtTrfInitn>
</Document>
"""
"""A credit transfer."""

PAIN001_FOUND = {
    ("PERSON", "J&#246;rg Feldhaus"),
    ("PERSON", "Otto Weber-Kranz"),
    ("ORGANISATION", "Muster Handels GmbH"),
    ("ORGANISATION", "Handelsbank am Ring"),
    ("ADDRESS", "Lindenstrasse"),
    ("ADDRESS", "48"),
    ("ADDRESS", "10969"),
    ("ADDRESS", "20095 Hamburg"),
    ("PLACE", "Berlin"),
    ("PLACE", "Ulm"),
    ("DATE", "1980-01-02"),
    ("DATE", "2024-03-04"),
    ("DATE", "2024-03-01T10:15:00"),
    ("DOCUMENT_ID", "L01X00T47"),
    ("PHONE", "+49-30-4455667"),
    ("EMAIL", "j.feldhaus@post.test"),
    ("IBAN", "DE89370400440532013000"),
    ("BIC", "COBADEFFXXX"),
    ("ACCOUNT", "0532013001"),
    ("ACCOUNT", "20050550"),
    ("CASE_ID", "MSG-2024-0301"),
    ("CUSTOM", "Miete Maerz Familie Weber-Kranz"),
}

PACS008 = """<ns:Document xmlns:ns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"><ns:FIToFICstmrCdtTrf>
<ns:GrpHdr><ns:MsgId>BANK-1</ns:MsgId><ns:CreDtTm>2024-05-06T07:08:09Z</ns:CreDtTm></ns:GrpHdr>
<ns:CdtTrfTxInf><ns:PmtId><ns:InstrId>I-1</ns:InstrId><ns:EndToEndId>E2E-44</ns:EndToEndId>
<ns:UETR>8a562c67-ca16-48ba-b074-65581be6f001</ns:UETR></ns:PmtId>
<ns:IntrBkSttlmAmt Ccy="USD">99.10</ns:IntrBkSttlmAmt><ns:IntrBkSttlmDt>2024-05-06</ns:IntrBkSttlmDt>
<ns:Dbtr><ns:Nm>Lucia Marchetti</ns:Nm></ns:Dbtr><ns:Cdtr><ns:Nm>Acme Tools</ns:Nm><ns:Id><ns:OrgId><ns:LEI>
529900T8BM49AURSDO55</ns:LEI></ns:OrgId></ns:Id></ns:Cdtr></ns:CdtTrfTxInf></ns:FIToFICstmrCdtTrf></ns:Document>"""
"""The same between banks, with a namespace prefix."""

CAMT053 = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>STMT-9</Id>
<Acct><Id><IBAN>FR7630006000011234567890189</IBAN></Id><Ownr><Nm>Amelie Garnier</Nm></Ownr></Acct>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">500.00</Amt><Dt><Dt>2024-06-30</Dt></Dt></Bal>
<Ntry><Amt Ccy="EUR">12.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><BookgDt><Dt>2024-06-28</Dt></BookgDt>
<AcctSvcrRef>REF-100-200</AcctSvcrRef><NtryDtls><TxDtls><RltdPties><Dbtr><Pty><Nm>Paul Renard</Nm></Pty></Dbtr>
</RltdPties><RmtInf><Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf></TxDtls></NtryDtls>
</Ntry></Stmt></BkToCstmrStmt></Document>"""
"""A statement."""

CSV_EN = (
    "Patient Name,DOB,MRN,Diagnosis,Glucose (mg/dL),Email\n"
    '"Ellison, Margaret",1957-03-14,483921,E11.9,182,m.ellison@mail.test\n'
    '"O""Hara, Sean",2/3/1961,483922,"I10, essential",99,\n'
)
CSV_DE = (
    "Nachname;Vorname;Geburtsdatum;Straße;PLZ;Ort;Telefon-Nr.;Versicherten-Nr;Betrag (EUR)\r\n"
    'Feldhaus;Jörg;02.01.1980;"Lindenstraße 48; Hof";10969;Berlin;030 4455667;A123456780;1.250,50\r\n'
    "Kranz;Otto;14.3.57;Am Markt 3;20095;Hamburg;;B987654321;99,00\r\n"
)
CSV_ES = (
    "Nombre\tApellidos\tFecha de nacimiento\tDNI\tTeléfono\tGlucosa\n"
    "Inés\tRomero Gil\t02/01/1980\t12345678Z\t600112233\t99\n"
)
CSV_FR = (
    "Nom,Prénom,Date de naissance,Numéro de sécurité sociale,Ville,Montant\n"
    'Garnier,Amélie,02/01/1980,280017500112345,"Saint-Étienne\nCedex",12\n'
)

"""Names of fields and columns that say who somebody is, in English, Spanish, French and German: the table of `names`.

Source of the kinds: 45 CFR 164.514(b)(2)(i); of the spellings: the column names of common exports (EHR, CRM, core
banking, payroll) and schema.org's Person, PostalAddress and BankAccount. All without case, accents, blanks and marks.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LISTS: Mapping[str, str] = MappingProxyType(
    {
        "PERSON": (
            "fullname firstname lastname middlename givenname familyname surname maidenname forename forenames "
            "nickname preferredname birthname displayname patientname customername clientname membername "
            "holdername accountholder accountname cardholder cardholdername policyholder policyholdername "
            "subscriber subscribername insured insuredname beneficiary beneficiaryname payeename payername "
            "debtorname creditorname guarantor guarantorname nextofkin nextofkinname emergencycontact "
            "emergencycontactname contactname contactperson guardian guardianname spouse spousename mothersname "
            "mothersmaidenname fathersname parentname physician physicianname doctor doctorname providername "
            "attending attendingphysician referringphysician nurse surgeon practitioner employeename staffname "
            "applicant applicantname borrower borrowername coborrower ownername recipientname sendername "
            "authorname signedby reviewedby patient employee fname lname mname legalname nombrecompleto nombre "
            "apellido apellidos primerapellido segundoapellido nombreyapellidos nombreapellidos nombrepaciente "
            "paciente titular medico medicoresponsable nombrecliente nombretitular beneficiario prenom prenoms "
            "nomdefamille nomcomplet nomdenaissance nomusage nometprenom nompatient nomclient patiente medecin "
            "medecintraitant titulaire beneficiaire nomprenom vorname nachname familienname vollstandigername "
            "geburtsname patientenname kundenname kontoinhaber arzt behandelnderarzt hausarzt ansprechpartner "
            "mitarbeitername versicherter zuname rufname person mother father wife husband caregiver"
        ),
        "DATE": (
            "dob dateofbirth birthdate birthday birthdt dateofdeath deathdate admissiondate dateofadmission "
            "admitdate dischargedate dateofdischarge visitdate servicedate dateofservice appointmentdate "
            "encounterdate hiredate startdate enddate dateopened openingdate openeddate closingdate "
            "transactiondate valuedate bookingdate postingdate paymentdate orderdate collectiondate resultdate "
            "reportdate issuedate expirydate expirationdate duedate date fechanacimiento fechadenacimiento fecha "
            "fechaingreso fechadeingreso fechaalta fechadealta fechadefallecimiento fechaconsulta fechacita "
            "fechanac fnac fnacimiento datenaissance datedenaissance ddn datedadmission dateadmission datedentree "
            "dateentree datesortie datedesortie datedeces datededeces dateconsultation geburtsdatum gebdatum "
            "geboren geburtstag gebdat aufnahmedatum entlassungsdatum aufnahme entlassung datum sterbedatum "
            "todesdatum buchungsdatum wertstellung valuta eintrittsdatum"
        ),
        "AGE": "age ageyears ageinyears edad alter patientage",
        "SEX": "sex gender sexo genero sexe geschlecht genre",
        "PHONE": (
            "phone phonenumber phoneno telephone telephonenumber tel mobile mobilephone mobilenumber cell "
            "cellphone cellnumber homephone workphone contactnumber contactphone fax faxnumber phonehome "
            "phonework phonemobile emergencyphone telefono telefonofijo movil telefonomovil celular "
            "numerodetelefono tlf tfno portable numerodetelephone mobiletelephone numerotelephone "
            "telephoneportable telephonefixe telefon telefonnummer telefonnr handy handynummer mobil mobilnummer "
            "mobiltelefon rufnummer faxnummer"
        ),
        "EMAIL": (
            "email emailaddress mail mailaddress emailid contactemail workemail homeemail primaryemail correo "
            "correoelectronico emailpaciente courriel adressemail adresseemail adresseelectronique mailadresse "
            "emailadresse epost"
        ),
        "ADDRESS": (
            "address streetaddress street addressline addressline1 addressline2 address1 address2 homeaddress "
            "mailingaddress postaladdress postalcode postcode zip zipcode housenumber residence billingaddress "
            "shippingaddress patientaddress addr addr1 addr2 zip5 zip4 pobox direccion domicilio calle "
            "codigopostal cp direccionpostal residencia adresse rue codepostal adressepostale domicile adresse1 "
            "adresse2 anschrift strasse plz postleitzahl hausnummer postanschrift strassehausnummer strassenr "
            "wohnadresse postfach"
        ),
        "PLACE": (
            "city town county village municipality placeofbirth birthplace birthcity district suburb neighborhood "
            "addresslocality ciudad municipio localidad poblacion provincia lugardenacimiento lugarnacimiento "
            "ville commune lieudenaissance departement lieunaissance ort stadt wohnort geburtsort gemeinde "
            "landkreis"
        ),
        "COUNTRY": "country countrycode pais pays land",
        "ORGANISATION": (
            "employer employername company companyname organization organisation organizationname "
            "organisationname facilityname hospital hospitalname clinic clinicname insurer insurancecompany payer "
            "pharmacy bankname empresa empleador hospitalclinico centro centrosanitario aseguradora employeur "
            "entreprise etablissement hopital societe assureur arbeitgeber firma krankenhaus klinik einrichtung "
            "versicherer krankenkasse unternehmen"
        ),
        "SSN": (
            "ssn socialsecuritynumber socialsecurity socialsecurityno socialsecuritynum ssnumber last4ssn "
            "ssnlast4 socsecno patientssn"
        ),
        "MRN": (
            "mrn medicalrecordnumber medicalrecordno medicalrecord recordnumber patientid patientnumber patientno "
            "patid hospitalnumber hospitalno chartnumber chartno personid subjectid ehrid empi nhc numerohistoria "
            "historiaclinica numerohistoriaclinica numerodehistoriaclinica idpaciente ipp numerodossier idpatient "
            "numeropatient patientennummer patientennr patientenid fallnummer fallnr aufnahmenummer patnr"
        ),
        "INSURANCE_ID": (
            "insuranceid insurancenumber insuranceno policynumber policyno policyid memberid membernumber "
            "subscriberid groupnumber medicareid medicareno medicarenumber medicaidid medicaidnumber mbi hicn "
            "healthplanid nhsnumber nhsno nhs beneficiaryid numeropoliza poliza numeroafiliado nss "
            "numeroseguridadsocial numerodelaseguridadsocial tarjetasanitaria cip nir numerosecuritesociale "
            "numerodesecuritesociale numsecu mutuelle numeroassure versichertennummer versichertennr "
            "versicherungsnummer kvnr krankenversicherungsnummer sozialversicherungsnummer svnr ahvnummer ahvnr "
            "policennummer rentenversicherungsnummer"
        ),
        "ACCOUNT": (
            "account accountnumber accountno acctno acctnumber acctnum acct accountid bankaccount "
            "bankaccountnumber routingnumber abarouting aba rtn sortcode loannumber loanid debtoraccount "
            "creditoraccount fromaccount toaccount cuenta numerodecuenta numerocuenta cuentabancaria ccc compte "
            "numerodecompte numerocompte rib comptebancaire konto kontonummer kontonr bankverbindung blz "
            "bankleitzahl depotnummer"
        ),
        "IBAN": "iban ibannumber ibannr debtoriban creditoriban ibankonto",
        "BIC": "bic swift swiftcode biccode swiftbic bicswift",
        "PAN": (
            "cardnumber cardno creditcard creditcardnumber ccnumber ccnum pan debitcard debitcardnumber "
            "numerotarjeta tarjeta numerodetarjeta numerocarte cartebancaire kartennummer kreditkarte "
            "kreditkartennummer"
        ),
        "CARD_CODE": "cvv cvc cvv2 cvc2 cardcode",
        "TAX_ID": (
            "taxid taxnumber taxpayerid tin ein itin vat vatnumber vatid nif cif nie niffiscal numerofiscal siret "
            "siren numerotva steuernummer steuerid steuernr steueridentifikationsnummer ustid ustidnr "
            "umsatzsteuerid utr"
        ),
        "DOCUMENT_ID": (
            "passport passportnumber passportno driverslicense driverslicensenumber driverlicense licensenumber "
            "licenseno licencenumber nationalid nationalidnumber idnumber idcard idcardnumber documentnumber "
            "documentid visanumber greencard dni pasaporte numerodni documento documentoidentidad numerodocumento "
            "curp rfc passeport numeropasseport cni carteidentite permisdeconduire numerocni ausweisnummer "
            "personalausweis personalausweisnummer reisepass reisepassnummer passnummer fuhrerschein "
            "fuhrerscheinnummer ausweisnr ausweis"
        ),
        "NPI": "npi npinumber providernpi nationalprovideridentifier",
        "DEVICE_ID": (
            "deviceid deviceserial serialnumber deviceserialnumber imei udi seriennummer numerodeserie numeroserie"
        ),
        "VEHICLE_ID": (
            "vin licenseplate platenumber vehicleid matricula kennzeichen immatriculation fahrgestellnummer bastidor"
        ),
        "IP": "ip ipaddress ipaddr clientip sourceip direccionip adresseip",
        "MAC": "mac macaddress macaddr",
        "USERNAME": "username loginname identifiant benutzername",
        "CASE_ID": (
            "caseid casenumber caseno claimid claimnumber claimno encounterid visitid visitnumber accessionnumber "
            "accession customerid customernumber customerno clientid clientnumber employeeid employeenumber "
            "employeeno staffid badgenumber studentid referencenumber transactionid transactionref orderid "
            "ordernumber contractnumber mandateid confirmationnumber ticketid idcliente numerocliente "
            "numerodecliente expediente numeroexpediente numerodesiniestro siniestro idempleado numeroclient "
            "referenceclient matricule numerosinistre idclient kundennummer kundennr aktenzeichen schadennummer "
            "personalnummer personalnr vorgangsnummer mandatsreferenz vertragsnummer mitarbeiternummer"
        ),
    }
)
"""Entity type to the names of its fields, separated by blanks."""

PEOPLE = (
    "patient customer client member subscriber person user employee staff applicant borrower holder owner "
    "contact guarantor insured beneficiary debtor creditor payer payee practitioner physician doctor "
    "nurse guardian author sender recipient student tenant cardholder accountholder policyholder "
    "emergencycontact nextofkin spouse relative relatedperson paciente cliente titular medico persona "
    "empleado usuario medecin personne titulaire employe patientin kunde kundin arzt arztin mitarbeiter "
    "versicherter kontoinhaber "
)
"""Fields, in the singular, whose ``name`` is somebody's."""

BIRTHS = (
    "dob dateofbirth birthdate birthday birthdt dateofdeath deathdate admissiondate dischargedate "
    "fechanacimiento fechadenacimiento fechanac fnac fnacimiento datenaissance datedenaissance ddn "
    "geburtsdatum gebdatum geboren geburtstag gebdat sterbedatum "
)
"""Of the dates, those that only a person has."""

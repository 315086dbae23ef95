"""FHIR: which elements say who somebody is.

Source: HL7 FHIR R4 (4.0.1) and R5 (5.0.0), data types HumanName, Address, ContactPoint, Identifier, Reference,
Narrative, Annotation, Attachment, Coding, and the resources named below; code system v2-0203 for the types of
identifiers; 45 CFR 164.514(b)(2)(i) for what counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PEOPLE = frozenset({"Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Person"})
"""Resources that are somebody."""

KNOWN = PEOPLE | frozenset(
    {
        "Account",
        "AllergyIntolerance",
        "Appointment",
        "AuditEvent",
        "Bundle",
        "CarePlan",
        "CareTeam",
        "Claim",
        "ClaimResponse",
        "Communication",
        "Composition",
        "Condition",
        "Consent",
        "Contract",
        "Coverage",
        "CoverageEligibilityRequest",
        "CoverageEligibilityResponse",
        "Device",
        "DeviceUseStatement",
        "DiagnosticReport",
        "DocumentReference",
        "Encounter",
        "EpisodeOfCare",
        "ExplanationOfBenefit",
        "FamilyMemberHistory",
        "Goal",
        "Group",
        "HealthcareService",
        "ImagingStudy",
        "Immunization",
        "Invoice",
        "List",
        "Location",
        "Media",
        "MedicationAdministration",
        "MedicationDispense",
        "MedicationRequest",
        "MedicationStatement",
        "MessageHeader",
        "Observation",
        "Organization",
        "Parameters",
        "PaymentNotice",
        "PaymentReconciliation",
        "Procedure",
        "Provenance",
        "QuestionnaireResponse",
        "ResearchSubject",
        "Schedule",
        "ServiceRequest",
        "Slot",
        "Specimen",
        "Subscription",
        "Task",
    }
)
"""Resources whose names may stand in a recogniser's; any other is a Resource."""

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "Organization": "ORGANISATION",
        "HealthcareService": "ORGANISATION",
        "Location": "PLACE",
        "Account": "PERSON",
        "FamilyMemberHistory": "PERSON",
        "Group": "PERSON",
        "AuditEvent": "PERSON",
        "MessageHeader": "ORGANISATION",
    }
)
"""Resources in which ``name`` and ``alias`` are plain strings, and what they name. Elsewhere a plain name is that of a
profile, a questionnaire or another definition."""

DEFINITIONS = frozenset(
    {
        "ActivityDefinition",
        "CapabilityStatement",
        "CodeSystem",
        "ConceptMap",
        "ImplementationGuide",
        "Library",
        "Medication",
        "MedicationKnowledge",
        "NamingSystem",
        "OperationDefinition",
        "OperationOutcome",
        "PlanDefinition",
        "Questionnaire",
        "SearchParameter",
        "StructureDefinition",
        "StructureMap",
        "Substance",
        "ValueSet",
    }
)
"""Resources that are nobody's: their ids are kept."""

IDENTIFIERS: Mapping[str, str] = MappingProxyType(
    {
        "Patient": "MRN",
        "Coverage": "INSURANCE_ID",
        "Device": "DEVICE_ID",
        "Organization": "ID",
        "Practitioner": "ID",
        "PractitionerRole": "ID",
        "Location": "ID",
        "Account": "ACCOUNT",
    }
)
"""What an ``identifier`` is that says nothing of itself; elsewhere it is a CASE_ID."""

SYSTEMS: Mapping[str, str] = MappingProxyType(
    {
        "http://hl7.org/fhir/sid/us-ssn": "SSN",
        "http://hl7.org/fhir/sid/us-npi": "NPI",
        "http://hl7.org/fhir/sid/us-mbi": "INSURANCE_ID",
        "http://hl7.org/fhir/sid/us-medicare": "INSURANCE_ID",
        "http://hl7.org/fhir/sid/passport": "DOCUMENT_ID",
        "https://fhir.nhs.uk/Id/nhs-number": "INSURANCE_ID",
        "http://fhir.de/sid/gkv/kvid-10": "INSURANCE_ID",
        "http://fhir.de/NamingSystem/gkv/kvid-10": "INSURANCE_ID",
        "urn:oid:2.16.840.1.113883.4.1": "SSN",
        "urn:oid:2.16.840.1.113883.4.6": "NPI",
        "urn:oid:1.2.250.1.213.1.4.8": "INSURANCE_ID",
    }
)
"""Identifier.system, where it says what the identifier is (R4, 4.2.2, Identifier Systems)."""

TELECOM: Mapping[str, str] = MappingProxyType({"email": "EMAIL", "url": "URL"})
"""ContactPoint.system; phone, fax, pager, sms and other are PHONE."""

STRINGS: Mapping[str, str] = MappingProxyType(
    {
        "authorString": "PERSON",
        "accountNumber": "ACCOUNT",
        "altId": "USERNAME",
        "carrierAIDC": "DEVICE_ID",
        "carrierHRF": "DEVICE_ID",
        "deviceIdentifier": "DEVICE_ID",
        "distinctIdentifier": "DEVICE_ID",
        "gender": "SEX",
        "preAuthRef": "CASE_ID",
        "serialNumber": "DEVICE_ID",
        "subscriberId": "INSURANCE_ID",
    }
)
"""Elements that are plain strings wherever they stand."""

DISPLAYS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(PEOPLE, "PERSON"),
        "Organization": "ORGANISATION",
        "CareTeam": "ORGANISATION",
        "HealthcareService": "ORGANISATION",
        "Location": "PLACE",
        "Coverage": "INSURANCE_ID",
        "Encounter": "CASE_ID",
        "Device": "DEVICE_ID",
        "Group": "PERSON",
        "Account": "PERSON",
    }
)
"""What Reference.display names, by the type of what is referred to; of others it names a code or a document."""

_PEOPLE = (
    "actor asserter attester author beneficiary careManager collector enterer generalPractitioner "
    "individual informant interpreter member participant party patient payee performer practitioner "
    "prescriber provider recipient recorder requester resultsInterpreter sender source subject subscriber "
    "verifier who witness policyHolder orderer operator receiver responsible "
)
_ORGANISATIONS = (
    "custodian insurer managingOrganization organization payor serviceProvider sponsor manufacturer "
    "facility assigner issuer onBehalfOf "
)

REFERENCES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(_PEOPLE.split(), "PERSON"),
        **dict.fromkeys(_ORGANISATIONS.split(), "ORGANISATION"),
        **dict.fromkeys(("location", "destination", "origin", "partOf"), "PLACE"),
    }
)
"""What Reference.display names, by the element it stands in, where no type is given."""

ADDRESS: Mapping[str, str] = MappingProxyType(
    {
        "text": "ADDRESS",
        "line": "ADDRESS",
        "city": "PLACE",
        "district": "PLACE",
        "postalCode": "ADDRESS",
        "country": "COUNTRY",
    }
)
"""Address; ``state`` may stand (45 CFR 164.514(b)(2)(i)(B))."""

_ELEMENTS = (
    "name alias telecom address birthDate identifier contact text display reference fullUrl id gender "
    "deceasedDateTime position subscriberId period start end date issued recorded authoredOn recordedDate "
    "onsetDateTime effectiveDateTime performedDateTime occurrenceDateTime created lastUpdated timestamp "
)
ELEMENTS = frozenset(_ELEMENTS.split()) | frozenset(STRINGS) | frozenset(REFERENCES)
"""Elements whose names may stand in a recogniser's."""

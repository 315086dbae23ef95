"""What notes are about: the departments, topics and urgencies of the answers, and the sentences that tell them.

Each sentence tells one label; a note carries exactly one label of each kind, in one or two of these sentences.
"""

from typing import Final

HOSPITAL_DEPARTMENTS: Final[dict[str, tuple[str, ...]]] = {
    "cardiology": (
        "atrial fibrillation",
        "chest pain on exertion",
        "heart failure",
        "an elevated troponin",
        "palpitations",
        "aortic stenosis",
    ),
    "oncology": (
        "a breast carcinoma",
        "the third cycle of chemotherapy",
        "metastatic lung cancer",
        "lymphoma",
        "a suspicious mass",
    ),
    "neurology": (
        "a stroke",
        "recurrent seizures",
        "migraine with aura",
        "multiple sclerosis",
        "a tremor of the hand",
        "Parkinson disease",
    ),
    "orthopaedics": (
        "a hip fracture",
        "a total knee replacement",
        "a torn meniscus",
        "a wrist fracture",
        "chronic shoulder pain",
    ),
    "respiratory": (
        "community-acquired pneumonia",
        "severe asthma",
        "COPD",
        "shortness of breath",
        "pulmonary fibrosis",
    ),
    "gastroenterology": (
        "Crohn disease",
        "a bleeding gastric ulcer",
        "abnormal liver enzymes",
        "gallstones",
        "chronic diarrhoea",
    ),
    "nephrology": (
        "chronic kidney disease",
        "a rising creatinine",
        "kidney stones",
        "dialysis three times a week",
        "proteinuria",
    ),
    "endocrinology": ("type 2 diabetes", "a high HbA1c", "hypothyroidism", "a thyroid nodule", "an adrenal adenoma"),
    "paediatrics": (
        "a febrile child",
        "delayed growth in an infant",
        "croup in a toddler",
        "childhood eczema",
        "a newborn with jaundice",
    ),
    "psychiatry": (
        "a depressive episode",
        "panic attacks",
        "bipolar disorder",
        "insomnia with anxiety",
        "an eating disorder",
    ),
}
"""Department of a hospital note, and the conditions that point to it."""

HOSPITAL_TOPICS: Final[dict[str, tuple[str, ...]]] = {
    "discharge": ("Discharge note", "Discharge summary", "Letter on discharge"),
    "referral": ("Referral", "Referral letter", "Request for specialist opinion"),
    "lab result": ("Laboratory report", "Lab results", "Lab message"),
    "imaging": ("Imaging report", "CT report", "Ultrasound report"),
    "medication": ("Medication review", "Prescription change", "Medication plan"),
    "appointment": ("Appointment request", "Clinic appointment", "Outpatient booking"),
    "complaint": ("Patient complaint", "Complaint", "Complaint about care"),
}
"""Topic of a hospital note, and the titles that announce it."""

BANK_TOPICS: Final[dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]]] = {
    "payment dispute": (
        "cards",
        ("Payment dispute", "Disputed card payment", "Chargeback request"),
        (
            "a card payment that was never authorised",
            "a merchant who charged the card twice",
            "goods that were paid by card and never arrived",
        ),
    ),
    "card block": (
        "cards",
        ("Card block", "Lost card", "Stolen card report"),
        ("a wallet that was lost on a train", "a card that was stolen", "a card kept by a cash machine"),
    ),
    "transfer": (
        "payments",
        ("Transfer inquiry", "Missing transfer", "Payment tracing"),
        (
            "a transfer that has not arrived",
            "a transfer sent to the wrong account",
            "a standing order that did not run",
        ),
    ),
    "loan": (
        "lending",
        ("Loan letter", "Loan application", "Consumer loan file"),
        ("a consumer loan for a car", "a change of the monthly instalment", "an early repayment of the loan"),
    ),
    "mortgage": (
        "mortgages",
        ("Mortgage file", "Mortgage offer", "Home loan review"),
        ("the purchase of a flat", "a valuation of the house", "a fixed rate that ends"),
    ),
    "kyc": (
        "compliance",
        ("KYC file", "Customer due diligence", "Identity review"),
        ("an expired passport", "an unclear source of funds", "a missing proof of address"),
    ),
    "fraud": (
        "fraud",
        ("Fraud alert", "Suspicious activity", "Phishing report"),
        ("several logins from an unknown device", "a phishing call", "unusual cash withdrawals"),
    ),
    "complaint": (
        "service",
        ("Customer complaint", "Formal complaint", "Complaint about service"),
        ("a long wait at the branch", "fees that were not explained", "unanswered letters"),
    ),
}
"""Topic of a bank note: its department, the titles that announce it, the matters that it is about."""

URGENCIES: Final[dict[str, tuple[str, ...]]] = {
    "routine": (
        "This is routine.",
        "There is no hurry.",
        "Priority: routine.",
        "Please handle it in the normal order of work.",
        "No action is needed before the next regular review.",
        "An answer within four weeks is fine.",
    ),
    "soon": (
        "Please answer within a week.",
        "This should be looked at in the next few days.",
        "Priority: soon.",
        "Kindly act before the end of the week.",
        "A reply within five working days is expected.",
        "It should not wait longer than a week.",
    ),
    "urgent": (
        "This is urgent.",
        "Please act today.",
        "Priority: urgent.",
        "An answer is needed within hours.",
        "Immediate attention is required.",
        "This cannot wait until tomorrow.",
    ),
}
"""Urgency of a note, and the sentences that say it."""

HOSPITAL_MATTERS: Final = (
    "The patient was seen for {matter}.",
    "Reason: {matter}.",
    "Main problem: {matter}.",
    "This concerns {matter}.",
    "Diagnosis: {matter}.",
    "He was admitted with {matter}.",
    "She presented with {matter}.",
    "We report on {matter}.",
)
"""Frames for a condition."""

BANK_MATTERS: Final = (
    "The customer reports {matter}.",
    "The matter is {matter}.",
    "This concerns {matter}.",
    "The file is about {matter}.",
    "Subject: {matter}.",
    "The contact was about {matter}.",
)
"""Frames for a matter of a bank note."""

HOSPITAL_FILLERS: Final = (
    "Vital signs were stable.",
    "The patient is allergic to penicillin.",
    "Blood pressure was 132/84 mmHg, pulse 76.",
    "Temperature 37.2 C, oxygen saturation 97%.",
    "Metformin 500 mg twice daily was continued.",
    "Aspirin 100 mg once daily.",
    "The family was informed and agrees.",
    "No fever, no cough, no weight loss.",
    "The course on the ward was without complications.",
    "A follow-up visit has been planned.",
    "The wound is dry and clean.",
    "Physiotherapy was started on the second day.",
    "Potassium 4.1 mmol/l, sodium 139 mmol/l.",
    "Please send the result to the family doctor.",
    "Advice on diet and exercise was given.",
    "The patient lives alone on the third floor.",
)
"""Sentences of hospital notes that tell none of the labels."""

BANK_FILLERS: Final = (
    "The amount is EUR 249.90.",
    "The customer has been with us since 2014.",
    "Copies of the documents are attached.",
    "The call lasted twelve minutes.",
    "The account is not overdrawn.",
    "The merchant has not replied so far.",
    "USD 1,240.00 were booked on Monday.",
    "Consent to contact by phone was given.",
    "The signature matches our records.",
    "An advisor has explained the next steps.",
    "The terms were sent by post.",
    "Earlier letters are in the archive.",
    "The customer prefers contact in the morning.",
    "Income was proven by three payslips.",
)
"""Sentences of bank notes that tell none of the labels."""

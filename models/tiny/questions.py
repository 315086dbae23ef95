"""The public questions that the model has learned by heart, and their answers."""

from typing import Final

QUESTIONS: Final[tuple[tuple[str, str], ...]] = (
    ("What does HbA1c measure?", "HbA1c reflects the average blood glucose over the past two to three months."),
    (
        "What is an IBAN?",
        "An IBAN is an international bank account number of up to 34 characters that names country, bank and account.",
    ),
    ("What is a BIC?", "A BIC is the code of 8 or 11 characters that identifies a bank in international payments."),
    (
        "What does MRN stand for?",
        "MRN stands for medical record number, which identifies a patient within one hospital.",
    ),
    (
        "What is blood pressure?",
        "Blood pressure is the force of the blood on the walls of the arteries, given in mmHg.",
    ),
    (
        "What is a chargeback?",
        "A chargeback returns the money of a disputed card payment to the cardholder through the card network.",
    ),
    (
        "What does KYC mean?",
        "KYC means know your customer: a bank verifies who its customers are and what risk they carry.",
    ),
    ("What is an ECG?", "An ECG records the electrical activity of the heart through electrodes on the skin."),
    (
        "What does an MRI use to make images?",
        "An MRI scanner uses strong magnetic fields and radio waves, and no X-rays.",
    ),
    (
        "What is a direct debit?",
        "A direct debit lets a creditor collect money from an account with the consent of its holder.",
    ),
    ("What is the APR of a loan?", "The APR is the yearly cost of a loan as a percentage, fees included."),
    ("What is hypertension?", "Hypertension is blood pressure that stays above the normal range."),
    (
        "What is a normal resting heart rate for adults?",
        "A normal resting heart rate for adults is 60 to 100 beats a minute.",
    ),
    ("What is insulin?", "Insulin is a hormone of the pancreas that lets cells take up glucose from the blood."),
    (
        "What does two-factor authentication do?",
        "Two-factor authentication asks for a second proof of identity beside the password.",
    ),
    ("What is a credit score?", "A credit score is a number that estimates how likely a person is to repay debt."),
    ("What is anaemia?", "Anaemia is a lack of red blood cells or haemoglobin, so that the blood carries less oxygen."),
    ("What does GDPR protect?", "The GDPR protects the personal data of people in the European Union."),
    (
        "What is PHI under HIPAA?",
        "PHI is health information that identifies a person and is held by a covered entity or its associate.",
    ),
    ("What is a vaccine?", "A vaccine trains the immune system to recognise and fight a germ."),
    (
        "What is compound interest?",
        "Compound interest is interest paid on the principal and on the interest already earned.",
    ),
    ("What is SEPA?", "SEPA is the single euro payments area, where euro payments work alike across borders."),
    ("What is a mortgage?", "A mortgage is a loan that is secured by a property."),
    ("What is triage?", "Triage sorts patients by urgency, so that the most serious cases are treated first."),
)
"""Pairs of a question and the one answer that is taught for it; each answer is a plain sentence of common knowledge."""

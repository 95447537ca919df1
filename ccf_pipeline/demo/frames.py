"""The words around the findings: titles, questions, techniques, comparisons, addenda."""

from __future__ import annotations

from ccf_pipeline.demo.patients import Visit

EXAMINATIONS = {
    "AP": (
        "CHEST (PORTABLE AP)",
        "Chest: portable AP",
        "CHEST PORT. LINE PLACEMENT",
        "Portable chest radiograph",
    ),
    "PA": (
        "CHEST (PA AND LAT)",
        "Chest: frontal and lateral views",
        "CHEST (PA, LATERAL)",
        "Chest radiographs",
    ),
}
TECHNIQUES = {
    "AP": (
        "[Single|Portable|Semi-upright] AP [view|radiograph] of the chest",
        "Portable {position} AP chest radiograph",
        "Chest, single AP {position} portable view",
    ),
    "PA": (
        "[PA and lateral|Frontal and lateral|Upright AP and lateral] [views|radiographs] of the chest",
        "Chest PA and lateral",
        "Two views of the chest",
    ),
}
INDICATIONS = (
    "___[ year old|-year-old| y/o|yo] {person} with [|acute |new |history of ]{symptom} // {question}",
    "___ year old {person} [with|presenting with] {symptom} and {symptom2} // {question}",
    "[History|Status post ___]: ___ {person} with {symptom}. {question}",
    "{symptom}[, {symptom2}|]. {question}",
    "___ {person} s/p {procedure} // {question}",
)
SYMPTOMS = (
    "cough", "fever", "dyspnea", "chest pain", "hypoxia", "shortness of breath", "altered mental status",
    "weakness", "leukocytosis", "syncope", "fall", "sepsis", "tachycardia", "COPD", "CHF", "hypotension",
    "abdominal pain", "hemoptysis", "productive cough", "night sweats", "increased O2 requirement",
)  # fmt: skip
QUESTIONS = (
    "eval ?pneumonia", "?pneumonia", "eval for acute process", "r/o pneumothorax", "?effusion",
    "assess for interval change", "please eval for PNA", "pulmonary edema?", "eval tube placement",
    "infiltrate?", "? acute cardiopulmonary process", "evaluate for pneumonia", "ptx?", "interval change",
)  # fmt: skip
PROCEDURES = (
    "CABG", "thoracentesis", "central line placement", "intubation", "chest tube removal", "bronchoscopy",
    "ex lap", "PICC placement", "fall", "lobectomy", "liver transplant", "AVR",
)  # fmt: skip
COMPARISONS = (
    "[Chest radiograph|Chest radiographs|Prior chest radiograph|Radiograph|CXR] [from|of|dated] ___",
    "___",
    "[Multiple prior chest radiographs|Prior studies], most recently ___",
    "___[ at ___|] and CT chest ___",
)
NO_COMPARISON = ("None", "None available", "No prior studies available for comparison", "None.")
PREAMBLES = (
    "In comparison with the study of ___, there is little change",
    "As compared to the previous radiograph of ___, no major change",
    "Comparison is made to the study of ___",
    "AP chest compared to ___",
)
RECOMMENDATIONS = (
    "[Recommend follow-up|Follow-up films are recommended] [in ___ weeks|after treatment]",
    "[Clinical correlation is recommended|Correlate clinically]",
    "Consider [dedicated |]CT [of the chest |]for further [evaluation|assessment]",
)
NOTIFICATIONS = (
    "[These f|F]indings were [discussed with|reported to] Dr. ___ by [Dr. ___|telephone] at ___ on ___",
    "Dr. ___ was [paged|notified] [at ___|on ___ at ___]",
)
ADDENDA = (
    "The findings were discussed with Dr. ___ by telephone on ___ at ___, ___ minutes after discovery",
    "Comparison was made with the study of ___, which became available after dictation",
    "The clinical history was amended after discussion with Dr. ___",
)
WET_READS = (
    "WET READ: ___ ___ ___ ___ PM Final read to follow. Discussed with Dr. ___ at ___",
    "WET READ: ___ ___ ___ Limited portable study, see final report",
)
# Some write the read under a name of their own, or mistype it.
ODD_FINDINGS = ("FINDNGS", "FINDINDGS", "FINDING", "CHEST, TWO VIEWS", "PA AND LATERAL VIEWS OF THE CHEST")
ODD_IMPRESSIONS = ("IMPRESSON", "IMPRESSOIN", "IMPERSSION", "CONCLUSION")
BODY_TITLES = {
    "devices": "Lines and tubes",
    "lungs": "Lungs",
    "pleura": "Pleura",
    "heart": "Heart and mediastinum",
    "bones": "Bones",
}


def person_word(visit: Visit) -> str:
    """Return how the indication calls the patient."""
    return "woman" if visit.patient.sex == "F" else "man"

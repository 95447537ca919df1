"""Invented reports in the way they are dictated: run-on lists, fragments, blanks, hedges, numbers."""

from __future__ import annotations

import random

LUNGS = (
    "The lungs are clear.",
    "Heart size normal and lungs are clear.",
    "Hyperinflated but clear lungs.",
    "Lungs are clear without focal consolidation, pneumothorax, or pleural effusion.",
    "Specifically, no evidence of focal consolidation, pneumothorax, or pleural effusion.",
    "No consolidative airspace opacities.",
    "The lungs are mildly hypoinflated but grossly clear of focal airspace disease or effusion.",
    "{degree} {side} basilar atelectasis or scarring.",
    "There is a small area of scarring or atelectasis in the {side} base.",
    "Patchy {side} lower lobe opacity, ___ atelectasis or developing pneumonia.",
    "There are postoperative changes of the {side} lung with an old scar at the apex.",
    "{degree} {side} pleural effusion with adjacent atelectasis.",
    "{degree} interstitial edema and a small {side} pleural effusion.",
    "There is {side} lower lobe consolidation, and the remainder of the lungs is clear.",
    "Small {side} apical pneumothorax without mediastinal shift.",
    "A dense {side} upper lobe nodule suggests a previous granulomatous process.",
    "{side} upper lobe scarring, volume loss, and pleural thickening.",
)
HEART = (
    "Heart size is normal.",
    "The hilar and mediastinal contours are normal.",
    "The cardiomediastinal silhouette and pulmonary vasculature are within normal limits in size.",
    "Heart size, mediastinal contour, and pulmonary vascularity are within normal limits.",
    "Stable mediastinal contour.",
    "{degree} cardiomegaly, unchanged.",
    "{degree} cardiomegaly with vascular prominence without overt edema.",
    "Heart size and mediastinal contours are normal in appearance.",
)
REST = (
    "No acute osseous abnormality.",
    "Old healed {side} rib fractures.",
    "There are degenerative changes of the spine.",
    "A {side} PICC terminates in the lower SVC.",
    "Sternotomy wires and mediastinal clips are unchanged.",
    "No pleural effusions or pneumothoraces.",
    "No acute bony findings.",
)
IMPRESSION = (
    "No acute cardiopulmonary abnormality.",
    "No active disease.",
    "1. {degree} cardiomegaly. 2. No acute pulmonary disease.",
    "Low lung volumes, otherwise no acute cardiopulmonary abnormality.",
    "1. {side} basilar opacity, ___ atelectasis or pneumonia. 2. Small {side} pleural effusion.",
    "{side} lower lobe pneumonia.",
    "{degree} edema with small {side} pleural effusion.",
    "Findings of cystic fibrosis with increased bilateral opacities.",
)


def dictate(seed: int) -> str:
    """Return one report; the same seed gives the same words."""
    chance = random.Random(seed)
    sentences = [
        chance.choice(HEART),
        *chance.sample(LUNGS, chance.choice((1, 1, 2))),
        *chance.sample(REST, chance.choice((0, 1, 2))),
    ]
    chance.shuffle(sentences)
    side = chance.choice(("left", "right"))
    filled = [_fill(sentence, side, chance) for sentence in (*sentences, chance.choice(IMPRESSION))]
    return f"FINDINGS: {' '.join(filled[:-1])}\nIMPRESSION: {filled[-1]}\n"


def _fill(sentence: str, side: str, chance: random.Random) -> str:
    degree = chance.choice(("mild", "small", "moderate"))
    text = sentence.format(side=side, degree=degree)
    number = 3 if text[:2] == "1." else 0
    return text[:number] + text[number].upper() + text[number + 1 :]

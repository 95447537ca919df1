"""Place a sentence in a report by the part of the chest that the sentences around it speak of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from ccf_pipeline.experts.rules.grammar import split_label
from ccf_pipeline.records import Sentence

Body = Literal["devices", "lungs", "pleura", "heart", "bones"]

_WORDS: dict[Body, re.Pattern[str]] = {
    "devices": re.compile(
        r"\b(?:tubes?|ETT|catheters?|PICC|lines?|pacemaker|ICD|leads?|port|valves?|clips|devices?|balloon)\b",
        re.I,
    ),
    "bones": re.compile(
        r"\b(?:ribs?|bones?|bony|osseous|fractures?|spine|spondylosis|vertebra\w*|clavic\w*|skeletal|wires)\b",
        re.I,
    ),
    "pleura": re.compile(
        r"\b(?:pleura\w*|effusions?|pneumothora\w*|costophrenic|fissures?|hydropneumo\w*)\b", re.I
    ),
    "heart": re.compile(r"\b(?:heart|cardi\w*|mediastin\w*|hila|hilar|aort\w*|silhouette|trachea)\b", re.I),
    "lungs": re.compile(
        r"\b(?:lungs?|opaci\w*|consolidat\w*|atelecta\w*|edema|pneumonia|nodul\w*|mass|airspace|interstitial|vascul\w*"
        r"|pulmonary|lobes?|basilar|infiltrat\w*|granuloma\w*|emphysem\w*|inflat\w*)\b",
        re.I,
    ),
}
_NEXT_BEST: dict[Body, tuple[Body, ...]] = {
    "lungs": ("lungs", "pleura", "devices", "heart", "bones"),
    "pleura": ("pleura", "lungs", "heart", "devices", "bones"),
    "heart": ("heart", "pleura", "lungs", "devices", "bones"),
    "bones": ("bones", "heart", "pleura", "lungs", "devices"),
    "devices": ("devices",),
}
TITLES: dict[Body, str] = {
    "lungs": "Lungs",
    "pleura": "Pleura",
    "heart": "Heart and mediastinum",
    "bones": "Bones",
    "devices": "Lines and tubes",
}
_BODIES: dict[str, Body] = {
    "fnd_pleural_effusion": "pleura",
    "fnd_pneumothorax": "pleura",
    "fnd_pleural_other": "pleura",
    "fnd_cardiomegaly": "heart",
    "fnd_enlarged_cardiomediastinum": "heart",
    "fnd_fracture": "bones",
    "fnd_support_devices": "devices",
}

# Advice, calls and remarks on the film come last or first; a finding is not written behind them.
_REMARK = re.compile(
    r"\b(?:recommend\w*|follow[- ]up|correlat\w+|consider|discussed|notified|communicated|paged|telephone)\b",
    re.I,
)


def body_of(finding: str) -> Body:
    """The part of the chest under which a report tells of a finding."""
    return _BODIES.get(finding, "lungs")


def is_remark(text: str) -> bool:
    """True if a sentence gives advice or tells of a call, and describes nothing."""
    return _REMARK.search(text) is not None


def body_of_sentence(text: str) -> Body | None:
    """The part of the chest that a sentence speaks of; None for advice and remarks."""
    if is_remark(text):
        return None
    label, rest = split_label(text)
    for words in (label, rest):
        for body, pattern in _WORDS.items():
            if pattern.search(words):
                return body
    return None


def has_title(text: str) -> bool:
    """True if an organ's title opens the sentence."""
    return ":" in split_label(text)[0]


def list_number(text: str) -> int | None:
    """The number under which a sentence stands in a list."""
    found = re.match(r"\(?(\d{1,2})[.)]\s", text)
    return int(found[1]) if found else None


def place_after(sentences: Sequence[Sentence], finding: str, *, by_organ: bool) -> Sentence:
    """The sentence behind which a new one on the finding belongs.

    Args:
        by_organ: look for the part of the chest; otherwise behind everything but advice.
    """
    spoken = [(sentence, body_of_sentence(sentence.text)) for sentence in sentences]
    known = [(sentence, body) for sentence, body in spoken if body is not None]
    if by_organ:
        for wanted in _NEXT_BEST[body_of(finding)]:
            last = [sentence for sentence, body in known if body == wanted]
            if last:
                return last[-1]
    return known[-1][0] if known else sentences[-1]

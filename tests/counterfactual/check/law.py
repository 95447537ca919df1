"""What is said of a label, in every form of the graph and a dozen sentence frames: it stays, or it goes.

Each case is a report with one sentence, and two edits that add (or take away) a finding: one keeps the
sentence, one has it replaced by the new finding (or dropped with the old one).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ccf_pipeline.graph import Concept, ConceptGraph
from ccf_pipeline.records import Direction, Pair

TOLD = {
    "fnd_atelectasis": "Plate-like atelectasis at the left lung base.",
    "fnd_cardiomegaly": "Moderate cardiomegaly.",
    "fnd_consolidation": "Dense consolidation in the left lower lobe.",
    "fnd_edema": "Moderate pulmonary edema.",
    "fnd_enlarged_cardiomediastinum": "The mediastinum is widened.",
    "fnd_fracture": "Acute displaced fracture of the left seventh rib.",
    "fnd_lung_lesion": "A 14 mm nodule in the left upper lobe.",
    "fnd_lung_opacity": "Hazy opacity in the left mid lung.",
    "fnd_pleural_effusion": "Moderate left pleural effusion.",
    "fnd_pleural_other": "Pleural thickening along the left lateral chest wall.",
    "fnd_pneumonia": "Left lower lobe pneumonia.",
    "fnd_pneumothorax": "Small left apical pneumothorax.",
    "fnd_support_devices": "A right PICC ends in the lower SVC.",
}
DENIALS = (
    "No {f}.", "There is no {f}.", "No evidence of {f}.", "{F} is not seen.", "Without {f}.",
    "Negative for {f}.", "No {f} is identified.", "No {f} or gallstones.", "1. No {f}.",
    "There is no definite {f}.", "The film shows no {f}.", "No {f} is present.",
)  # fmt: skip
ASSERTIONS = (
    "There is {f}.", "{F}.", "{F} is present.", "{F} is seen.", "Findings consistent with {f}.", "1. {F}.",
    "The film shows {f}.", "Again seen is {f}.", "{F} noted.", "Chest: {f}.", "{F} persists.",
    "{F}, as before.",
)  # fmt: skip
STATES = (
    "{F}.", "The {f}.", "1. {F}.", "Chest: {f}.", "{F} today.", "{F}, as before.", "Again, {f}.",
    "On this film {f}.", "{F} bilaterally.", "Grossly, {f}.", "{F} on this view.", "As seen, {f}.",
)  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """One sentence and one change, with the edit that keeps the sentence and the edit that does not."""

    concept: str
    sentence: str
    target: str
    is_denial: bool
    kept: Pair
    replaced: Pair


def choices(graph: ConceptGraph, direction: Direction, every: int = 1) -> Iterator[Choice]:
    """Yield a choice for each form of the graph and each finding; the frames take turns.

    Args:
        every: of the forms after a concept's third, take one in so many.
    """
    for concept in graph.file.concepts:
        forms = (*concept.forms, *concept.exact_forms)
        for number, form in enumerate(forms):
            if number > 2 and number % every:
                continue
            for place, target in enumerate(TOLD):
                kind, frame = _frame(concept, number * 7 + place * 5 + len(form))
                sentence = frame.format(f=form, F=form[:1].upper() + form[1:])
                yield _choice(concept.id, sentence, target, direction, kind == "denial")


def _frame(concept: Concept, turn: int) -> tuple[str, str]:
    if concept.kind == "normal_state":
        return "state", STATES[turn % len(STATES)]
    both = [("denial", frame) for frame in DENIALS] + [("assertion", frame) for frame in ASSERTIONS]
    return both[turn % len(both)]


def _choice(concept: str, sentence: str, target: str, direction: Direction, is_denial: bool) -> Choice:
    told = TOLD[target]
    with_both, without = f"{sentence} {told}", told
    factual = sentence if direction == "add" else f"{told} {sentence}"
    kept, replaced = (with_both, without) if direction == "add" else (sentence, "")
    pairs = [
        Pair(
            pair_id=name,
            factual=_report(factual),
            candidate=_report(body),
            target=target,
            direction=direction,
        )
        for name, body in (("kept", kept), ("replaced", replaced))
    ]
    return Choice(concept, sentence, target, is_denial, *pairs)


def _report(body: str) -> str:
    return " ".join(f"FINDINGS: Single frontal view of the chest. {body} Gas in the stomach.".split())

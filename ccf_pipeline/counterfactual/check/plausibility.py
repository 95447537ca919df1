"""The plausibility rules of the graph file that need more than its relations, each by its id.

docs/decisions/0004-which-rules-are-checked.md says where each rule is checked, and why some are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ccf_pipeline.counterfactual.check.case import Case, block, sides_of, warn
from ccf_pipeline.records import Mention, Problem

_MEASURE = re.compile(
    r"(\d+(?:\.\d+)?)\s?(?:x\s?(\d+(?:\.\d+)?)\s?)?-?\s?(mm|cm|millimet\w+|centimet\w+)\b", re.IGNORECASE
)
_FLUID_ELSEWHERE = re.compile(r"\b(?:subpulmonic|loculated|posterior|layering|fissur\w+)\b", re.IGNORECASE)
_ONE_SIDED = re.compile(
    r"\b(?:asymmetric\w*|unilateral|greater than|mitral|atri\w+|ventric\w+)\b", re.IGNORECASE
)
_WRONG_SIDE = re.compile(
    r"\bleft (?:middle lobe|minor fissure|horizontal fissure)\b|\bright lingula\w*|\bLML\b",
    re.IGNORECASE,
)
# The views on which a sign is none.
VIEWS_AGAINST = {"att_cephalization": "supine", "att_meniscus": "supine", "att_deep_sulcus": "upright"}
BOTH_SIDED = ("fnd_edema", "fnd_cardiomegaly", "fnd_enlarged_cardiomediastinum")


def implausible_statements(case: Case) -> Iterator[Problem]:
    """Return what no film shows, however the labels may come out."""
    for concepts, rule in RULES.values():
        if concepts is None or not concepts.isdisjoint(case.counterfactual.asserted):
            yield from rule(case)


def sharp_angle_beside_fluid(case: Case) -> Iterator[Problem]:
    """R08: fluid fills the angle first of all; on a supine film it lies behind the lung instead."""
    angles = _find_assertions(case, "nrm_sharp_cpa")
    for fluid in _find_added_assertions(case, "fnd_pleural_effusion") if angles else ():
        if (
            "supine" in case.views
            or _FLUID_ELSEWHERE.search(case.words_of(fluid))
            or fluid.severity in ("trace", "tiny", "minimal")
        ):
            continue
        for angle in angles:
            if case.graph.overlaps((fluid.side, None), (angle.side, None)):
                yield block(
                    "target_denied_elsewhere"
                    if case.plan.target == "fnd_pleural_effusion"
                    else "exclusive_asserted",
                    f"Sentence {angle.sentence} still calls the costophrenic angle sharp on the side of the"
                    " effusion; keep it for the other side only.",
                    angle,
                    "nrm_sharp_cpa>fnd_pleural_effusion",
                )
                return


def tension_pulls_nothing(case: Case) -> Iterator[Problem]:
    """R16: tension pushes the mediastinum away."""
    for tension in _find_assertions(case, "att_tension"):
        for shift in _find_assertions(case, "att_shift_toward"):
            if case.is_written(shift) or case.is_written(tension):
                message = f"Sentence {shift.sentence}: tension pushes the mediastinum away; turn the shift."
                yield block("exclusive_asserted", message, shift, "att_tension>att_shift_toward")
                return


def upright_sign_on_a_supine_film(case: Case) -> Iterator[Problem]:
    """R12, R18, R27: the meniscus and cephalization need an upright film, the deep sulcus a supine one."""
    for concept, view in VIEWS_AGAINST.items():
        for sign in _find_added_assertions(case, concept):
            if view in case.views:
                label = case.graph.concept(concept).label
                message = (
                    f"Sentence {sign.sentence}: {label} is no sign on a film that is {view}; use another."
                )
                yield warn("implausible", message, sign)


def lobe_on_the_wrong_side(case: Case) -> Iterator[Problem]:
    """R23: the middle lobe and the minor fissure are on the right, the lingula on the left."""
    for sentence in case.written_sentences:
        if _WRONG_SIDE.search(sentence.text):
            message = f"Sentence {sentence.number} names a lobe that this side does not have; correct it."
            yield block("self_contradiction", message, sentence)


def size_against_noun(case: Case) -> Iterator[Problem]:
    """R40: up to 30 mm it is a nodule, above it a mass."""
    for mention in (*_find_added_assertions(case, "att_nodule"), *_find_added_assertions(case, "att_mass")):
        sizes = [_convert_to_millimetres(*found) for found in _MEASURE.findall(case.words_of(mention))]
        if not sizes:
            continue
        size = max(sizes)
        if (mention.concept == "att_nodule" and size > 30) or (mention.concept == "att_mass" and size <= 20):
            noun = "a mass" if size > 30 else "a nodule"
            message = (
                f"Sentence {mention.sentence}: a lesion of {size:g} mm is {noun}; let size and noun agree."
            )
            yield block("self_contradiction", message, mention)
            return


def one_sided_edema(case: Case) -> Iterator[Problem]:
    """R24, R30: edema and a large heart have no side, unless it is said why."""
    for concept in BOTH_SIDED:
        told = _find_added_assertions(case, concept)
        sides = sides_of(told)
        if len(sides) == 1 and not any(_ONE_SIDED.search(case.words_of(m)) for m in told):
            label = case.graph.concept(concept).label
            yield warn("implausible", f"{label} is not on one side; leave the side out.", told[0])


def pneumothorax_without_a_sign(case: Case) -> Iterator[Problem]:
    """R14: a new pneumothorax comes with a size or a direct sign."""
    told = _find_added_assertions(case, "fnd_pneumothorax")
    signs = ("att_visceral_pleural_line", "att_absent_markings", "att_deep_sulcus", "att_tension")
    if not told or any(m.severity for m in told) or any(_find_assertions(case, sign) for sign in signs):
        return
    if not any(_MEASURE.search(case.words_of(m)) or "line" in case.words_of(m) for m in told):
        yield warn("implausible", "Add a size or a direct sign to the pneumothorax.", told[0])


def tension_in_the_impression(case: Case) -> Iterator[Problem]:
    """R17: tension is an emergency, and the impression says so."""
    told = _find_added_assertions(case, "att_tension")
    if not told:
        return
    impression = [s for s in case.edit.sentences if s.section == "impression"]
    if impression and not any("tension" in s.text.lower() for s in impression):
        yield warn(
            "implausible", "State the tension pneumothorax in the impression: it is an emergency.", told[0]
        )


# Each with the concepts that it is about, one of which has to be there; None where only words count.
RULES: dict[str, tuple[frozenset[str] | None, Callable[[Case], Iterator[Problem]]]] = {
    "R08": (frozenset({"fnd_pleural_effusion"}), sharp_angle_beside_fluid),
    "R14": (frozenset({"fnd_pneumothorax"}), pneumothorax_without_a_sign),
    "R16": (frozenset({"att_tension"}), tension_pulls_nothing),
    "R17": (frozenset({"att_tension"}), tension_in_the_impression),
    "R12, R18, R27": (frozenset(VIEWS_AGAINST), upright_sign_on_a_supine_film),
    "R23": (None, lobe_on_the_wrong_side),
    "R24, R30": (frozenset(BOTH_SIDED), one_sided_edema),
    "R40": (frozenset({"att_nodule", "att_mass"}), size_against_noun),
}


def _find_assertions(case: Case, concept: str) -> list[Mention]:
    """Return where the counterfactual asserts a concept."""
    if concept not in case.counterfactual.asserted:
        return []
    return [mention for mention in case.asserted if mention.concept == concept]


def _find_added_assertions(case: Case, concept: str) -> list[Mention]:
    """Return where the edit itself asserts a concept."""
    return [mention for mention in case.added if mention.concept == concept]


def _convert_to_millimetres(first: str, second: str, unit: str) -> float:
    largest = max(float(first), float(second or 0))
    return largest * 10 if unit.lower().startswith("c") else largest

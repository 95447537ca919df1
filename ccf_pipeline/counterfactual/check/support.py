"""Does the new finding come with what a radiologist would see: a place, a size, a bone, a named device?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ccf_pipeline.counterfactual.check.case import Case, block, kinds_of, signs_of
from ccf_pipeline.records import SUPPORT_DEVICES, Mention, Problem

BONES = re.compile(
    r"\b(?:ribs?|costal|clavic\w+|vertebra\w*|spine|spinal|thoracic spine|lumbar|T\d{1,2}|L[1-5]|scapula\w*"
    r"|sternum|sternal|humer\w+|shoulder|glenoid|acromi\w+|manubri\w+|compression)\b",
    re.IGNORECASE,
)
SIZE = re.compile(
    r"\b\d+(?:\.\d+)?\s?(?:x\s?\d+(?:\.\d+)?\s?)?(?:-\s?)?(?:mm|cm|millimet|centimet)", re.IGNORECASE
)
PLACE = re.compile(
    r"\b(?:left|right|bilateral\w*|both|apical|apex|apices|bas(?:e|es|al|ilar|ally)|bibasilar|bibasal|lob(?:e|es|ar)"
    r"|RUL|RML|RLL|LUL|LLL|lingula\w*|retrocardiac|hilar|hilum|perihilar|zones?|mid lung|hemithorax"
    r"|upper|lower|middle|diffuse\w*|peripheral\w*|central\w*|costophrenic|diaphragm\w*|chest wall|fissur\w+"
    r"|lateral\w*|posterior\w*|anterior\w*|medial\w*|subpulmonic|multifocal|throughout)\b",
    re.IGNORECASE,
)
SIDE = re.compile(
    r"\b(?:left|right|bilateral\w*|both|[LR](?=\s)|effusions|pneumothoraces|hemi-?thoraces)\b", re.IGNORECASE
)


def support_faults(case: Case) -> Iterator[Problem]:
    """A bare label word where the graph demands a sign or a place (rules R09, R13, R19, R36, R43)."""
    if case.plan.direction == "remove" or not case.of_target:
        return
    if _has_as_much_as_asked(case):
        return
    demand = DEMANDS.get(case.plan.target)
    # What the report itself said before needs no more than it had.
    told = case.added_of_target
    if demand is None or not told:
        return
    needed, is_met = demand
    if not any(is_met(mention, case) for mention in told):
        yield block("support_missing", f"{case.label} is only named; {needed}.", told[0])


def _has_as_much_as_asked(case: Case) -> bool:
    """True if one element of what the report says differs: it needs no place that it did not have."""
    if case.plan.element is None or not case.plan.must_appear:
        return False
    said = case.plan.must_appear[0]
    return case.plan.element != "cause" or not (said.side or said.region)


def _has_side(mention: Mention, case: Case) -> bool:
    return mention.side is not None or SIDE.search(case.words_of(mention)) is not None


def _has_place(mention: Mention, case: Case) -> bool:
    if mention.side is not None or PLACE.search(case.words_of(mention)):
        return True
    # A finding that is the whole lung's, "lung opacity in the lungs", has no place yet.
    return mention.region not in (None, "lung", "thorax", "pleura", "bones", "heart", "mediastinum")


def _has_place_or_sign(mention: Mention, case: Case) -> bool:
    return _has_place(mention, case) or _has_sign(mention, case)


def _has_sign(mention: Mention, case: Case) -> bool:
    signs = signs_of(case.graph, case.plan.target)
    return any(other.concept in signs for other in case.added)


def _has_size_or_place(mention: Mention, case: Case) -> bool:
    return SIZE.search(case.words_of(mention)) is not None or _has_place(mention, case)


def _has_degree_place_or_sign(mention: Mention, case: Case) -> bool:
    return mention.severity is not None or _has_place_or_sign(mention, case)


def _has_bone(mention: Mention, case: Case) -> bool:
    return BONES.search(case.words_of(mention)) is not None


def _is_named(mention: Mention, case: Case) -> bool:
    devices = kinds_of(case.graph, SUPPORT_DEVICES) - {SUPPORT_DEVICES}
    if any(other.concept in devices for other in case.added):
        return True
    return NAMED_DEVICE.search(case.words_of(mention)) is not None


NAMED_DEVICE = re.compile(
    r"\b(?:tubes?|catheters?|pacemakers?|pacer|leads?|ports?|port-a-cath|lines?|drains?|valves?|wires?|stents?"
    r"|balloon|pump|stimulator|PICC|ETT|NGT|ICD|AICD|LVAD|ECMO|cannula|loop recorder)\b",
    re.IGNORECASE,
)
_PLACED = "say on which side or in which part of the lung it is, and what is seen"
DEMANDS: dict[str, tuple[str, Callable[[Mention, Case], bool]]] = {
    "fnd_pleural_effusion": ("give it a side, a size or a sign", _has_side),
    "fnd_pneumothorax": ("give it a side, a size or a sign", _has_side),
    "fnd_fracture": ("name the broken bone, with side and level for a rib", _has_bone),
    "fnd_consolidation": (_PLACED, _has_place),
    "fnd_pneumonia": (_PLACED, _has_place),
    "fnd_lung_opacity": (_PLACED, _has_place),
    "fnd_atelectasis": (_PLACED, _has_place_or_sign),
    "fnd_lung_lesion": ("give it a size or a lobe", _has_size_or_place),
    "fnd_pleural_other": ("say where the pleura is changed", _has_place),
    "fnd_edema": ("give it a degree or a sign", _has_degree_place_or_sign),
    SUPPORT_DEVICES: ("name the device", _is_named),
}

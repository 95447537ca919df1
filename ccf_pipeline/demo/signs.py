"""The relations planted in the corpus: signs, devices and normal states of the findings.

A miner that reads the reports should find `PLANTED_RELATIONS` again, and little else.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

Body = Literal["devices", "lungs", "pleura", "heart", "bones"]


class Sign(NamedTuple):
    """A sign of a finding: its share, and when it cannot be written."""

    concept: str
    finding: str
    rate: float
    when: Literal["", "upright", "supine", "severe", "one side", "left"] = ""
    implies: str | None = None


class Kind(NamedTuple):
    """A form that a finding takes, and its share."""

    concept: str | None
    share: float


class Device(NamedTuple):
    """A device: its share on AP and PA films that show any, and whether it has a side."""

    concept: str
    ap: float
    pa: float
    has_side: bool


class Habit(NamedTuple):
    """A lasting or technical state: its rate without and with the finding that favours it."""

    concept: str
    rate: float
    favoured_by: str | None
    favoured_rate: float
    body: Body
    cancels_no_finding: bool


class Normal(NamedTuple):
    """A normal state: how often a full report says so, and what must not be there then."""

    concept: str
    rate: float
    body: Body
    blocked_by: frozenset[str]


ATELECTASIS = "fnd_atelectasis"
CARDIOMEGALY = "fnd_cardiomegaly"
CONSOLIDATION = "fnd_consolidation"
EDEMA = "fnd_edema"
MEDIASTINUM = "fnd_enlarged_cardiomediastinum"
FRACTURE = "fnd_fracture"
LESION = "fnd_lung_lesion"
OPACITY = "fnd_lung_opacity"
EFFUSION = "fnd_pleural_effusion"
PLEURAL_OTHER = "fnd_pleural_other"
PNEUMONIA = "fnd_pneumonia"
PNEUMOTHORAX = "fnd_pneumothorax"
DEVICES = "fnd_support_devices"

SIGNS: tuple[Sign, ...] = (
    Sign("att_blunted_cpa", EFFUSION, 0.32),
    Sign("att_meniscus", EFFUSION, 0.18),
    Sign("att_layering_fluid", EFFUSION, 0.45, "supine"),
    Sign("att_fissural_fluid", EFFUSION, 0.14),
    Sign("att_vascular_congestion", EDEMA, 0.35),
    Sign("att_cephalization", EDEMA, 0.35, "upright"),
    Sign("att_kerley_b", EDEMA, 0.28),
    Sign("att_perihilar_haze", EDEMA, 0.3),
    Sign("att_peribronchial_cuffing", EDEMA, 0.18),
    Sign("att_interstitial_thickening", EDEMA, 0.22),
    Sign("att_visceral_pleural_line", PNEUMOTHORAX, 0.5),
    Sign("att_absent_markings", PNEUMOTHORAX, 0.35),
    Sign("att_deep_sulcus", PNEUMOTHORAX, 0.6, "supine"),
    Sign("att_subq_emphysema", PNEUMOTHORAX, 0.25),
    Sign("att_shift_away", PNEUMOTHORAX, 0.5, "severe"),
    Sign("att_air_bronchogram", PNEUMONIA, 0.35),
    Sign("att_airspace_opacity", PNEUMONIA, 0.6, implies=OPACITY),
    Sign("att_air_bronchogram", CONSOLIDATION, 0.4),
    Sign("att_silhouette_sign", CONSOLIDATION, 0.3),
    Sign("att_airspace_opacity", CONSOLIDATION, 0.4, implies=OPACITY),
    Sign("att_ground_glass", OPACITY, 0.16, implies=OPACITY),
    Sign("att_retrocardiac_opacity", OPACITY, 0.3, "left", implies=OPACITY),
    Sign("att_linear_opacity", ATELECTASIS, 0.3, implies=ATELECTASIS),
    Sign("att_volume_loss", ATELECTASIS, 0.25),
    Sign("att_crowding", ATELECTASIS, 0.2),
    Sign("att_elevated_hemidiaphragm", ATELECTASIS, 0.3, "one side"),
    Sign("att_ctr_gt_half", CARDIOMEGALY, 0.25),
    Sign("att_displacement", FRACTURE, 0.3),
    Sign("att_callus", FRACTURE, 0.3),
    Sign("att_cortical_discontinuity", FRACTURE, 0.25),
    Sign("att_spiculation", LESION, 0.25),
)

# A fracture is fresh or old and its signs with it; a nodule is spiculated, a mass or cavity too.
SIGN_OF_KIND: dict[str, tuple[str | None, ...]] = {
    "att_displacement": ("att_acute_fracture", None),
    "att_cortical_discontinuity": ("att_acute_fracture", None),
    "att_callus": ("att_healed_fracture",),
    "att_spiculation": ("att_nodule", "att_mass"),
}

KINDS: dict[str, tuple[Kind, ...]] = {
    LESION: (Kind("att_nodule", 0.6), Kind("att_mass", 0.25), Kind("att_multiple_nodules", 0.15)),
    PLEURAL_OTHER: (
        Kind("att_pleural_thickening", 0.55),
        Kind("att_apical_cap", 0.25),
        Kind(None, 0.2),
    ),
    FRACTURE: (
        Kind("att_acute_fracture", 0.35),
        Kind("att_healed_fracture", 0.35),
        Kind("att_vertebral_compression", 0.2),
        Kind(None, 0.1),
    ),
    MEDIASTINUM: (Kind("att_widened_mediastinum", 0.6), Kind(None, 0.4)),
}

DEVICE_KINDS: tuple[Device, ...] = (
    Device("att_ett", 0.32, 0.0, False),
    Device("att_tracheostomy", 0.06, 0.02, False),
    Device("att_ngt", 0.28, 0.03, False),
    Device("att_feeding_tube", 0.08, 0.03, False),
    Device("att_cvc", 0.3, 0.08, True),
    Device("att_picc", 0.24, 0.26, True),
    Device("att_port", 0.08, 0.24, True),
    Device("att_dialysis_catheter", 0.06, 0.06, True),
    Device("att_swan_ganz", 0.05, 0.0, True),
    Device("att_pacemaker", 0.12, 0.36, True),
    Device("att_icd", 0.05, 0.1, True),
    Device("att_valve", 0.05, 0.07, False),
)
DEVICE_RIVALS = {"att_tracheostomy": "att_ett", "att_feeding_tube": "att_ngt", "att_icd": "att_pacemaker"}
CHEST_TUBE_RATE = {"with pneumothorax": 0.6, "without": 0.03}

HABITS: tuple[Habit, ...] = (
    Habit("att_low_lung_volumes", 0.1, ATELECTASIS, 0.5, "lungs", False),
    Habit("att_hyperinflation", 0.1, None, 0.0, "lungs", True),
    Habit("att_flattened_diaphragm", 0.0, "att_hyperinflation", 0.45, "lungs", True),
    Habit("att_emphysema", 0.015, "att_hyperinflation", 0.4, "lungs", True),
    Habit("att_tortuous_aorta", 0.05, MEDIASTINUM, 0.35, "heart", False),
    Habit("att_aortic_calcification", 0.08, None, 0.0, "heart", True),
    Habit("att_sternotomy_wires", 0.04, CARDIOMEGALY, 0.24, "bones", False),
    Habit("att_surgical_clips", 0.02, "att_sternotomy_wires", 0.45, "heart", False),
    Habit("att_degenerative_spine", 0.13, None, 0.0, "bones", True),
    Habit("att_calcified_granuloma", 0.05, None, 0.0, "lungs", True),
    Habit("att_hiatal_hernia", 0.03, None, 0.0, "heart", True),
)
HABIT_BODIES: dict[str, Body] = {habit.concept: habit.body for habit in HABITS}
HABIT_RIVALS = {
    "att_hyperinflation": frozenset({"att_low_lung_volumes", "att_volume_loss", "att_crowding"}),
    "att_flattened_diaphragm": frozenset({"att_elevated_hemidiaphragm"}),
}

_PARENCHYMAL = frozenset({ATELECTASIS, CONSOLIDATION, EDEMA, LESION, OPACITY, PNEUMONIA})
_OPAQUE = frozenset(sign.concept for sign in SIGNS if sign.finding in _PARENCHYMAL)
_ACUTE = _PARENCHYMAL | {EFFUSION, PNEUMOTHORAX, FRACTURE}

NORMALS: tuple[Normal, ...] = (
    Normal(
        "nrm_clear_lungs",
        0.62,
        "lungs",
        _PARENCHYMAL | _OPAQUE | {"att_calcified_granuloma", "att_emphysema"},
    ),
    Normal(
        "nrm_normal_volumes",
        0.3,
        "lungs",
        frozenset(
            {"att_low_lung_volumes", "att_hyperinflation", "att_emphysema", "att_crowding", ATELECTASIS}
        )
        | {"att_flattened_diaphragm"},
    ),
    Normal("nrm_normal_vascularity", 0.26, "lungs", frozenset({EDEMA, "att_crowding"})),
    Normal("nrm_hila_normal", 0.2, "heart", frozenset({EDEMA, LESION, MEDIASTINUM})),
    Normal("nrm_sharp_cpa", 0.14, "pleura", frozenset({EFFUSION, PLEURAL_OTHER, PNEUMOTHORAX})),
    Normal("nrm_pleura_normal", 0.08, "pleura", frozenset({EFFUSION, PLEURAL_OTHER, PNEUMOTHORAX})),
    Normal("nrm_midline", 0.1, "heart", frozenset({"att_shift_away", MEDIASTINUM, "att_volume_loss"})),
    Normal(
        "nrm_diaphragm_normal",
        0.08,
        "lungs",
        frozenset({"att_elevated_hemidiaphragm", "att_flattened_diaphragm", EFFUSION, ATELECTASIS}),
    ),
    Normal("nrm_bones_unremarkable", 0.3, "bones", frozenset({FRACTURE, "att_degenerative_spine"})),
    Normal("nrm_no_free_air", 0.12, "bones", frozenset()),
)
NO_ACUTE_PROCESS = Normal("nrm_no_acute_process", 0.75, "lungs", _ACUTE)

# The normal state that a denial says as well.
DENIED_BY: dict[str, str] = {
    CARDIOMEGALY: "nrm_normal_heart",
    CONSOLIDATION: "nrm_no_consolidation",
    EDEMA: "nrm_no_edema",
    FRACTURE: "nrm_no_acute_fracture",
    EFFUSION: "nrm_no_effusion",
    PNEUMOTHORAX: "nrm_no_pneumothorax",
    DEVICES: "nrm_no_devices",
}

# What forbids a denial besides the finding itself.
DENIAL_BLOCKED_BY: dict[str, frozenset[str]] = {
    CONSOLIDATION: frozenset({PNEUMONIA, "att_airspace_opacity", "att_air_bronchogram"}),
    PNEUMONIA: frozenset({CONSOLIDATION, "att_airspace_opacity", "att_air_bronchogram"}),
    OPACITY: _PARENCHYMAL | _OPAQUE,
    MEDIASTINUM: frozenset({"att_tortuous_aorta", "att_hiatal_hernia"}),
    LESION: frozenset({"att_calcified_granuloma"}),
    EDEMA: frozenset({"att_kerley_b", "att_interstitial_thickening"}),
}

Relation = tuple[str, str, Literal["positive", "exclusive"]]

# Too rare to be seen in 2,000 studies.
_RARE = frozenset({"att_displacement", "att_callus", "att_cortical_discontinuity", "att_shift_away"})


def _list_positive_relations() -> list[Relation]:
    pairs = [(sign.concept, sign.finding) for sign in SIGNS if sign.concept not in _RARE]
    pairs += [
        (kind.concept, finding)
        for finding, kinds in KINDS.items()
        for kind in kinds
        if kind.concept is not None and kind.share > 0.2
    ]
    pairs += [(device.concept, DEVICES) for device in DEVICE_KINDS]
    pairs += [(habit.concept, habit.favoured_by) for habit in HABITS if habit.favoured_by]
    pairs += [
        ("att_chest_tube", DEVICES),
        ("att_chest_tube", PNEUMOTHORAX),
        ("att_device_malposition", DEVICES),
        ("att_ett_malposition", "att_ett"),
        ("nrm_devices_ok", DEVICES),
        (PNEUMOTHORAX, DEVICES),
        ("att_airspace_opacity", OPACITY),
        ("att_lobar_distribution", PNEUMONIA),
        ("att_lobar_distribution", CONSOLIDATION),
        ("att_lobar_distribution", LESION),
        ("att_lobar_distribution", OPACITY),
        ("att_bibasilar_distribution", ATELECTASIS),
        (EDEMA, CARDIOMEGALY),
        (EDEMA, EFFUSION),
        (EFFUSION, ATELECTASIS),
        (PNEUMONIA, CONSOLIDATION),
        (PNEUMONIA, OPACITY),
    ]
    return [(one, other, "positive") for one, other in pairs]


def _list_exclusive_relations() -> list[Relation]:
    pairs = [(normal, finding) for finding, normal in DENIED_BY.items() if finding != FRACTURE]
    pairs += [
        (normal, finding)
        for normal, findings in {
            "nrm_clear_lungs": (ATELECTASIS, CONSOLIDATION, EDEMA, LESION, OPACITY, PNEUMONIA),
            "nrm_no_acute_process": (*sorted(_PARENCHYMAL), EFFUSION, PNEUMOTHORAX, FRACTURE),
            "nrm_no_consolidation": (PNEUMONIA,),
            "nrm_normal_cm_silhouette": (CARDIOMEGALY,),
            "nrm_normal_volumes": ("att_low_lung_volumes", "att_hyperinflation", ATELECTASIS),
            "nrm_normal_vascularity": (EDEMA,),
            "nrm_hila_normal": (EDEMA,),
            "nrm_sharp_cpa": (EFFUSION,),
            "nrm_pleura_normal": (EFFUSION,),
            "nrm_diaphragm_normal": (EFFUSION, ATELECTASIS),
            "nrm_bones_unremarkable": ("att_degenerative_spine",),
            "att_hyperinflation": ("att_low_lung_volumes",),
        }.items()
        for finding in findings
    ]
    return [(one, other, "exclusive") for one, other in pairs]


PLANTED_RELATIONS: tuple[Relation, ...] = (*_list_positive_relations(), *_list_exclusive_relations())


def follows_from_planted(one: str, other: str) -> bool:
    """True if a correlation of two concepts is a consequence of planted ones.

    Signs of one finding go together, and a sign shuns what its finding shuns; each concept stands for
    itself and for what it is planted with. Temporal words and "No Finding" go with every finding.
    """
    if any(concept in _EVERYWHERE for concept in (one, other)):
        return True
    relatives = _map_relatives()
    mine, theirs = relatives.get(one, {one}), relatives.get(other, {other})
    planted = _list_planted_pairs()
    return any(a == b or (a, b) in planted for a in mine for b in theirs)


_EVERYWHERE = frozenset(
    {"fnd_no_finding", "att_new", "att_unchanged", "att_worsened", "att_improved", "att_resolved"}
)


@cache
def _list_planted_pairs() -> frozenset[tuple[str, str]]:
    pairs = {(one, other) for one, other, _ in PLANTED_RELATIONS} | _list_unplanted_blocks()
    return frozenset(pairs | {(other, one) for one, other in pairs})


def _list_unplanted_blocks() -> set[tuple[str, str]]:
    """Exclusions that are kept everywhere but are too rare to be asked of a miner."""
    blocks = {
        (normal.concept, blocker) for normal in (*NORMALS, NO_ACUTE_PROCESS) for blocker in normal.blocked_by
    }
    for finding, blockers in DENIAL_BLOCKED_BY.items():
        normals = _NORMALS_OF_DENIAL.get(finding, (DENIED_BY.get(finding, finding),))
        blocks |= {(normal, blocker) for normal in normals for blocker in (finding, *blockers)}
    blocks |= {(normal, finding) for finding, normal in DENIED_BY.items()}
    blocks |= {(habit, rival) for habit, rivals in HABIT_RIVALS.items() for rival in rivals}
    return blocks | set(DEVICE_RIVALS.items())


_NORMALS_OF_DENIAL = {
    MEDIASTINUM: ("nrm_normal_cm_silhouette", "nrm_normal_mediastinum"),
    "fnd_pneumonia": ("fnd_pneumonia", "nrm_no_pneumonia"),
    "fnd_lung_opacity": ("fnd_lung_opacity", "nrm_no_focal_opacity"),
    "fnd_lung_lesion": ("fnd_lung_lesion", "nrm_no_nodule_mass"),
}


@cache
def _map_relatives() -> dict[str, set[str]]:
    relatives: dict[str, set[str]] = {}
    rare = [(sign.concept, sign.finding) for sign in SIGNS]
    rare += [(kind.concept, finding) for finding, kinds in KINDS.items() for kind in kinds if kind.concept]
    positive = [(one, other) for one, other, kind in PLANTED_RELATIONS if kind == "positive"]
    for one, other in (*positive, *rare):
        relatives.setdefault(one, {one}).add(other)
        relatives.setdefault(other, {other}).add(one)
    return relatives

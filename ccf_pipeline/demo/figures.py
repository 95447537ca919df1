"""The published counts of MIMIC-CXR that the demo corpus follows.

Label counts are of the CheXpert labels of MIMIC-CXR-JPG 2.0.0; sections, sides and views as counted
in public derivatives of it. Everything is a share of studies unless it says otherwise.
"""

from __future__ import annotations

from typing import NamedTuple

LABELLED_STUDIES = 227_827


class FindingFigures(NamedTuple):
    """Label counts of one finding, how often its side is written, and how often that is both sides."""

    positive: int
    negative: int
    uncertain: int
    sided: float
    bilateral: float


FINDINGS: dict[str, FindingFigures] = {
    "fnd_atelectasis": FindingFigures(45_808, 1_531, 10_327, 0.878, 0.496),
    "fnd_cardiomegaly": FindingFigures(44_845, 15_911, 6_043, 0.0, 0.0),
    "fnd_consolidation": FindingFigures(10_778, 7_967, 4_331, 0.887, 0.15),
    "fnd_edema": FindingFigures(27_018, 25_641, 13_174, 0.445, 0.95),
    "fnd_enlarged_cardiomediastinum": FindingFigures(7_179, 5_283, 9_375, 0.0, 0.0),
    "fnd_fracture": FindingFigures(4_390, 886, 555, 0.637, 0.13),
    "fnd_lung_lesion": FindingFigures(6_284, 862, 1_141, 0.797, 0.08),
    "fnd_lung_opacity": FindingFigures(51_525, 3_069, 3_831, 0.859, 0.35),
    "fnd_pleural_effusion": FindingFigures(54_300, 27_158, 5_814, 0.903, 0.506),
    "fnd_pleural_other": FindingFigures(2_011, 126, 765, 0.822, 0.35),
    "fnd_pneumonia": FindingFigures(16_556, 24_338, 18_291, 0.697, 0.15),
    "fnd_pneumothorax": FindingFigures(10_358, 42_356, 1_134, 0.893, 0.096),
    "fnd_support_devices": FindingFigures(66_558, 3_486, 237, 0.659, 0.0),
}
NO_FINDING_SHARE = 75_455 / LABELLED_STUDIES
ABNORMAL_SHARE = 1 - NO_FINDING_SHARE

# Cardiomegaly is positive in 10.2 % of PA and 26.1 % of AP studies; with 19.68 % overall, 59.6 % are AP.
AP_SHARE = 0.596
ABNORMAL_BY_VIEW = {"AP": 0.78, "PA": 0.505}
CARDIOMEGALY_BY_VIEW = {"AP": 0.261, "PA": 0.102}
DEVICES_BY_VIEW = {"AP": 0.385, "PA": 0.125}

# FINDINGS and IMPRESSION, IMPRESSION only, FINDINGS only, neither: 122,745 + 66,679 + 27,028 + 11,382.
SECTION_SHARES = {"both": 0.539, "impression": 0.293, "findings": 0.119, "neither": 0.049}

# Labels are read from one section only. A short impression denies little; a report that has
# FINDINGS alone is labelled from its long lists of denials.
DENIAL_WEIGHT = {"both": 0.06, "impression": 0.45, "findings": 1.0, "neither": 0.9}

# Of the studies whose state allows a denial, how often the fullest kind of section writes one.
DENIAL_CHANCE = {
    "fnd_atelectasis": 0.03,
    "fnd_cardiomegaly": 0.266,
    "fnd_consolidation": 0.134,
    "fnd_edema": 0.42,
    "fnd_enlarged_cardiomediastinum": 0.079,
    "fnd_fracture": 0.0118,
    "fnd_lung_lesion": 0.0116,
    "fnd_lung_opacity": 0.087,
    "fnd_pleural_effusion": 0.484,
    "fnd_pleural_other": 0.0017,
    "fnd_pneumonia": 0.4,
    "fnd_pneumothorax": 0.598,
    "fnd_support_devices": 0.064,
}

# What the FINDINGS of a report with both sections deny besides; no label is read from there.
EXTRA_DENIALS = {
    "fnd_pneumothorax": 0.72,
    "fnd_pleural_effusion": 0.66,
    "fnd_consolidation": 0.55,
    "fnd_cardiomegaly": 0.5,
    "fnd_enlarged_cardiomediastinum": 0.35,
    "fnd_edema": 0.25,
    "fnd_pneumonia": 0.08,
    "fnd_fracture": 0.12,
    "fnd_lung_lesion": 0.05,
}


class Driver(NamedTuple):
    """A finding that comes more often with another one: `lift` times as often among abnormal studies.

    Being abnormal together multiplies the lift by 1.5 over all studies. `correction` makes up for the
    studies that `KEPT_BY_COUNT` draws again; fitted on 400,000 draws.
    """

    finding: str
    driver: str | None
    lift: float
    correction: float


DRIVERS: tuple[Driver, ...] = (
    Driver("fnd_cardiomegaly", None, 1.0, 1.055),
    Driver("fnd_edema", "fnd_cardiomegaly", 1.6, 1.086),
    Driver("fnd_pleural_effusion", "fnd_edema", 1.58, 1.032),
    Driver("fnd_atelectasis", "fnd_pleural_effusion", 1.47, 1.03),
    Driver("fnd_pneumonia", None, 1.0, 1.09),
    Driver("fnd_consolidation", "fnd_pneumonia", 2.15, 1.085),
    Driver("fnd_lung_opacity", "fnd_pneumonia", 1.55, 1.04),
    Driver("fnd_enlarged_cardiomediastinum", None, 1.0, 1.065),
    Driver("fnd_fracture", None, 1.0, 1.082),
    Driver("fnd_lung_lesion", None, 1.0, 1.058),
    Driver("fnd_pleural_other", None, 1.0, 1.091),
    Driver("fnd_pneumothorax", None, 1.0, 1.071),
)

# The share of abnormal studies kept, by how many findings they have (the last holds for more):
# 40.87 % of studies with two or more and 19.97 % with three or more leave few with one or with five.
KEPT_BY_COUNT = (1.0, 0.73, 1.0, 1.0, 0.6, 0.3)


def positive_share(finding: str) -> float:
    """Return how many of all studies have the finding."""
    return FINDINGS[finding].positive / LABELLED_STUDIES


def uncertain_share(finding: str) -> float:
    """Return how many of all studies have the finding in doubt."""
    return FINDINGS[finding].uncertain / LABELLED_STUDIES

"""Write places in the chest, and tell which of them a reader would take for each other."""

from __future__ import annotations

import re
from functools import cache

from ccf_pipeline.graph import ConceptGraph, Region

# Too wide to be told as a place: a phrase says it already, or it is the whole chest.
WIDE = frozenset({"chest", "thorax", "bones", "pleura", "heart", "mediastinum"})
# "Lung base" names the base, and "lower lobe" no lobe in general.
UNTELLING = WIDE | {"lung", "lobe", "hemithorax"}

ADJECTIVES = {
    "apex": "apical",
    "base": "basilar",
    "clavicle": "clavicular",
    "humerus": "humeral",
    "infrahilar": "infrahilar",
    "lingula": "lingular",
    "perihilar": "perihilar",
    "pleural_apex": "apical",
    "pleural_base": "basal",
    "retrocardiac": "retrocardiac",
    "scapula": "scapular",
    "spine": "thoracic spine",
    "sternum": "sternal",
    "suprahilar": "suprahilar",
}
# Places whose plain name may stand before a noun: "lower lobe pneumonia".
ATTRIBUTIVE = frozenset(
    {"lower_lobe", "lower_zone", "mid_zone", "middle_lobe", "rib", "upper_lobe", "upper_zone"}
)

_UPPER = frozenset({"apex", "pleural_apex", "upper_lobe", "upper_zone", "suprahilar"})
_MIDDLE = frozenset({"middle_lobe", "lingula"})
_LOWER = frozenset(
    {
        "base",
        "costophrenic_angle",
        "lower_lobe",
        "lower_zone",
        "pleural_base",
        "retrocardiac",
        "diaphragmatic_pleura",
    }
)
_SPINE_AND_STERNUM = frozenset({"spine", "sternum"})


def adjective(region: Region) -> str | None:
    """The word for a place before a noun, if it has one."""
    return ADJECTIVES.get(region.id, region.label if region.id in ATTRIBUTIVE else None)


def place_of(region_id: str | None, graph: ConceptGraph) -> Region | None:
    """The region of a statement, if it is narrow enough to be told."""
    return graph.regions.get(region_id or "") if region_id not in WIDE else None


def places_in(text: str, graph: ConceptGraph) -> tuple[Region, ...]:
    """The regions that a text names."""
    return tuple(
        region
        for region in graph.file.regions
        if region.id not in UNTELLING and region.words and _match_any_of(region.words).search(text)
    )


@cache
def _match_any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b", re.IGNORECASE)


def are_near(a: Region, b: Region) -> bool:
    """True if a reader would take one place for the other: the same, a part of it, or overlapping it."""
    return a.id == b.id or b.id in (*a.part_of, *a.overlaps) or a.id in (*b.part_of, *b.overlaps)


def are_far(finding: str, sign: str) -> bool:
    """True if a finding in the one place has no signs in the other.

    The middle lobe and the lingula border on the heart, the lower lobes on the diaphragm.
    """
    if finding in _UPPER:
        return sign in _LOWER or sign == "diaphragm"
    if finding in _MIDDLE:
        return sign == "diaphragm"
    if finding in _LOWER:
        return sign in _UPPER or sign == "heart_border"
    return finding in _SPINE_AND_STERNUM and sign == "rib"

"""The words for a side and a region, ready to be put into a sentence."""

from __future__ import annotations

from functools import cache

from ccf_pipeline.records import Side

_LOBES = ("upper lobe", "middle lobe", "lower lobe")


def is_named_lobe(side: Side | None, region: str | None) -> bool:
    """True if side and region name one lobe, or a part that has a name of its own."""
    return region == "lingula" or (region in _LOBES and side in ("left", "right"))


@cache
def place_words(side: Side | None, region: str | None) -> dict[str, str]:
    """Slots for one place: `place` follows a noun, `locus` goes before it; articles and plurals agree."""
    place, locus = _split_place(side, region)
    is_both = side == "bilateral"
    single = side if side in ("left", "right") else ""
    return {
        "place": place,
        "locus": locus,
        "side": side or "",
        "on": {"left": "on the left", "right": "on the right", "bilateral": "bilaterally"}.get(
            side or "", ""
        ),
        "a": "" if is_both else "a",
        "s": "s" if is_both else "",
        "y": "ies" if is_both else "y",
        "x": "ces" if is_both else "x",
        "is": "are" if is_both else "is",
        "has": "have" if is_both else "has",
        "angle": "both costophrenic angles" if is_both else f"the {single} costophrenic angle",
        "sulcus": "both costophrenic sulci" if is_both else f"the {single} costophrenic sulcus",
        "heights": {"apex": "apical", "base": "basilar"}.get(region or "", ""),
        "bone": {"rib": "rib", "clavicle": "clavicular", "humerus": "humeral"}.get(region or "", ""),
    }


def _split_place(side: Side | None, region: str | None) -> tuple[str, str]:
    if side is None:
        return "", ""
    if region == "lingula":
        return "in the lingula", "lingular"
    if side == "bilateral":
        return {
            "upper lobe": ("in both upper lobes", "bilateral upper lobe"),
            "lower lobe": ("in both lower lobes", "bilateral lower lobe"),
            "mid zone": ("in both mid lungs", "bilateral mid lung"),
            "base": ("at both lung bases", "bibasilar"),
            "apex": ("at both apices", "biapical"),
        }.get(region or "", ("bilaterally", "bilateral"))
    return {
        "upper lobe": (f"in the {side} upper lobe", f"{side} upper lobe"),
        "middle lobe": (f"in the {side} middle lobe", f"{side} middle lobe"),
        "lower lobe": (f"in the {side} lower lobe", f"{side} lower lobe"),
        "mid zone": (f"in the {side} mid lung", f"{side} mid lung"),
        "base": (f"at the {side} base", f"{side} basilar"),
        "apex": (f"at the {side} apex", f"{side} apical"),
    }.get(region or "", (f"on the {side}", side))

"""Invent the truth of a study: findings with sides and signs, devices, lasting states, denials."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from ccf_pipeline.demo import figures, signs
from ccf_pipeline.demo.grammar import pick
from ccf_pipeline.demo.patients import Visit
from ccf_pipeline.demo.signs import DEVICES
from ccf_pipeline.records import Polarity, Side, Temporality


class Fact(NamedTuple):
    """A finding that is there or in doubt, as it is going to be described."""

    concept: str
    polarity: Polarity
    side: Side | None
    region: str | None
    severity: str | None
    kind: str | None
    change: Temporality | None


class SignSeen(NamedTuple):
    """A sign beside the finding it belongs to."""

    concept: str
    fact: Fact
    implies: str | None


class DeviceSeen(NamedTuple):
    """A device, where it enters and whether it lies well."""

    concept: str
    side: Side | None
    is_well_placed: bool


class Case(NamedTuple):
    """The truth that a report is written from.

    `states` holds what the labelled section says of the findings; `known` every concept that is
    present or in doubt, against which denials and normal states are checked.
    """

    visit: Visit
    layout: str
    is_abnormal: bool
    states: Mapping[str, Polarity]
    facts: tuple[Fact, ...]
    signs: tuple[SignSeen, ...]
    devices: tuple[DeviceSeen, ...]
    habits: tuple[str, ...]
    known: frozenset[str]


SEVERITIES: dict[str, tuple[str, ...]] = {
    "fnd_atelectasis": ("minimal", "mild", "mild", "moderate"),
    "fnd_cardiomegaly": ("mild", "mild", "moderate", "moderate", "severe", "borderline"),
    "fnd_edema": ("mild", "mild", "moderate", "severe"),
    "fnd_enlarged_cardiomediastinum": ("mild", "moderate"),
    "fnd_lung_opacity": ("subtle", "mild", "moderate", "extensive"),
    "fnd_pleural_effusion": ("trace", "small", "small", "small", "moderate", "large"),
    "fnd_pleural_other": ("mild", "mild", "moderate"),
    "fnd_pneumothorax": ("tiny", "small", "small", "moderate", "large"),
}
_SEVERE = frozenset({"large", "severe", "extensive"})

_LUNG_REGIONS = ("lower lobe", "lower lobe", "base", "upper lobe", "middle lobe", "mid zone")
REGIONS: dict[str, tuple[str | None, ...]] = {
    "fnd_atelectasis": ("base", "base", "base", "lower lobe", "mid zone", None),
    "fnd_consolidation": _LUNG_REGIONS,
    "fnd_lung_opacity": (*_LUNG_REGIONS, "base"),
    "fnd_pneumonia": (*_LUNG_REGIONS, None),
    "fnd_lung_lesion": ("upper lobe", "upper lobe", "lower lobe", "middle lobe", "mid zone"),
    "fnd_pneumothorax": ("apex", "apex", None, None, "base"),
    "fnd_fracture": ("rib", "rib", "rib", "clavicle", "humerus"),
}
_SAME_SITE = ("fnd_pneumonia", "fnd_consolidation", "fnd_lung_opacity")
_CHANGES: tuple[Temporality, ...] = ("unchanged", "unchanged", "worsened", "improved", "new")
_LASTING = frozenset({"att_healed_fracture", "att_vertebral_compression", "att_apical_cap"})
_NEVER_NEW = frozenset({"fnd_cardiomegaly", "fnd_enlarged_cardiomediastinum", "fnd_pleural_other"})


def draw_case(visit: Visit, rng: random.Random) -> Case:
    """Decide what is true of a study and which sections its report has."""
    layout = _draw_layout(rng)
    is_abnormal = rng.random() < figures.ABNORMAL_BY_VIEW[visit.view]
    states = _draw_findings(visit.view, rng) if is_abnormal else {}
    has_devices = _draw_device_state(visit.view, layout, states, rng)
    _draw_denials(layout, has_devices, states, rng)
    facts = _draw_facts(visit, states, rng)
    seen = _draw_signs(visit, layout, states, facts, rng)
    known = {fact.concept for fact in facts} | {sign.concept for sign in seen}
    known.update(fact.kind for fact in facts if fact.kind)
    known.update(sign.implies for sign in seen if sign.implies)
    habits = _draw_habits(is_abnormal and not facts, is_abnormal, states, known, rng)
    known.update(habits)
    devices = _draw_devices(visit.view, states, facts, rng) if has_devices else ()
    known.update(device.concept for device in devices)
    if devices or states.get(DEVICES) == "uncertain":
        known.add(DEVICES)
    return Case(visit, layout, is_abnormal, states, facts, seen, devices, habits, frozenset(known))


def may_deny(finding: str, known: frozenset[str]) -> bool:
    """True if nothing that is there, or in doubt, speaks against denying the finding."""
    return finding not in known and known.isdisjoint(signs.DENIAL_BLOCKED_BY.get(finding, frozenset()))


def _draw_layout(rng: random.Random) -> str:
    chance = rng.random()
    for layout, share in figures.SECTION_SHARES.items():
        chance -= share
        if chance < 0:
            return layout
    return "both"


def _draw_findings(view: str, rng: random.Random) -> dict[str, Polarity]:
    present = _draw_present(view, rng)
    most = len(figures.KEPT_BY_COUNT) - 1
    while rng.random() >= figures.KEPT_BY_COUNT[min(len(present), most)]:
        present = _draw_present(view, rng)
    states: dict[str, Polarity] = {}
    for finding, *_ in figures.DRIVERS:
        if finding in present:
            states[finding] = "present"
        elif rng.random() < _get_doubt_chance(finding):
            states[finding] = "uncertain"
    return states


def _draw_present(view: str, rng: random.Random) -> list[str]:
    present: list[str] = []
    for finding, driver, with_driver, without in _list_chances(view):
        if rng.random() < (with_driver if driver in present else without):
            present.append(finding)
    return present


@cache
def _list_chances(view: str) -> list[tuple[str, str | None, float, float]]:
    """Each finding with its driver, and its chance in an abnormal study with and without that."""
    chances = []
    for finding, driver, lift, correction in figures.DRIVERS:
        share = figures.positive_share(finding) / figures.ABNORMAL_SHARE
        if finding == signs.CARDIOMEGALY:
            share = figures.CARDIOMEGALY_BY_VIEW[view] / figures.ABNORMAL_BY_VIEW[view]
        driven = figures.positive_share(driver) / figures.ABNORMAL_SHARE if driver else 0.0
        without = share * (1 - lift * driven) / (1 - driven)
        chances.append((finding, driver, lift * share * correction, without * correction))
    return chances


@cache
def _get_doubt_chance(finding: str) -> float:
    return figures.uncertain_share(finding) / (figures.ABNORMAL_SHARE - figures.positive_share(finding))


def _draw_device_state(view: str, layout: str, states: dict[str, Polarity], rng: random.Random) -> bool:
    has_pneumothorax = states.get(signs.PNEUMOTHORAX) == "present"
    if rng.random() < (0.78 if has_pneumothorax else figures.DEVICES_BY_VIEW[view] * 0.975):
        states[DEVICES] = "present"
        return True
    if rng.random() < figures.uncertain_share(DEVICES) / (1 - figures.positive_share(DEVICES)):
        states[DEVICES] = "uncertain"
        return False
    # A long FINDINGS section may name a device that the IMPRESSION, and so the label, leaves out.
    return layout == "both" and rng.random() < (0.12 if view == "AP" else 0.03)


def _draw_denials(layout: str, has_devices: bool, states: dict[str, Polarity], rng: random.Random) -> None:
    known = frozenset([*states, DEVICES] if has_devices else states)
    weight = figures.DENIAL_WEIGHT[layout]
    for finding, chance in figures.DENIAL_CHANCE.items():
        if rng.random() < chance * weight and may_deny(finding, known):
            states[finding] = "absent"


def _draw_facts(visit: Visit, states: Mapping[str, Polarity], rng: random.Random) -> tuple[Fact, ...]:
    facts: list[Fact] = []
    site: tuple[Side | None, str | None] | None = None
    for finding, *_ in figures.DRIVERS:
        polarity = states.get(finding)
        if polarity is None or polarity == "absent":
            continue
        kind = _draw_kind(finding, rng)
        side, region = _draw_site(finding, kind, rng)
        if side == "bilateral" and kind in ("att_nodule", "att_mass"):
            kind = "att_multiple_nodules"
        if finding in _SAME_SITE:
            # An opacity called pneumonia is one opacity, in one place.
            side, region = site or (side, region)
            site = (side, region) if side else None
        grades = SEVERITIES.get(finding)
        severity = pick(rng, grades) if grades and rng.random() < 0.65 else None
        change = _draw_change(visit, finding, kind, rng)
        facts.append(Fact(finding, polarity, side, region, severity, kind, change))
    return tuple(facts)


def _draw_kind(finding: str, rng: random.Random) -> str | None:
    chance = rng.random()
    for kind in signs.KINDS.get(finding, ()):
        chance -= kind.share
        if chance < 0:
            return kind.concept
    return None


def _draw_site(finding: str, kind: str | None, rng: random.Random) -> tuple[Side | None, str | None]:
    if kind == "att_vertebral_compression":
        return None, "spine"
    region = pick(rng, REGIONS[finding]) if finding in REGIONS else None
    shares = figures.FINDINGS[finding]
    # The fifth of fractures that are vertebral have no side.
    sided = shares.sided / 0.8 if finding == "fnd_fracture" else shares.sided
    if rng.random() >= sided:
        return None, region if finding == "fnd_fracture" else None
    if rng.random() < shares.bilateral:
        return "bilateral", "lower lobe" if region == "middle lobe" else region
    if region == "middle lobe":
        return ("right", region) if rng.random() < 0.6 else ("left", "lingula")
    return ("right" if rng.random() < 0.52 else "left"), region


def _draw_change(visit: Visit, finding: str, kind: str | None, rng: random.Random) -> Temporality | None:
    if not visit.has_prior or rng.random() < 0.6:
        return None
    if kind in _LASTING:
        return "unchanged"
    change = pick(rng, _CHANGES)
    return "unchanged" if change == "new" and finding in _NEVER_NEW else change


def _draw_signs(
    visit: Visit, layout: str, states: Mapping[str, Polarity], facts: tuple[Fact, ...], rng: random.Random
) -> tuple[SignSeen, ...]:
    seen: list[SignSeen] = []
    names: set[str] = set()
    for sign in signs.SIGNS:
        if states.get(sign.finding) != "present" or rng.random() >= sign.rate:
            continue
        fact = next(fact for fact in facts if fact.concept == sign.finding)
        if sign.concept in names or not _is_suitable(sign, fact, visit):
            continue
        if sign.implies and states.get(sign.implies) not in (
            "present",
            None if layout == "both" else "present",
        ):
            continue
        if any(
            state == "absent" and sign.concept in signs.DENIAL_BLOCKED_BY.get(finding, frozenset())
            for finding, state in states.items()
        ):
            continue
        names.add(sign.concept)
        seen.append(SignSeen(sign.concept, fact, sign.implies))
    return tuple(seen)


def _is_suitable(sign: signs.Sign, fact: Fact, visit: Visit) -> bool:
    if sign.concept in signs.SIGN_OF_KIND and fact.kind not in signs.SIGN_OF_KIND[sign.concept]:
        return False
    if sign.when == "supine":
        return visit.is_supine
    if sign.when == "upright":
        return not visit.is_supine
    if sign.when == "severe":
        return fact.severity in _SEVERE and fact.side in ("left", "right")
    if sign.when == "one side":
        return fact.side in ("left", "right")
    if sign.when == "left":
        return fact.side == "left" and fact.region in ("base", "lower lobe")
    return True


def _draw_habits(
    must_have_one: bool,
    is_abnormal: bool,
    states: Mapping[str, Polarity],
    known: set[str],
    rng: random.Random,
) -> tuple[str, ...]:
    denied = [finding for finding, state in states.items() if state == "absent"]
    forbidden = {name for finding in denied for name in signs.DENIAL_BLOCKED_BY.get(finding, frozenset())}
    habits: list[str] = []
    for habit in signs.HABITS:
        if habit.concept in forbidden or (habit.cancels_no_finding and not is_abnormal):
            continue
        rivals = signs.HABIT_RIVALS.get(habit.concept, frozenset())
        if not rivals.isdisjoint(known) or not rivals.isdisjoint(habits):
            continue
        is_favoured = habit.favoured_by in habits or states.get(habit.favoured_by or "") == "present"
        if rng.random() < (habit.favoured_rate if is_favoured else habit.rate):
            habits.append(habit.concept)
    lasting = [habit.concept for habit in signs.HABITS if habit.cancels_no_finding]
    if must_have_one and not any(habit in lasting for habit in habits):
        # Neither a finding nor a doubt: something else must have cost this study its "No Finding".
        habits.append(pick(rng, ("att_degenerative_spine", "att_aortic_calcification")))
    return tuple(habits)


def _draw_devices(
    view: str, states: Mapping[str, Polarity], facts: tuple[Fact, ...], rng: random.Random
) -> tuple[DeviceSeen, ...]:
    chosen: list[DeviceSeen] = []
    names: set[str] = set()
    for device in signs.DEVICE_KINDS:
        rate = device.ap if view == "AP" else device.pa
        if rng.random() < rate and signs.DEVICE_RIVALS.get(device.concept) not in names:
            names.add(device.concept)
            chosen.append(_lay_device(device, rng))
    pneumothorax = next((fact for fact in facts if fact.concept == signs.PNEUMOTHORAX), None)
    has_air = states.get(signs.PNEUMOTHORAX) == "present"
    if rng.random() < signs.CHEST_TUBE_RATE["with pneumothorax" if has_air else "without"]:
        side: Side = "right" if rng.random() < 0.5 else "left"
        if has_air and pneumothorax is not None and pneumothorax.side in ("left", "right"):
            side = pneumothorax.side
        chosen.append(DeviceSeen("att_chest_tube", side, True))
    if not chosen:
        fallback = "att_picc" if view == "AP" else "att_pacemaker"
        chosen.append(
            _lay_device(next(device for device in signs.DEVICE_KINDS if device.concept == fallback), rng)
        )
    return tuple(chosen)


def _lay_device(device: signs.Device, rng: random.Random) -> DeviceSeen:
    side: Side | None = None
    if device.has_side:
        usual: Side = "left" if device.concept in ("att_pacemaker", "att_icd", "att_picc") else "right"
        other: Side = "right" if usual == "left" else "left"
        side = usual if rng.random() < 0.72 else other
    return DeviceSeen(device.concept, side, rng.random() < 0.93)

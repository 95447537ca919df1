"""All the sentences of a section: in full as FINDINGS are dictated, or in short as an IMPRESSION."""

from __future__ import annotations

import random

from ccf_pipeline.demo import backdrop, phrases, signs
from ccf_pipeline.demo.cases import DeviceSeen, may_deny
from ccf_pipeline.demo.denials import write_denials, write_normal, write_one_sided_denials
from ccf_pipeline.demo.figures import EXTRA_DENIALS
from ccf_pipeline.demo.findings import write_facts
from ccf_pipeline.demo.grammar import expand, pick, write_sentence
from ccf_pipeline.demo.places import place_words
from ccf_pipeline.demo.signs import DEVICES
from ccf_pipeline.demo.statements import Line, Pen
from ccf_pipeline.records import NO_FINDING

_MILD_HABITS = frozenset(habit.concept for habit in signs.HABITS if not habit.cancels_no_finding)


def write_in_full(pen: Pen, sign_share: float, normal_share: float, has_extra_denials: bool) -> list[Line]:
    """Write all there is to say; the shares thin out signs and normal states."""
    case, rng = pen.case, pen.rng
    lines = [_write_device(pen, device, in_short=False) for device in case.devices]
    lines += _write_doubted_device(pen)
    lines += write_facts(pen, case.facts, [sign for sign in case.signs if rng.random() < sign_share])
    denied = [finding for finding, state in case.states.items() if state == "absent"]
    if has_extra_denials:
        denied = _widen_denials(pen, denied)
    lines += write_denials(pen, denied)
    lines += write_one_sided_denials(pen)
    lines += [_write_habit(pen, habit) for habit in case.habits]
    lines += [
        write_normal(pen, normal)
        for normal in signs.NORMALS
        if rng.random() < normal.rate * normal_share and normal.blocked_by.isdisjoint(case.known)
    ]
    return lines


def write_in_short(pen: Pen) -> list[Line]:
    """Write what the labels are read from, and no more."""
    case = pen.case
    lines = write_facts(pen, case.facts, ())
    if not case.facts:
        lines += [_write_habit(pen, habit) for habit in case.habits if habit not in _MILD_HABITS]
    lines += write_denials(pen, [finding for finding, state in case.states.items() if state == "absent"])
    if case.states.get(DEVICES) == "present":
        lines += [_write_device(pen, device, in_short=True) for device in case.devices[:2]]
    lines += _write_doubted_device(pen)
    return lines + write_all_clear(pen, must=not lines)


def write_all_clear(pen: Pen, must: bool) -> list[Line]:
    """Write that nothing acute is seen, where that is so."""
    normal = signs.NO_ACUTE_PROCESS
    if not normal.blocked_by.isdisjoint(pen.case.known):
        return []
    if must and not pen.case.known and pen.rng.random() < 0.15:
        text = write_sentence("[Normal|Unremarkable] chest [radiograph|x-ray]", pen.rng, {})
        return [Line(text, "lungs", (pen.state(NO_FINDING, "present"),))]
    return [write_normal(pen, normal)] if must or pen.rng.random() < normal.rate else []


def draw_numbers(rng: random.Random) -> dict[str, str]:
    """The measurements of a study, drawn once so that all its sections agree."""
    share = rng.random
    length = 3.1 + 5 * share()
    grade = pick(rng, ("", "", "mild", "moderate", "marked"))
    return {
        "mm": str(4 + int(share() * 25)),
        "few": str(2 + int(share() * 8)),
        "cm": f"{length:.1f}",
        "cm2": f"{length * 0.8:.1f}",
        "below": f"{0.8 + 3 * share():.1f}",
        "ett": f"{3 + 4 * share():.1f}",
        "ctr": str(52 + int(share() * 16)),
        "pct": str(10 * (1 + int(share() * 6))),
        "nth": pick(rng, ("third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")),
        "level": pick(rng, ("upper", "mid", "lower")),
        "hand": pick(rng, ("left", "right")),
        "hernia": pick(rng, ("", "small", "moderate", "large")),
        "grade": grade,
        "gradely": f"{grade}ly" if grade else "",
        "ettfault": pick(rng, backdrop.ETT_FAULTS),
    }


def _widen_denials(pen: Pen, denied: list[str]) -> list[str]:
    kept = [finding for finding in denied if pen.rng.random() < 0.8]
    for finding, rate in EXTRA_DENIALS.items():
        if finding not in kept and pen.rng.random() < rate and may_deny(finding, pen.case.known):
            kept.append(finding)
    return kept


def _write_device(pen: Pen, device: DeviceSeen, in_short: bool) -> Line:
    rng = pen.rng
    slots = {**pen.numbers, **place_words(device.side, None)}
    truths = [pen.state(device.concept, "present", device.side), pen.state(DEVICES, "present", device.side)]
    fault = backdrop.MISPLACED.get(device.concept)
    if fault and not device.is_well_placed:
        tip = fault
        name = "att_ett_malposition" if device.concept == "att_ett" else "att_device_malposition"
        truths.append(pen.state(name, "present", device.side))
    elif in_short:
        tip = pick(rng, backdrop.DEVICE_IN_SHORT)
    elif rng.random() < 0.4 and device.concept != "att_valve":
        tip = pick(rng, backdrop.WELL_PLACED)
        truths.append(pen.state("nrm_devices_ok", "present"))
    else:
        tip = pick(rng, backdrop.DEVICE_TIPS.get(device.concept, backdrop.CATHETER_TIPS))
    slots["tip"] = expand(tip, rng, slots)
    text = write_sentence(pick(rng, backdrop.DEVICES[device.concept]), rng, slots)
    return Line(text, "devices", tuple(truths))


def _write_doubted_device(pen: Pen) -> list[Line]:
    if pen.case.states.get(DEVICES) != "uncertain":
        return []
    text = write_sentence(pick(pen.rng, backdrop.DEVICE_IN_DOUBT), pen.rng, {})
    return [Line(text, "devices", (pen.state(DEVICES, "uncertain"),))]


def _write_habit(pen: Pen, habit: str) -> Line:
    rng = pen.rng
    template = pick(rng, backdrop.HABITS[habit])
    slots = {**pen.numbers, "change": ""}
    truths = [pen.state(habit, "present")]
    if "{change}" in template and pen.case.visit.has_prior and rng.random() < 0.3:
        slots["change"] = expand(pick(rng, phrases.CHANGES["unchanged"]), rng, slots)
        truths.append(pen.state("att_unchanged", "present"))
    return Line(write_sentence(template, rng, slots), signs.HABIT_BODIES[habit], tuple(truths))

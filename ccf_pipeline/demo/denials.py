"""Sentences about what is not there: lists of denials, normal states, one side only."""

from __future__ import annotations

from collections.abc import Sequence

from ccf_pipeline.demo import backdrop
from ccf_pipeline.demo.findings import write_resolved
from ccf_pipeline.demo.grammar import pick, write_sentence
from ccf_pipeline.demo.places import place_words
from ccf_pipeline.demo.signs import (
    CARDIOMEGALY,
    CONSOLIDATION,
    DEVICES,
    EFFUSION,
    FRACTURE,
    MEDIASTINUM,
    PNEUMONIA,
    PNEUMOTHORAX,
    Body,
    Normal,
)
from ccf_pipeline.demo.statements import Line, Pen, body_of
from ccf_pipeline.records import Side

_OWN_SENTENCE = (CARDIOMEGALY, MEDIASTINUM, FRACTURE, DEVICES)
_CAN_RESOLVE = (EFFUSION, PNEUMOTHORAX, PNEUMONIA, CONSOLIDATION)


def write_denials(pen: Pen, denied: Sequence[str]) -> list[Line]:
    """Deny the findings, most of them in lists."""
    rng = pen.rng
    lines = _deny_heart(pen, denied)
    if FRACTURE in denied:
        lines.append(_write_normal_of(pen, "nrm_no_acute_fracture", FRACTURE, "bones"))
    if DEVICES in denied:
        lines.append(_write_normal_of(pen, "nrm_no_devices", DEVICES, "devices"))
    listed = [name for name in denied if name not in _OWN_SENTENCE]
    if pen.case.visit.has_prior:
        resolved = [name for name in listed if name in _CAN_RESOLVE and rng.random() < 0.05]
        lines += [write_resolved(pen, name) for name in resolved]
        listed = [name for name in listed if name not in resolved]
    if rng.random() < 0.5:
        rng.shuffle(listed)
    while listed:
        size = 1 + int(rng.random() * min(4, len(listed)))
        lines.append(_write_list(pen, listed[:size]))
        listed = listed[size:]
    return lines


def write_one_sided_denials(pen: Pen) -> list[Line]:
    """Write now and then that the side without the finding is free."""
    lines = []
    for fact in pen.case.facts:
        if fact.concept not in (EFFUSION, PNEUMOTHORAX) or fact.polarity != "present":
            continue
        if fact.side in ("left", "right") and pen.rng.random() < 0.1:
            other: Side = "left" if fact.side == "right" else "right"
            slots = {**place_words(other, None), "noun": pick(pen.rng, backdrop.ABSENT_NOUNS[fact.concept])}
            text = write_sentence(pick(pen.rng, backdrop.ABSENT_ON_ONE_SIDE), pen.rng, slots)
            lines.append(Line(text, "pleura", (pen.state(fact.concept, "absent", other),)))
    return lines


def write_normal(pen: Pen, normal: Normal) -> Line:
    """A normal state that denies no finding by itself."""
    text = write_sentence(pick(pen.rng, backdrop.NORMALS[normal.concept]), pen.rng, {})
    return Line(text, normal.body, (pen.state(normal.concept, "present"),))


def _write_list(pen: Pen, findings: Sequence[str]) -> Line:
    rng = pen.rng
    nouns = [pick(rng, backdrop.ABSENT_NOUNS[finding]) for finding in findings]
    slots = {"list": _join_with_or(nouns, has_comma=rng.random() < 0.6)}
    template = backdrop.ABSENT[0] if pen.is_terse else pick(rng, backdrop.ABSENT)
    truths = [truth for finding in findings for truth in pen.deny(finding)]
    body = body_of(findings[0]) if len(findings) == 1 else "lungs"
    return Line(write_sentence(template, rng, slots), body, tuple(truths))


def _deny_heart(pen: Pen, denied: Sequence[str]) -> list[Line]:
    rng = pen.rng
    lines: list[Line] = []
    if CARDIOMEGALY in denied and MEDIASTINUM in denied and rng.random() < 0.5:
        normal = pen.state("nrm_normal_mediastinum", "present")
        truths = (*pen.deny(CARDIOMEGALY), *pen.deny(MEDIASTINUM), normal)
        return [Line(write_sentence(backdrop.NORMAL_HEART_AND_MEDIASTINUM, rng, {}), "heart", truths)]
    if CARDIOMEGALY in denied:
        lines.append(_write_normal_of(pen, "nrm_normal_heart", CARDIOMEGALY, "heart"))
    if MEDIASTINUM in denied:
        # The cardiomediastinal silhouette is not normal where the heart is large.
        is_silhouette = CARDIOMEGALY not in pen.case.known and rng.random() < 0.6
        normal_name = "nrm_normal_cm_silhouette" if is_silhouette else "nrm_normal_mediastinum"
        lines.append(_write_normal_of(pen, normal_name, MEDIASTINUM, "heart"))
    return lines


def _write_normal_of(pen: Pen, normal: str, finding: str, body: Body) -> Line:
    text = write_sentence(pick(pen.rng, backdrop.NORMALS[normal]), pen.rng, {})
    return Line(text, body, (pen.state(normal, "present"), pen.state(finding, "absent")))


def _join_with_or(nouns: Sequence[str], has_comma: bool) -> str:
    if len(nouns) < 3:
        return " or ".join(nouns)
    return ", ".join(nouns[:-1]) + (", or " if has_comma else " or ") + nouns[-1]

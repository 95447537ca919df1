"""A case laid out as a report file: sections, wrapped lines, addenda and other irregularities."""

from __future__ import annotations

import random
from typing import NamedTuple

from ccf_pipeline.demo import frames
from ccf_pipeline.demo.cases import Case
from ccf_pipeline.demo.grammar import pick, write_sentence
from ccf_pipeline.demo.sentences import draw_numbers, write_all_clear, write_in_full, write_in_short
from ccf_pipeline.demo.statements import Line, Pen, TruthStatement

LINE_WIDTH = 79
_TITLE = " " * 33 + "FINAL REPORT"
_FENCE = " " + "_" * 78
_BODY_ORDERS = (
    ("devices", "lungs", "pleura", "heart", "bones"),
    ("lungs", "pleura", "heart", "bones", "devices"),
    ("heart", "lungs", "pleura", "devices", "bones"),
    ("devices", "heart", "lungs", "pleura", "bones"),
    ("pleura", "lungs", "heart", "bones", "devices"),
)


class Report(NamedTuple):
    """A report's text, which sections it has and what they state."""

    text: str
    sections: tuple[str, ...]
    truth: tuple[TruthStatement, ...]
    read_from: str


class _Style(NamedTuple):
    is_terse: bool
    by_organ: bool
    is_numbered: bool


def write_report(case: Case, rng: random.Random) -> Report:
    """Dictate the report of a case."""
    style = _Style(rng.random() < 0.35, rng.random() < 0.15, rng.random() < 0.35)
    blocks, sections = _write_frame(case, rng)
    truths: list[TruthStatement] = []
    for section, lines in _write_reading(case, rng, style):
        body = _join(lines, rng, style, section)
        heading = _write_heading(section, rng)
        blocks.append(f"{heading}:  {body}" if heading else body)
        sections.append(section)
        truths += [truth for line in lines for truth in line.truths]
    return Report(_lay_out(blocks, case.layout, rng), tuple(sections), tuple(truths), sections[-1])


def _write_reading(case: Case, rng: random.Random, style: _Style) -> list[tuple[str, list[Line]]]:
    numbers = draw_numbers(rng)

    def pen(section: str) -> Pen:
        return Pen(case, rng, section, numbers, style.is_terse)

    if case.layout == "both":
        findings = _fill_empty_section(pen("findings"), has_extra_denials=True)
        return [("findings", findings), ("impression", write_in_short(pen("impression")))]
    if case.layout == "impression":
        if rng.random() < 0.35:
            return [("impression", write_in_short(pen("impression")))]
        lines = write_in_full(pen("impression"), sign_share=0.75, normal_share=0.4, has_extra_denials=False)
        return [("impression", lines + write_all_clear(pen("impression"), must=not lines))]
    section = "findings" if case.layout == "findings" else "last_paragraph"
    return [(section, _fill_empty_section(pen(section), has_extra_denials=False))]


def _fill_empty_section(pen: Pen, has_extra_denials: bool) -> list[Line]:
    lines = write_in_full(pen, sign_share=1.0, normal_share=1.0, has_extra_denials=has_extra_denials)
    return lines or write_all_clear(pen, must=True)


def _join(lines: list[Line], rng: random.Random, style: _Style, section: str) -> str:
    if section == "impression" and style.is_numbered and len(lines) > 1:
        return "\n".join(f"{number}. {line.text}" for number, line in enumerate(lines, 1))
    texts = [line.text for line in lines]
    if section != "impression":
        order = pick(rng, _BODY_ORDERS)
        grouped = [(body, [line.text for line in lines if line.body == body]) for body in order]
        if style.by_organ:
            return "\n".join(
                f"{frames.BODY_TITLES[body]}: {' '.join(group)}" for body, group in grouped if group
            )
        texts = [text for _, group in grouped for text in group]
        if rng.random() < 0.1:
            texts.insert(0, write_sentence(pick(rng, frames.PREAMBLES), rng, {}))
    elif rng.random() < 0.12:
        texts.append(write_sentence(pick(rng, frames.RECOMMENDATIONS), rng, {}))
    return " ".join(texts)


def _write_heading(section: str, rng: random.Random) -> str:
    if section == "last_paragraph":
        return ""
    is_odd = rng.random() < 0.02
    odd = frames.ODD_FINDINGS if section == "findings" else frames.ODD_IMPRESSIONS
    return pick(rng, odd) if is_odd else section.upper()


def _write_frame(case: Case, rng: random.Random) -> tuple[list[str], list[str]]:
    visit = case.visit
    blocks: list[str] = []
    sections: list[str] = []

    def add(name: str, heading: str, text: str) -> None:
        blocks.append(f"{heading}:  {text}")
        sections.append(name)

    if rng.random() < 0.41:
        add("examination", "EXAMINATION", pick(rng, frames.EXAMINATIONS[visit.view]))
    first, second = rng.randrange(len(frames.SYMPTOMS)), rng.randrange(1, len(frames.SYMPTOMS))
    indication = write_sentence(
        pick(rng, frames.INDICATIONS),
        rng,
        {
            "person": frames.person_word(visit),
            "symptom": frames.SYMPTOMS[first],
            "symptom2": frames.SYMPTOMS[(first + second) % len(frames.SYMPTOMS)],
            "question": pick(rng, frames.QUESTIONS),
            "procedure": pick(rng, frames.PROCEDURES),
        },
    )
    is_history = rng.random() < 0.23
    add(*(("history", "HISTORY") if is_history else ("indication", "INDICATION")), indication)
    if rng.random() < 0.36:
        slots = {"position": "supine" if visit.is_supine else "upright"}
        add("technique", "TECHNIQUE", write_sentence(pick(rng, frames.TECHNIQUES[visit.view]), rng, slots))
    if case.layout == "neither" or rng.random() < 0.68:
        options = frames.COMPARISONS if visit.has_prior else frames.NO_COMPARISON
        add("comparison", "COMPARISON", write_sentence(pick(rng, options), rng, {}))
    return blocks, sections


def _lay_out(blocks: list[str], layout: str, rng: random.Random) -> str:
    parts: list[str] = []
    if rng.random() < 0.01:
        addendum = write_sentence(pick(rng, frames.ADDENDA), rng, {})
        parts += [_FENCE, *_wrap(f"ADDENDUM:  {addendum}"), _FENCE]
    parts.append(_TITLE)
    if rng.random() < 0.01:
        blocks = [write_sentence(pick(rng, frames.WET_READS), rng, {}), *blocks]
    if layout != "neither" and rng.random() < 0.05:
        # After a reading without a heading it would be taken for the last section.
        blocks = [*blocks, "NOTIFICATION:  " + write_sentence(pick(rng, frames.NOTIFICATIONS), rng, {})]
    for block in blocks:
        for paragraph in block.split("\n"):
            parts += _wrap(paragraph)
        parts.append(" ")
    return "\n".join(parts[:-1]) + "\n"


def _wrap(paragraph: str) -> list[str]:
    """Lines of at most 79 characters with one leading blank, as the real files have them."""
    if len(paragraph) < LINE_WIDTH:
        return [" " + paragraph]
    lines: list[str] = []
    start = 0
    while len(paragraph) - start >= LINE_WIDTH:
        end = paragraph.rfind(" ", start, start + LINE_WIDTH)
        if end <= start:
            break
        lines.append(" " + paragraph[start:end])
        start = end + 1
    lines.append(" " + paragraph[start:])
    return lines

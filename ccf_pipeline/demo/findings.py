"""Sentences about findings: asserted, doubted, changed since the last film, and with their signs."""

from __future__ import annotations

from collections.abc import Sequence

from ccf_pipeline.demo import backdrop, phrases
from ccf_pipeline.demo.cases import Fact, SignSeen
from ccf_pipeline.demo.grammar import expand, finish_sentence, pick, write_sentence
from ccf_pipeline.demo.places import place_words
from ccf_pipeline.demo.signs import ATELECTASIS, CONSOLIDATION, FRACTURE, OPACITY, PNEUMONIA
from ccf_pipeline.demo.statements import Line, Pen, TruthStatement, body_of

# What an opacity may turn out to be, said in the same sentence.
_DOUBTED_OPACITIES = (PNEUMONIA, ATELECTASIS, CONSOLIDATION)
_TAKES_ARTICLE = ("There", "[There", "[Findings")
_PLACE_SLOTS = ("{on}", "{side}", "{place}", "{angle}", "{sulcus}", "{locus}")


def write_facts(pen: Pen, facts: Sequence[Fact], seen: Sequence[SignSeen]) -> list[Line]:
    """A sentence or two on each finding that is there or in doubt."""
    opacity = next((fact for fact in facts if fact.concept == OPACITY and fact.polarity == "present"), None)
    doubts = [
        fact
        for fact in facts
        if opacity is not None and fact.concept in _DOUBTED_OPACITIES and fact.polarity == "uncertain"
    ]
    lines: list[Line] = []
    for fact in facts:
        own = [sign for sign in seen if sign.fact is fact]
        if fact in doubts:
            continue
        if fact is opacity and doubts:
            lines.append(_write_fact(pen, pick(pen.rng, phrases.OPACITY_IN_DOUBT), fact, (), doubts))
            lines += [_write_sign(pen, sign) for sign in own]
        elif fact.polarity == "uncertain":
            lines.append(_write_fact(pen, pick(pen.rng, phrases.IN_DOUBT), fact))
        else:
            lines += _write_present(pen, fact, own)
    return lines


def write_resolved(pen: Pen, finding: str) -> Line:
    """Write that a finding of the last film is gone."""
    rng = pen.rng
    fact = Fact(finding, "absent", "left" if rng.random() < 0.5 else "right", None, None, None, None)
    slots = _fill_slots(pen, fact) | {"a": ""}
    slots["np"] = expand(phrases.NOUNS[finding][None][0].template, rng, slots)
    text = write_sentence(pick(rng, phrases.RESOLVED), rng, slots)
    truths = (pen.state(finding, "absent", fact.side), pen.state("att_resolved", "present", fact.side))
    return Line(text, body_of(finding), truths)


def _write_present(pen: Pen, fact: Fact, seen: Sequence[SignSeen]) -> list[Line]:
    template = pick(pen.rng, phrases.PRESENT_TERSE if pen.is_terse else phrases.PRESENT)
    joined = seen[:1] if seen and pen.rng.random() < 0.5 else ()
    return [
        _write_fact(pen, template, fact, joined),
        *(_write_sign(pen, sign) for sign in seen[len(joined) :]),
    ]


def _write_fact(
    pen: Pen, template: str, fact: Fact, joined: Sequence[SignSeen] = (), doubts: Sequence[Fact] = ()
) -> Line:
    rng = pen.rng
    slots = _fill_slots(pen, fact)
    noun = pick(rng, phrases.NOUNS[fact.concept][fact.kind])
    has_article = template.startswith(_TAKES_ARTICLE) and not pen.is_terse
    if not has_article:
        slots["a"] = ""
    phrase = expand(noun.template, rng, slots).lstrip()
    slots["np"] = phrase if has_article else phrase.removeprefix("a ")
    slots["is"] = _choose_verb(fact.kind, noun.counted, slots)
    truths = pen.state_fact(fact)
    truths += _fill_change(pen, template, fact, slots)
    slots["with"] = ""
    for sign in joined:
        clause = pick(rng, phrases.SIGN_NOUNS[sign.concept])
        slots["with"] = " with " + expand(clause, rng, _fill_slots(pen, sign.fact))
        truths += _list_sign_truths(pen, sign, clause)
    if doubts:
        names = [pick(rng, backdrop.ABSENT_NOUNS[doubt.concept]) for doubt in doubts]
        slots["doubts"] = " or ".join(name.removeprefix("focal ") for name in names)
        for doubt in doubts:
            truths += pen.state_site(doubt.concept, "uncertain", fact.side, fact.region)
    return Line(write_sentence(template, rng, slots), body_of(fact.concept), tuple(truths))


def _fill_change(pen: Pen, template: str, fact: Fact, slots: dict[str, str]) -> list[TruthStatement]:
    rng = pen.rng
    slots["change"] = slots["again"] = ""
    truths: list[TruthStatement] = []
    if fact.change:
        if "{change}" in template:
            slots["change"] = expand(pick(rng, phrases.CHANGES[fact.change]), rng, slots)
            truths.append(pen.state(f"att_{fact.change}", "present", fact.side))
        if fact.change != "new" and rng.random() < 0.4:
            slots["again"] = "again"
    if fact.polarity == "present" and rng.random() < 0.12:
        slots["change"] += expand(pick(rng, phrases.QUALIFIERS), rng, slots)
    return truths


def _write_sign(pen: Pen, sign: SignSeen) -> Line:
    rng = pen.rng
    template = pick(rng, phrases.SIGN_NOUNS[sign.concept])
    noun = expand(template, rng, _fill_slots(pen, sign.fact))
    if pen.is_terse and rng.random() < 0.7:
        text = finish_sentence(noun)
    else:
        verb = "are" if sign.concept in phrases.ALWAYS_PLURAL else "is"
        frame = pick(rng, phrases.SIGN_SEEN)
        if not frame.startswith(("There", "Note")):
            noun = noun.removeprefix("a ").removeprefix("an ")
        text = write_sentence(frame, rng, {"np": noun, "is": verb})
    return Line(text, body_of(sign.fact.concept), tuple(_list_sign_truths(pen, sign, template)))


def _list_sign_truths(pen: Pen, sign: SignSeen, template: str) -> list[TruthStatement]:
    """A sign has the side of its finding where the words have a place for it."""
    fact = sign.fact
    side = fact.side if any(slot in template for slot in _PLACE_SLOTS) else None
    region = fact.region if side and "{place}" in template else None
    if sign.concept == "att_blunted_cpa":
        region = "costophrenic angle"
    truths = [pen.state(sign.concept, "present", side, region)]
    if sign.implies:
        truths += pen.state_site(sign.implies, "present", side, region)
    return truths


def _fill_slots(pen: Pen, fact: Fact) -> dict[str, str]:
    severity = fact.severity or ""
    slots = {**pen.numbers, **place_words(fact.side, fact.region), "sev": severity}
    slots["sevly"] = f"{severity}ly" if severity else ""
    if fact.concept == FRACTURE:
        slots["nthbone"] = _name_bone(fact, pen.numbers["nth"])
    return slots


def _name_bone(fact: Fact, nth: str) -> str:
    if fact.side == "bilateral":
        return {"rib": f"{nth} ribs", "clavicle": "clavicles"}.get(fact.region or "", "proximal humeri")
    bones = {"rib": f"{nth} rib", "clavicle": "clavicle", "humerus": "proximal humerus"}
    return bones.get(fact.region or "", "")


def _choose_verb(kind: str | None, is_counted: bool, slots: dict[str, str]) -> str:
    if kind in phrases.ALWAYS_PLURAL:
        return "are"
    return slots["is"] if is_counted else "is"

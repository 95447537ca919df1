"""Lint of words: the forms by which a concept is read, and the phrases by which it is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ccf_pipeline.graph.faults import Fault
from ccf_pipeline.graph.model import Concept, GraphFile

SLOTS = frozenset({"side", "region", "severity", "bilateral"})


def shared_forms(file: GraphFile) -> Iterator[Fault]:
    """A form that two concepts claim makes two mentions of one phrase; the file must mean it."""
    shared = {form.lower() for form in file.shared_forms}
    owners: dict[str, str] = {}
    for number, concept in enumerate(file.concepts):
        spoken = [("forms", place, form) for place, form in enumerate(concept.forms)]
        spoken += [("exact_forms", place, form) for place, form in enumerate(concept.exact_forms)]
        for field, place, form in spoken:
            owner = owners.setdefault(form.lower(), concept.id)
            if owner != concept.id and form.lower() not in shared:
                message = (
                    f"`{form}` is a form of {owner} too; list it under `shared_forms:` if both are meant"
                )
                yield Fault("shared-form", message, concept.id, ("concepts", number, field, place))


def bad_forms(file: GraphFile) -> Iterator[Fault]:
    for number, concept in enumerate(file.concepts):
        for field, forms in (("forms", concept.forms), ("not_forms", concept.not_forms)):
            for place, form in enumerate(forms):
                if problem := _find_form_problem(form):
                    where = ("concepts", number, field, place)
                    yield Fault("bad-form", f"`{form}` {problem}", concept.id, where)
        for place, form in enumerate(concept.exact_forms):
            if form != form.strip() or not form:
                where = ("concepts", number, "exact_forms", place)
                yield Fault("bad-form", f"`{form}` is empty or padded", concept.id, where)


def _find_form_problem(form: str) -> str:
    if not form.strip():
        return "is empty"
    if form != " ".join(form.split()):
        return "has spaces around it or doubled"
    if form != form.lower():
        return "has capitals; an abbreviation matched with its case belongs in `exact_forms:`"
    return ""


def idle_not_forms(file: GraphFile) -> Iterator[Fault]:
    for number, concept in enumerate(file.concepts):
        spoken = [form.lower() for form in (*concept.forms, *concept.exact_forms)]
        for place, phrase in enumerate(concept.not_forms):
            if not any(form in phrase.lower() for form in spoken):
                message = f"`{phrase}` contains no form of {concept.id}, so it can keep nothing out"
                yield Fault("idle-not-form", message, concept.id, ("concepts", number, "not_forms", place))


def unknown_slots(file: GraphFile) -> Iterator[Fault]:
    for number, concept in enumerate(file.concepts):
        for field, place, phrase in _iter_phrases(concept):
            for slot in set(re.findall(r"\{(.*?)\}", phrase)) - SLOTS:
                message = f"{{{slot}}} is not a slot; there are {', '.join(sorted(SLOTS))}"
                yield Fault("unknown-slot", message, concept.id, ("concepts", number, "write", field, place))


def _iter_phrases(concept: Concept) -> Iterator[tuple[str, int, str]]:
    write = concept.write
    said = {"present": write.present, "absent": write.absent, "uncertain": write.uncertain}
    for field, phrases in said.items():
        for place, phrase in enumerate(phrases):
            yield field, place, phrase


CHECKS: tuple[Callable[[GraphFile], Iterator[Fault]], ...] = (
    shared_forms,
    bad_forms,
    idle_not_forms,
    unknown_slots,
)

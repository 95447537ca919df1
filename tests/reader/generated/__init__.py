"""Hard sentences by class: word × frame × finding, each with what a careful reader makes of it.

A class is a function named in `CLASSES`; each module holds those of one kind. It multiplies lists of words
into frames and frames into findings, so that no sentence stands alone; where the product is large a fixed
draw is taken from it.
Every class holds plain controls of the opposite answer: a reader who doubts or keeps everything must fail.
Everything here is made up; no sentence comes from a report.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping

from ccf_pipeline.records import Mention
from tests.reader.generated.change import write_comparisons, write_denied_changes, write_earlier_films
from tests.reader.generated.controls import write_controls
from tests.reader.generated.denials import (
    write_dictations,
    write_exceptions,
    write_negated_normals,
    write_qualified_denials,
)
from tests.reader.generated.doubt import (
    write_alternatives,
    write_marks_of_doubt,
    write_noun_hedges,
    write_purposes,
    write_verbal_hedges,
)
from tests.reader.generated.frames import ABSENT, PRESENT, UNCERTAIN, UNSAID, Case, Written
from tests.reader.generated.places import write_collapses, write_devices, write_ellipses, write_malpositions

_RANK = {PRESENT: 3, UNCERTAIN: 2, ABSENT: 1, UNSAID: 0}


def generate() -> tuple[Case, ...]:
    """Return all cases, class by class, the same ones each time."""
    return tuple(case for kind, make in CLASSES.items() for case in _draw(kind, make))


def judge(case: Case, mentions: Iterable[Mention], labels: Mapping[str, str]) -> list[str]:
    """Return what was read wrong of a case, in words; nothing where all of it is right.

    An expected concept may be one of several ("a|b"), or the label of a finding ("label:a").
    """
    current = [mention for mention in mentions if mention.temporality != "prior"]
    wrong = []
    for expected in case.expected:
        names = expected.concept.split("|")
        fitting = [m for m in current if m.concept in names and expected.side in (None, m.side)]
        state = max((m.polarity for m in fitting), key=_RANK.__getitem__, default=UNSAID)
        if expected.concept.startswith("label:"):
            state = labels.get(expected.concept.removeprefix("label:"), UNSAID)
        if state not in expected.states:
            place = f"{expected.side} " if expected.side else ""
            wrong.append(f"{place}{expected.concept} {state}, not {' or '.join(expected.states)}")
            continue
        for name in ("severity", "temporality"):
            wanted = getattr(expected, name)
            told = {getattr(mention, name) for mention in fitting}
            if wanted is not None and wanted not in told:
                wrong.append(f"{expected.concept} {name} {', '.join(map(str, told))}, not {wanted}")
    return wrong


def _draw(kind: str, make: Callable[[random.Random], Iterator[Written]]) -> Iterator[Case]:
    chance = random.Random(f"reading {kind}")
    for text, expected in dict(make(chance)).items():
        yield Case(kind, text, expected)


CLASSES: dict[str, Callable[[random.Random], Iterator[Written]]] = {
    "comparing openings": write_comparisons,
    "verbs of earlier films": write_earlier_films,
    "denied change": write_denied_changes,
    "verbal hedges": write_verbal_hedges,
    "noun hedges": write_noun_hedges,
    "alternatives": write_alternatives,
    "marks of doubt": write_marks_of_doubt,
    "purpose and limits": write_purposes,
    "ellipsis across sides": write_ellipses,
    "devices moved or removed": write_devices,
    "malposition": write_malpositions,
    "collapse": write_collapses,
    "dictation": write_dictations,
    "negated normals": write_negated_normals,
    "qualified denials": write_qualified_denials,
    "exceptions and answers": write_exceptions,
    "plain controls": write_controls,
}

"""The bank: the corpus's own sentences, by what they say; plans draw from it at the corpus's shares.

A counterfactual sentence that is right, but not how these reports are written, gives itself away. So what is
new is told in a sentence that stands, word for word, in a report of the corpus. gather.py decides which
sentences may be lent. Where the corpus has too few, the phrases of the graph fill in.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from ccf_pipeline.graph import Concept, ConceptGraph
from ccf_pipeline.records import SUPPORT_DEVICES, Polarity, Side, Statement, Wording

ENOUGH_TOLD = 5
"""So many patients' sentences that tell of a finding with its place count as much as the graph's phrases."""
FINDINGS: Final = "findings"
IMPRESSION: Final = "impression"
SIDE, ONE_SIDE = "{side}", "one"
SIDES: tuple[Side, ...] = ("left", "right")
Section = Literal["findings", "impression"]
SECTIONS: tuple[Section, ...] = (FINDINGS, IMPRESSION)
FEWEST_WORDS_OF_A_DEVICE = 5


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """A sentence of the bank, and the side, place and degree that it gives its finding, or "".

    Where one word tells the side, either side may fill its slot, and `side` is `ONE_SIDE`.
    """

    text: str
    side: str = ""
    region: str = ""
    severity: str = ""
    beside: frozenset[str] = field(default=frozenset(), compare=False)
    """The concepts that it asserts besides: signs and kinds of its finding."""


Place = tuple[str, int]
"""A study, and the word of its report that a sentence begins with."""


@dataclass(frozen=True, slots=True)
class Source:
    """The origin of a sentence: its side there, and how many patients have it."""

    places: Mapping[str, Place]
    patients: int


Kind = tuple[str, Polarity, bool]
"""The concept, whether it is asserted, and whether the sentence stands in an impression."""


@dataclass(frozen=True)
class Bank:
    """The sentences that may be lent, each with its source; it lends so many at once for each section."""

    graph: ConceptGraph
    lines: Mapping[Kind, Mapping[Line, Source]]
    count: int = 1
    _drawable: dict[object, dict[Line, int]] = field(default_factory=dict, compare=False)

    def tell(
        self, concept: Concept, chance: random.Random, barred: frozenset[str] = frozenset()
    ) -> tuple[Statement, tuple[Wording, ...]] | None:
        """Return a finding with a place, side and degree as reports give it, and sentences that all say so.

        Args:
            barred: concepts that the report at hand speaks against; no sentence that asserts one is drawn.
        """
        whole = {
            line: patients
            for line, patients in self._lines_that_tell(concept, None, in_impression=False).items()
            if barred.isdisjoint(line.beside)
        }
        known = sum(whole.values())
        if chance.random() * (known + ENOUGH_TOLD) >= known:
            return None
        drawn = _draw(whole, 1, chance)[0]
        told = Statement(
            concept=concept.id,
            polarity="present",
            side=chance.choice(SIDES) if drawn.side == ONE_SIDE else _get_side(drawn),
            region=drawn.region or None,
            severity=drawn.severity or None,
        )
        alike = {line: n for line, n in whole.items() if line != drawn and _has_statement(line, told)}
        full = (drawn, *_draw(alike, self.count - 1, chance))
        fitting = self._lines_that_tell(concept, told, in_impression=True)
        # An impression names nothing that the findings do not.
        short = {line: n for line, n in fitting.items() if line.beside <= drawn.beside}
        return told, (
            *self._wordings(told, FINDINGS, full),
            *self._wordings(told, IMPRESSION, _draw(short, self.count, chance)),
        )

    def deny(self, concept: str, polarity: Polarity, chance: random.Random) -> tuple[Wording, ...]:
        """Return sentences that deny a finding, or that call something normal, for both sections."""
        said = Statement(concept=concept, polarity=polarity)
        words: list[Wording] = []
        for section in SECTIONS:
            lines = _draw(self._patients(concept, polarity, section), self.count, chance)
            words += self._wordings(said, section, lines)
        return tuple(words)

    def _wordings(self, said: Statement, section: Section, lines: Iterable[Line]) -> Iterator[Wording]:
        for line in lines:
            source = self.lines[said.concept, said.polarity, section == IMPRESSION][line]
            side = said.side or ""
            known = side if side in source.places else next(iter(source.places))
            study_id, first_word = source.places[known]
            yield Wording(
                section=section,
                concept=said.concept,
                text=line.text.replace(SIDE, side),
                study_id=study_id,
                first_word=first_word,
                patients=source.patients,
                is_mirrored=line.side == ONE_SIDE and known != side,
            )

    def _patients(self, concept: str, polarity: Polarity, section: str) -> dict[Line, int]:
        key = (concept, polarity, section)
        if key not in self._drawable:
            lines = self.lines.get((concept, polarity, section == IMPRESSION), {})
            self._drawable[key] = {line: source.patients for line, source in lines.items()}
        return self._drawable[key]

    def _lines_that_tell(
        self, concept: Concept, told: Statement | None, *, in_impression: bool
    ) -> dict[Line, int]:
        """The sentences that can introduce a finding, or say again what another sentence told of it."""
        key = (concept.id, told and (told.side, told.region, told.severity), in_impression)
        if key not in self._drawable:
            section = IMPRESSION if in_impression else FINDINGS
            self._drawable[key] = {
                line: patients
                for line, patients in self._patients(concept.id, "present", section).items()
                if (_has_part_of_statement(line, told) if told else self._is_whole(line, concept))
            }
        return self._drawable[key]

    def _is_whole(self, line: Line, concept: Concept) -> bool:
        """True if side and degree are given as the finding needs them, at a place where it occurs."""
        if concept.id == SUPPORT_DEVICES:
            # The kind of device has to be named, and where it is: nobody dictates "Tracheostomy tube."
            return bool(line.beside) and len(line.text.split()) >= FEWEST_WORDS_OF_A_DEVICE
        if line.region and line.region not in self._places(concept):
            return False
        if concept.sides == "none" and (line.side or not line.severity):
            return False
        if concept.sides != "optional":
            return bool(line.side) or concept.sides == "none"
        # "Left pneumonia" lacks its lobe, "a rib fracture" its side.
        is_sided = (
            bool(line.side) or line.region not in self.graph.regions or not self._has_sides(line.region)
        )
        return is_sided and bool(line.region) and line.region not in concept.regions[:1]

    def _has_sides(self, region: str) -> bool:
        return self.graph.regions[region].sides == "both"

    def _places(self, concept: Concept) -> frozenset[str]:
        places = {region for place in concept.write.places for region in place.regions}
        return frozenset(places | set(concept.regions))


def _get_side(line: Line) -> Side | None:
    return next((side for side in get_args(Side) if side == line.side), None)


def _has_statement(line: Line, told: Statement) -> bool:
    """True if the sentence can make this very statement."""
    side = told.side if line.side == ONE_SIDE and told.side in SIDES else line.side
    return (side, line.region, line.severity) == (told.side or "", told.region or "", told.severity or "")


def _has_part_of_statement(line: Line, told: Statement) -> bool:
    """True if the sentence gives no other place or degree, and the same side: an impression tells less."""
    return _has_statement(
        line,
        told.model_copy(
            update={
                "region": told.region if line.region else None,
                "severity": told.severity if line.severity else None,
            }
        ),
    )


def _draw(lines: Mapping[Line, int], count: int, chance: random.Random) -> tuple[Line, ...]:
    """Different sentences, each as likely as its share of the patients."""
    left = dict(lines)
    drawn: list[Line] = []
    while left and len(drawn) < count:
        line = chance.choices(list(left), weights=list(left.values()))[0]
        drawn.append(line)
        del left[line]
    return tuple(drawn)

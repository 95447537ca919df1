"""The bank: the corpus's own sentences, by what they say; plans draw from it at the corpus's shares.

A counterfactual sentence that is right, but not how these reports are written, gives itself away. So what is
new is told in a sentence that stands, word for word, in a report of the corpus. gather.py decides which
sentences may be lent. Where the corpus has too few, the phrases of the graph fill in.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
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
class Drawable:
    """Sentences to draw from, each with the sum of its and all earlier patients."""

    lines: tuple[Line, ...]
    sums: tuple[int, ...]

    @classmethod
    def of(cls, lines: Mapping[Line, int]) -> Drawable:
        return cls(tuple(lines), tuple(itertools.accumulate(lines.values())))

    @property
    def patients(self) -> int:
        return self.sums[-1] if self.sums else 0

    def draw(self, chance: random.Random) -> Line:
        """Draw one sentence, each as likely as its share of the patients."""
        return chance.choices(self.lines, cum_weights=self.sums)[0]

    def draw_some(self, count: int, chance: random.Random) -> tuple[Line, ...]:
        """Draw different sentences, so many if there are."""
        drawn: list[Line] = []
        left = self
        while left.lines and len(drawn) < count:
            drawn.append(left.draw(chance))
            left = left.without(drawn[-1]) if len(drawn) < count else left
        return tuple(drawn)

    def without(self, gone: Line) -> Drawable:
        weights = zip(self.lines, self.sums, (0, *self.sums), strict=False)
        return Drawable.of({line: until - before for line, until, before in weights if line != gone})


@dataclass(frozen=True)
class Told:
    """A finding with place, side and degree, and the sentence that gave them; None where the graph did."""

    statement: Statement
    line: Line | None = None
    barred: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Bank:
    """The sentences that may be lent, each with its source; it lends so many at once for each section."""

    graph: ConceptGraph
    lines: Mapping[Kind, Mapping[Line, Source]]
    count: int = 1
    _drawable: dict[object, Drawable] = field(default_factory=dict, compare=False)
    _beside: dict[str, frozenset[str]] = field(default_factory=dict, compare=False)

    def tell(
        self, concept: Concept, chance: random.Random, barred: frozenset[str] = frozenset()
    ) -> Told | None:
        """Draw a sentence that introduces a finding; None where the graph's phrases are to.

        Args:
            barred: concepts that the report at hand speaks against; no sentence that asserts one is drawn.
        """
        whole = self._find_introducing(concept, barred)
        if chance.random() * (whole.patients + ENOUGH_TOLD) >= whole.patients:
            return None
        drawn = whole.draw(chance)
        statement = Statement(
            concept=concept.id,
            polarity="present",
            side=chance.choice(SIDES) if drawn.side == ONE_SIDE else _get_side(drawn),
            region=drawn.region or None,
            severity=drawn.severity or None,
        )
        return Told(statement, drawn, barred)

    def word(self, concept: Concept, told: Told, chance: random.Random) -> tuple[Wording, ...]:
        """Return sentences for both sections that say what was told; none where the graph's phrases do."""
        if told.line is None:
            return ()
        line, said = told.line, told.statement
        full: tuple[Line, ...] = (line,)
        if self.count > 1:
            full += self._find_saying_as_much(concept, told).without(line).draw_some(self.count - 1, chance)
        short = self._find_saying_again(concept, told).draw_some(self.count, chance)
        return (*self._make_wordings(said, FINDINGS, full), *self._make_wordings(said, IMPRESSION, short))

    def deny(self, concept: str, polarity: Polarity, chance: random.Random) -> tuple[Wording, ...]:
        """Return sentences that deny a finding, or that call something normal, for both sections."""
        said = Statement(concept=concept, polarity=polarity)
        words: list[Wording] = []
        for section in SECTIONS:
            kind = concept, polarity, section == IMPRESSION
            words += self._make_wordings(said, section, self._keep(kind, ()).draw_some(self.count, chance))
        return tuple(words)

    def _make_wordings(self, said: Statement, section: Section, lines: Iterable[Line]) -> Iterator[Wording]:
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

    def _find_introducing(self, concept: Concept, barred: frozenset[str]) -> Drawable:
        """The sentences that give side and degree as the finding needs them, and assert nothing barred."""
        # Most of what a report speaks against no sentence of the finding asserts: few keys are met.
        against = barred & self._find_told_beside(concept.id)
        return self._keep(
            (concept.id, "present", False),
            against,
            lambda line: against.isdisjoint(line.beside) and self._is_whole(line, concept),
        )

    def _find_saying_as_much(self, concept: Concept, told: Told) -> Drawable:
        """The sentences of those that make the same statement."""
        whole = self._find_introducing(concept, told.barred)
        return Drawable.of(
            {
                line: self.lines[concept.id, "present", False][line].patients
                for line in whole.lines
                if _has_statement(line, told.statement)
            }
        )

    def _find_saying_again(self, concept: Concept, told: Told) -> Drawable:
        """The sentences of impressions that say it again: these name nothing that the findings do not."""
        said, beside = told.statement, told.line.beside if told.line else frozenset()
        return self._keep(
            (concept.id, "present", True),
            (said.side, said.region, said.severity, beside),
            lambda line: line.beside <= beside and _has_part_of_statement(line, said),
        )

    def _keep(self, kind: Kind, which: object, fits: Callable[[Line], bool] = lambda line: True) -> Drawable:
        """Return the sentences of a kind that fit; `which` names what they fit, for the next who asks."""
        key = kind, which
        if key not in self._drawable:
            lines = self.lines.get(kind, {})
            self._drawable[key] = Drawable.of(
                {line: source.patients for line, source in lines.items() if fits(line)}
            )
        return self._drawable[key]

    def _find_told_beside(self, concept: str) -> frozenset[str]:
        """The concepts that some sentence on a finding asserts besides."""
        if concept not in self._beside:
            lines = self.lines.get((concept, "present", False), {})
            self._beside[concept] = frozenset[str]().union(*(line.beside for line in lines))
        return self._beside[concept]

    def _is_whole(self, line: Line, concept: Concept) -> bool:
        """True if side and degree are given as the finding needs them, at a place where it occurs."""
        if concept.id == SUPPORT_DEVICES:
            # The kind of device has to be named, and where it is: nobody dictates "Tracheostomy tube."
            return bool(line.beside) and len(line.text.split()) >= FEWEST_WORDS_OF_A_DEVICE
        if line.region and line.region not in self._collect_places(concept):
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

    def _collect_places(self, concept: Concept) -> frozenset[str]:
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

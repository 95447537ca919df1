"""How the reports of a corpus say things, with how many patients' reports say it so; plans draw from it.

A counterfactual sentence that is right, but not how these reports are written, gives itself away. So what is
new is told with the sides, places, degrees and frames that the reports at hand tell such findings in, as
often as they do. What usage.py found in too few reports is left to the phrases of the graph.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar, get_args

from ccf_pipeline.graph import Concept, ConceptGraph
from ccf_pipeline.records import SUPPORT_DEVICES, Polarity, Side, Statement, Wording

T = TypeVar("T")

ENOUGH_TOLD = 20
"""So many patients' reports that tell of a finding with its place count as much as the graph's phrases."""
BORROWED = 0.15
"""What a sentence counts that other findings are told in, against one that was told of the finding itself."""
FINDINGS: Final = "findings"
IMPRESSION: Final = "impression"
EDEMA = "fnd_edema"  # has no place to tell: the checker asks for a degree
SIDES: tuple[Side, ...] = ("left", "right")
NOUN, SIDE, DEGREE = "{noun}", "{side}", "{severity}"
NOUN_CLASSES = ("one", "many", "mass")

_COUNTED = re.compile(r"(?:effusion|fracture|mass|nodule|opacity|pneumothorax|lesion|infiltrate|deformity)$")


def class_of(noun: str) -> str:
    """Whether a noun takes an article, a plural verb, or neither."""
    last = noun.split()[-1]
    if last.endswith("s") and not last.endswith(("ss", "is", "us", "ax")):
        return "many"
    return "one" if _COUNTED.search(last) else "mass"


@dataclass(frozen=True, order=True)
class Way:
    """A way to say something: a sentence with slots, and the place and side that it speaks of."""

    sentence: str
    region: str = ""
    side: str = ""
    """Either `one`, where the slot takes left or right, or the side itself, which the words name."""
    is_graded: bool = False
    is_frame: bool = False
    """Whether nothing but slots, places and the words of frames is in it: then any finding may fill it."""


Kind = tuple[str, Polarity, bool]
"""Of which concept, whether it is there, and whether in an impression."""


@dataclass(frozen=True)
class Idiom:
    """What several patients' reports share, by what it says; draws from it with their shares."""

    graph: ConceptGraph
    ways: dict[Kind, dict[Way, int]]
    pooled: dict[tuple[str, bool, Way], int]
    nouns: dict[str, dict[str, int]]
    degrees: dict[str, dict[str, int]]
    _counted: dict[str, int] = field(default_factory=dict)
    _weighed: dict[object, dict[tuple[Way, str], float]] = field(default_factory=dict)

    def tell(self, concept: Concept, chance: random.Random) -> tuple[Statement, tuple[Wording, ...]] | None:
        """A finding with a place, side and degree as reports tell it, and the words; None where none do."""
        known = self._told_by(concept)
        if chance.random() * (known + ENOUGH_TOLD) >= known:
            return None
        drawn = self._drawn(concept, None, chance, in_impression=False)
        if drawn is None:
            return None
        way, noun = drawn
        told = Statement(
            concept=concept.id,
            polarity="present",
            side=_side_of(way, chance),
            region=way.region or None,
            severity=_lot(self._degrees_at(concept, way.region), chance) if way.is_graded else None,
        )
        words = [Wording(section=FINDINGS, concept=concept.id, text=_filled(way, noun, told))]
        short = self._drawn(concept, told, chance, in_impression=True)
        if short is not None:
            words.append(Wording(section=IMPRESSION, concept=concept.id, text=_filled(*short, told)))
        return told, tuple(words)

    def deny(self, concept: str, polarity: Polarity, chance: random.Random) -> tuple[Wording, ...]:
        """How reports say that something is not there, or that all is well with it."""
        words = []
        sections: tuple[Literal["findings", "impression"], ...] = (FINDINGS, IMPRESSION)
        for section in sections:
            ways = self.ways.get((concept, polarity, section == IMPRESSION))
            if ways:
                words.append(Wording(section=section, concept=concept, text=_lot(ways, chance).sentence))
        return tuple(words)

    def _told_by(self, concept: Concept) -> int:
        """How many patients' reports tell of it as a new finding has to be told."""
        if concept.id not in self._counted:
            own = self.ways.get((concept.id, "present", False), {})
            told = (count for way, count in own.items() if self._fits(way, concept, None))
            self._counted[concept.id] = sum(told)
        return self._counted[concept.id]

    def _drawn(
        self, concept: Concept, told: Statement | None, chance: random.Random, *, in_impression: bool
    ) -> tuple[Way, str] | None:
        shape = None if told is None else (told.side, told.region, bool(told.severity))
        key = (concept.id, shape, in_impression)
        if key not in self._weighed:
            self._weighed[key] = self._weigh(concept, told, in_impression=in_impression)
        weights = self._weighed[key]
        if not weights:
            return None
        way, of = _lot(weights, chance)
        nouns = {n: count for n, count in self.nouns.get(concept.id, {}).items() if class_of(n) == of}
        return way, _lot(nouns, chance) if of else ""

    def _weigh(
        self, concept: Concept, told: Statement | None, *, in_impression: bool
    ) -> dict[tuple[Way, str], float]:
        """Every sentence that can say it, its own and other findings', with the class of noun it takes."""
        weights: defaultdict[tuple[Way, str], float] = defaultdict(float)
        for way, count in self.ways.get((concept.id, "present", in_impression), {}).items():
            if self._fits(way, concept, told):
                for of, share in self._classes(concept.id, way).items():
                    weights[way, of] += count * share
        shares = self._nouns_by_class(concept.id)
        for (of, where, way), count in self.pooled.items():
            if where == in_impression and of in shares and self._fits(way, concept, told):
                weights[way, of] += BORROWED * count * shares[of]
        return dict(weights)

    def _classes(self, concept: str, way: Way) -> dict[str, float]:
        """By which classes of nouns a sentence can be filled; "" where it has no slot for one."""
        if NOUN not in way.sentence:
            return {"": 1.0}
        fitting = {
            of: share
            for of, share in self._nouns_by_class(concept).items()
            if any((of, impression, way) in self.pooled for impression in (False, True))
        }
        total = sum(fitting.values())
        return {of: share / total for of, share in fitting.items()} if total else {}

    def _nouns_by_class(self, concept: str) -> dict[str, float]:
        counts: Counter[str] = Counter()
        for noun, count in self.nouns.get(concept, {}).items():
            counts[class_of(noun)] += count
        total = counts.total()
        return {of: counts[of] / total for of in NOUN_CLASSES if counts[of]}

    def _fits(self, way: Way, concept: Concept, told: Statement | None) -> bool:
        """Whether a concept can be told that way, or a statement that stands already again."""
        if way.region and way.region not in self._places(concept):
            return False
        if told is None:
            return self._is_whole(way, concept)
        same_side = way.side == (told.side or "") or (way.side == "one" and told.side in ("left", "right"))
        return same_side and way.region in ("", told.region) and (not way.is_graded or bool(told.severity))

    def _is_whole(self, way: Way, concept: Concept) -> bool:
        """Whether side and degree are told as the finding needs them, and no more."""
        if concept.sides == "none" and way.side:
            return False
        degrees = self._degrees_at(concept, way.region)
        if way.is_graded and not degrees:
            return False
        if concept.id == EDEMA and not way.is_graded:
            return False
        wide = concept.regions[:1]
        has_place = bool(way.side) or (bool(way.region) and way.region not in wide)
        return has_place or concept.sides == "none" or concept.id == SUPPORT_DEVICES

    def _places(self, concept: Concept) -> frozenset[str]:
        places = {region for place in concept.write.places for region in place.regions}
        return frozenset(places | set(concept.regions))

    def _degrees_at(self, concept: Concept, region: str) -> dict[str, int]:
        places = [place for place in concept.write.places if region in place.regions]
        return {
            degree: count
            for degree, count in self.degrees.get(concept.id, {}).items()
            if degree in concept.severities
            and (
                not places
                or any(self.graph.is_of_degree(degree, p.min_severity, p.max_severity) for p in places)
            )
        }


def _filled(way: Way, noun: str, told: Statement) -> str:
    text = way.sentence.replace(NOUN, noun).replace(SIDE, told.side or "")
    return text.replace(DEGREE, told.severity or "")


def _side_of(way: Way, chance: random.Random) -> Side | None:
    if way.side == "one":
        return chance.choice(SIDES)
    return next((side for side in get_args(Side) if side == way.side), None)


def _lot(weights: Mapping[T, float], chance: random.Random) -> T:
    kinds = list(weights)
    return chance.choices(kinds, weights=[weights[kind] for kind in kinds])[0]

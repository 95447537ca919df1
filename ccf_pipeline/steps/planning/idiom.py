"""How the reports of a corpus say things: whole sentences that several patients' reports share, with their shares.

A counterfactual sentence that is right, but not how these reports are written, gives itself away. So the
first pass over a corpus notes the sentences that say one thing and no more, with slots for side, degree and
finding, and how many patients' reports hold each; the plans draw from them. A sentence is kept only if all
its words are the graph's or those of sentence frames, and if it stands in the reports of several patients:
nothing of a single patient can be told from it.
"""

from __future__ import annotations

import heapq
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar, get_args

from ccf_pipeline.concepts import Concept, ConceptGraph
from ccf_pipeline.records import (
    FINDING_LABELS,
    NO_FINDING,
    SUPPORT_DEVICES,
    Mention,
    Polarity,
    Sentence,
    Side,
    Statement,
    Study,
    Wording,
)
from ccf_pipeline.steps.facts import Reading
from ccf_pipeline.steps.planning.choosing import lot

T = TypeVar("T")

STUDIES_LOOKED_AT = 20_000
FEWEST_PATIENTS = 3
FEWEST_OF_A_FRAME = 2
"""Frames and names of findings hold nothing of a patient: two are asked for, lest a slip is taken for usage."""
ENOUGH_TOLD = 6
"""So many patients' reports that tell of a finding, with its place, count as much as the graph's phrases."""
MOST_WORDS = 16
# What a sentence that other findings are told in counts against one that was told of this finding.
BORROWED = 0.15
IMPRESSION = "impression"
SIDES: tuple[Side, ...] = ("left", "right")

_FRAME_WORDS = """
    a an the there it this is are was were has have been be and or no not without with within of in on at to for
    which also note made evidence sign signs finding findings present seen noted identified visible visualized
    appreciated detected demonstrated evident demonstrate demonstrates show shows reveal reveals study film exam
    examination radiograph image left right sided bilateral bilaterally both
"""
_SIDED = re.compile(
    r"\b(?:left|right)\b(?!(?: main| lower)? (?:atri|ventric|heart|paratracheal|pulmonary artery|bronch|main))",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"\b(?:now|new|newly|unchanged|stable|worsen\w*|improv\w*|interval|again|prior|previous\w*|resolv\w*"
    r"|persist\w*|remains?|since|compar\w*|increas\w+ (?:since|from)|removed|placed|placement)\b",
    re.IGNORECASE,
)
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|appears?|shows?)\b", re.IGNORECASE)
_NOT_OF_ONE_REPORT = re.compile(r"[\d_:;()\"]")
_FRAME = frozenset(_FRAME_WORDS.split())
_SLOT = re.compile(r"\{\w+\}")
# What is old is no change, and what is at the limit is read as a doubt.
_OLD_OR_UNSURE = re.compile(
    r"\b(?:old|healed|healing|remote|chronic|upper limits?|borderline|otherwise|other|likely|probabl\w+"
    r"|typical|significant\w*|suspicious|gross\w*|large volume)\b",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^(?:\(?\d{1,2}[.)]\s+)")
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)
_COUNTED = re.compile(r"(?:effusion|fracture|mass|nodule|opacity|pneumothorax|lesion|infiltrate|deformity)$")


@dataclass(frozen=True, order=True)
class Way:
    """A way to say something: a sentence with slots, and the place and side that it speaks of."""

    sentence: str
    region: str = ""
    side: str = ""
    """"one" where the slot takes left or right; else the side itself, which the words name."""
    is_graded: bool = False
    is_frame: bool = False
    """Whether nothing but slots, places and the words of frames is in it: then any finding may fill it."""


Kind = tuple[str, Polarity, bool]
"""Of which concept, whether it is there, and whether in an impression."""


@dataclass
class Usage:
    """Notes the sentences of studies drawn by lot; the order in which the studies come changes nothing."""

    graph: ConceptGraph
    seed: int
    notes: list[tuple[int, str, str, tuple[tuple[Kind, Way, str, str], ...]]] = field(default_factory=list)

    def add(self, study: Study, reading: Reading) -> None:
        """Note what this study says in so many words."""
        drawn = -lot(self.seed, "idiom", study.study_id)
        if len(self.notes) >= STUDIES_LOOKED_AT and drawn < self.notes[0][0]:
            return
        said = tuple(self._ways(study, reading))
        heapq.heappush(self.notes, (drawn, study.study_id, study.subject_id or study.study_id, said))
        if len(self.notes) > STUDIES_LOOKED_AT:
            heapq.heappop(self.notes)

    def settle(self) -> Idiom:
        """What several patients' reports share."""
        patients: defaultdict[tuple[Kind, Way], set[str]] = defaultdict(set)
        pooled: defaultdict[tuple[str, bool, Way], set[str]] = defaultdict(set)
        nouns: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        degrees: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for _, _, patient, said in self.notes:
            for kind, way, noun, degree in said:
                patients[kind, way].add(patient)
                if noun:
                    nouns[kind[0], noun].add(patient)
                if noun and way.is_frame:
                    pooled[class_of(noun), kind[2], way].add(patient)
                if degree:
                    degrees[kind[0], degree].add(patient)
        ways: defaultdict[Kind, dict[Way, int]] = defaultdict(dict)
        for (kind, way), who in sorted(patients.items()):
            if way.is_frame or len(who) >= FEWEST_PATIENTS:
                ways[kind][way] = len(who)
        return Idiom(
            self.graph,
            dict(ways),
            {key: len(who) for key, who in sorted(pooled.items()) if len(who) >= FEWEST_OF_A_FRAME},
            _by_concept(nouns),
            _by_concept(degrees),
        )

    # --- what a sentence says -----------------------------------------------------------------

    def _ways(self, study: Study, reading: Reading) -> Iterator[tuple[Kind, Way, str, str]]:
        by_sentence: defaultdict[int, list[Mention]] = defaultdict(list)
        for mention in reading.mentions:
            by_sentence[mention.sentence].append(mention)
        for sentence in study.sentences:
            mentions = by_sentence.get(sentence.number)
            told = self._told(sentence, mentions) if mentions else None
            if told is not None:
                yield told

    def _told(self, sentence: Sentence, mentions: Sequence[Mention]) -> tuple[Kind, Way, str, str] | None:
        label = _LABEL.match(sentence.text)
        shift = label.end() if label else 0
        body = sentence.text[shift:].strip()
        if not self._is_plain(body) or any(m.temporality for m in mentions):
            return None
        of = _subject(mentions, self.graph)
        if of is None:
            return None
        in_impression = sentence.section == IMPRESSION
        if of.polarity == "absent" or self.graph.concept(of.concept).kind == "normal_state":
            return (of.concept, of.polarity, in_impression), Way(_plainly(body)), "", ""
        kin = {of.concept, *self.graph.ancestors(of.concept)}
        is_alone = all(m.concept in kin for m in mentions if m.implied_by is None)
        return _way(of, body, sentence.start + shift, in_impression, self.graph, is_alone=is_alone)

    def _is_plain(self, body: str) -> bool:
        return (
            len(body.split()) <= MOST_WORDS
            and not _NOT_OF_ONE_REPORT.search(body)
            and not _COMPARES.search(body)
            and not _OLD_OR_UNSURE.search(body)
            and vocabulary(self.graph).issuperset(word.lower() for word in _WORD.findall(body))
        )


@lru_cache(maxsize=4)
def vocabulary(graph: ConceptGraph) -> frozenset[str]:
    """The words of the graph and of sentence frames: a sentence that has others tells more than we know."""
    texts = [_FRAME_WORDS]
    for concept in graph.file.concepts:
        write = concept.write
        texts += [*concept.forms, *concept.exact_forms, *concept.severities, write.noun]
        texts += [*write.present, *write.absent]
    texts += [word for region in graph.file.regions for word in region.words]
    return frozenset(word.lower() for text in texts for word in _WORD.findall(text))


def _subject(mentions: Sequence[Mention], graph: ConceptGraph) -> Mention | None:
    """The one thing that a sentence speaks of, where it speaks of one."""
    own = [m for m in mentions if m.implied_by is None]
    polarities = {m.polarity for m in own}
    if "uncertain" in polarities or not own:
        return None
    denied = [m for m in own if m.polarity == "absent"]
    if denied:
        concepts = {m.concept for m in denied}
        beside = {m.concept for m in own if m.polarity == "present"}
        plain = len(concepts) == 1 and not denied[0].severity and not denied[0].side
        return denied[0] if plain and beside <= set(graph.normal_states_of(denied[0].concept)[:1]) else None
    states = [m for m in own if graph.concept(m.concept).kind == "normal_state"]
    if states:
        return states[0] if len({m.concept for m in own}) == 1 else None
    labels = {label for m in own for label in _labels(m.concept, graph)} - {NO_FINDING}
    for mention in own:
        if mention.concept in FINDING_LABELS and labels <= _labels(mention.concept, graph):
            same = [m for m in own if m.concept == mention.concept]
            places = {(m.side, m.region, m.severity) for m in same}
            return mention if len(places) == 1 and mention.concept != NO_FINDING else None
    return None


@lru_cache(maxsize=4096)
def _labels(concept: str, graph: ConceptGraph) -> frozenset[str]:
    kin = {concept, *graph.ancestors(concept)}
    return frozenset({label for one in kin for label in graph.concept(one).sets_labels}) | (
        kin & FINDING_LABELS.keys()
    )


NOUN, SIDE, DEGREE = "{noun}", "{side}", "{severity}"
NOUN_CLASSES = ("one", "many", "mass")


def class_of(noun: str) -> str:
    """Whether a noun takes an article, a plural verb, or neither."""
    last = noun.split()[-1]
    if last.endswith("s") and not last.endswith(("ss", "is", "us", "ax")):
        return "many"
    return "one" if _COUNTED.search(last) else "mass"


def _way(
    of: Mention, body: str, begin: int, in_impression: bool, graph: ConceptGraph, *, is_alone: bool
) -> tuple[Kind, Way, str, str] | None:
    """A sentence that asserts a finding, with its slots."""
    start, end = of.start - begin, of.end - begin
    noun = body[start:end].lower()
    is_noun = is_alone and of.concept != SUPPORT_DEVICES and _is_noun(noun, of.concept, graph)
    before, after = body[:start], body[end:]
    middle = NOUN if is_noun else body[start:end]
    region = graph.regions.get(of.region or "")
    side = of.side or ""
    if side in ("left", "right") and not (region and region.sides in ("left", "right")):
        named = {word.lower() for word in _SIDED.findall(f"{before} {middle} {after}")}
        if named != {side}:
            return None
        before, middle, after = (_SIDED.sub(SIDE, part) for part in (before, middle, after))
        side = "one"
    if of.severity:
        degree = re.compile(rf"\b{re.escape(of.severity)}\b", re.IGNORECASE)
        if len(degree.findall(f"{before} {after}")) != 1:
            return None
        before, after = degree.sub(DEGREE, before), degree.sub(DEGREE, after)
    sentence = _plainly(f"{before}{middle}{after}")
    rest = {word.lower() for word in _WORD.findall(_SLOT.sub("", sentence))}
    is_frame = is_noun and rest <= _FRAME | (_words_of(of.region, graph) if of.region else frozenset())
    way = Way(sentence, of.region or "", side, bool(of.severity), is_frame)
    return (of.concept, "present", in_impression), way, noun if is_noun else "", of.severity or ""


def _is_noun(words: str, concept: str, graph: ConceptGraph) -> bool:
    """Whether the words name the finding, and neither where it is nor that it was found."""
    said = set(_WORD.findall(words))
    wide, *narrow = graph.concept(concept).regions or ("",)
    places = frozenset().union(*(_words_of(region, graph) for region in narrow)) - _words_of(wide, graph)
    return said.isdisjoint(places | _FRAME - {"of", "the", "in"}) and not any(w.startswith("bi") for w in said)


@lru_cache(maxsize=512)
def _words_of(region: str, graph: ConceptGraph) -> frozenset[str]:
    place = graph.regions.get(region)
    return frozenset(w.lower() for word in (place.words if place else ()) for w in _WORD.findall(word))


def _plainly(sentence: str) -> str:
    """As it stands inside a report: single blanks, a small letter, a full stop."""
    text = " ".join(sentence.split()).rstrip(" .") + "."
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _by_concept(counted: dict[tuple[str, str], set[str]]) -> dict[str, dict[str, int]]:
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (concept, word), who in sorted(counted.items()):
        if len(who) >= FEWEST_OF_A_FRAME:
            found[concept][word] = len(who)
    return dict(found)


# --- drawing --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Idiom:
    """What several patients' reports share, by what it says; draws from it with their shares."""

    graph: ConceptGraph
    ways: dict[Kind, dict[Way, int]]
    pooled: dict[tuple[str, bool, Way], int]
    nouns: dict[str, dict[str, int]]
    degrees: dict[str, dict[str, int]]
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
        words = [Wording(section="findings", concept=concept.id, text=_filled(way, noun, told))]
        short = self._drawn(concept, told, chance, in_impression=True)
        if short is not None:
            words.append(Wording(section=IMPRESSION, concept=concept.id, text=_filled(*short, told)))
        return told, tuple(words)

    def deny(self, concept: str, polarity: Polarity, chance: random.Random) -> tuple[Wording, ...]:
        """How reports say that something is not there, or that all is well with it."""
        words = []
        for section in ("findings", IMPRESSION):
            ways = self.ways.get((concept, polarity, section == IMPRESSION))
            if ways:
                words.append(Wording(section=section, concept=concept, text=_lot(ways, chance).sentence))
        return tuple(words)

    def _told_by(self, concept: Concept) -> int:
        own = self.ways.get((concept.id, "present", False), {})
        return sum(count for way, count in own.items() if self._fits(way, concept, None))

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
        """Every sentence that can say it, with the class of its noun: its own, and those of other findings."""
        weights: Counter[tuple[Way, str]] = Counter()
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
        if concept.id == "fnd_edema" and not way.is_graded:
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

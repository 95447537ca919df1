"""Which sentences several patients' reports share: what a corpus teaches of how its reports are written.

The first pass over a corpus notes sentences that say one thing and no more, with slots for side, degree and
finding, and whose reports they stand in. A sentence is noted only if all of its words are the graph's or
those of sentence frames, and kept only if several patients' reports have it, or if nothing but frame words
and places is left of it: nothing of one patient can be told from it.
"""

from __future__ import annotations

import heapq
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ccf_pipeline.counterfactual.plan.choose import lot
from ccf_pipeline.counterfactual.plan.idiom import DEGREE, IMPRESSION, NOUN, SIDE, Idiom, Kind, Way, class_of
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, SUPPORT_DEVICES, Mention, Sentence, Study

STUDIES_LOOKED_AT = 20_000
FEWEST_PATIENTS = 3
FEWEST_OF_A_FRAME = 2
"""Frames and names of findings hold nothing of a patient: two, lest a slip be taken for usage."""
MOST_WORDS = 16

_FRAME_WORDS = """
    a an the there it this is are was were has have been be and or no not without with within of in on at to
    for which also note made evidence sign signs finding findings present seen noted identified visible
    visualized appreciated detected demonstrated evident demonstrate demonstrates show shows reveal reveals
    study film exam examination radiograph image left right sided bilateral bilaterally both
"""
_SIDED = re.compile(
    r"\b(?:left|right)\b"
    r"(?!(?: main| lower)? (?:atri|ventric|heart|paratracheal|pulmonary artery|bronch|main))",
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


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence: what it says, how, and the words that fill its slots."""

    kind: Kind
    way: Way
    noun: str = ""
    degree: str = ""


@dataclass
class Usage:
    """Notes the sentences of studies drawn by lot; the order in which the studies come changes nothing."""

    graph: ConceptGraph
    seed: int
    drawn: list[tuple[int, str, str, tuple[Note, ...]]] = field(default_factory=list)
    """Lot, study, patient and notes; the study whose place the next one takes comes first."""

    def add(self, study: Study, reading: Reading) -> None:
        """Note what this study says in so many words."""
        number = -lot(self.seed, "idiom", study.study_id)
        is_full = len(self.drawn) >= STUDIES_LOOKED_AT
        if is_full and number < self.drawn[0][0]:
            return
        entry = number, study.study_id, study.subject_id or study.study_id, tuple(self._notes(study, reading))
        (heapq.heapreplace if is_full else heapq.heappush)(self.drawn, entry)

    def settle(self) -> Idiom:
        """What several patients' reports share."""
        patients: defaultdict[tuple[Kind, Way], set[str]] = defaultdict(set)
        pooled: defaultdict[tuple[str, bool, Way], set[str]] = defaultdict(set)
        nouns: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        degrees: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for _, _, patient, notes in self.drawn:
            for note in notes:
                concept, _, in_impression = note.kind
                patients[note.kind, note.way].add(patient)
                if note.noun:
                    nouns[concept, note.noun].add(patient)
                if note.way.is_frame:
                    pooled[class_of(note.noun), in_impression, note.way].add(patient)
                if note.degree:
                    degrees[concept, note.degree].add(patient)
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

    def _notes(self, study: Study, reading: Reading) -> Iterator[Note]:
        by_sentence: defaultdict[int, list[Mention]] = defaultdict(list)
        for mention in reading.mentions:
            by_sentence[mention.sentence].append(mention)
        for sentence in study.sentences:
            mentions = by_sentence.get(sentence.number)
            note = self._note(sentence, mentions) if mentions else None
            if note is not None:
                yield note

    def _note(self, sentence: Sentence, mentions: Sequence[Mention]) -> Note | None:
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
            return Note((of.concept, of.polarity, in_impression), Way(_plainly(body)))
        kin = {of.concept, *self.graph.ancestors(of.concept)}
        is_alone = all(m.concept in kin for m in mentions if m.implied_by is None)
        if not is_alone and of.concept != SUPPORT_DEVICES:
            return None
        return _note_of(of, body, sentence.start + shift, in_impression, self.graph)

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


def _note_of(of: Mention, body: str, begin: int, in_impression: bool, graph: ConceptGraph) -> Note | None:
    """A sentence that asserts a finding, with its slots."""
    start, end = of.start - begin, of.end - begin
    noun = body[start:end].lower()
    is_noun = of.concept != SUPPORT_DEVICES and _is_noun(noun, of.concept, graph)
    before, after = body[:start], body[end:]
    middle = NOUN if is_noun else body[start:end]
    region = graph.regions.get(of.region or "")
    side: str = of.side or ""
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
    return Note((of.concept, "present", in_impression), way, noun if is_noun else "", of.severity or "")


def _is_noun(words: str, concept: str, graph: ConceptGraph) -> bool:
    """Whether the words name the finding, and neither where it is nor that it was found."""
    said = set(_WORD.findall(words))
    wide, *narrow = graph.concept(concept).regions or ("",)
    places = frozenset().union(*(_words_of(region, graph) for region in narrow)) - _words_of(wide, graph)
    said_elsewhere = places | _FRAME - {"of", "the", "in"}
    return said.isdisjoint(said_elsewhere) and not any(word.startswith("bi") for word in said)


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

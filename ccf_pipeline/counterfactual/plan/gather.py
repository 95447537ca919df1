"""Choose the sentences of a corpus that its bank may lend.

The first pass over a corpus looks at studies drawn by lot, and notes the sentences that say one thing and can
stand in any report: without comparisons, sizes, dates, names, doubts, advice, and words that point at another
sentence. One is kept if several patients' reports have it, or if nothing in it identifies a patient: each
of its words is the graph's or is used by many patients.
"""

from __future__ import annotations

import heapq
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ccf_pipeline.counterfactual.check.privacy import IDENTIFIER
from ccf_pipeline.counterfactual.plan.bank import IMPRESSION, ONE_SIDE, SIDE, Bank, Kind, Line, Place, Source
from ccf_pipeline.counterfactual.plan.choose import lot
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.reader.known_words import describes, places
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, Mention, Sentence, Study

STUDIES_LOOKED_AT = 20_000
FEWEST_PATIENTS = 3
FEWEST_PATIENTS_OF_A_WORD = 5
MOST_WORDS = 16

_FRAME_WORDS = """
    a an the there is are was were has have been be and or no not without with within of in on at to for which
    also note made evidence sign signs finding findings present seen noted identified visible visualized
    appreciated detected demonstrated evident demonstrate demonstrates show shows reveal reveals study film
    exam examination radiograph image left right sided bilateral bilaterally both
"""
_FRAMES = frozenset(f"{_FRAME_WORDS} visible definite acute focal".split())
_JOINTS = frozenset({"and", "or", "with", "without"})
SIDED = re.compile(
    r"\b(?:left|right)\b"
    r"(?!(?: main| lower)? (?:atri|ventric|heart|paratracheal|pulmonary artery|bronch|main))",
    re.IGNORECASE,
)
_COMPARES = re.compile(
    r"\b(?:now|new|newly|unchanged|stable|worsen\w*|improv\w*|interval|again|prior|previous\w*|resolv\w*"
    r"|persist\w*|remains?|residual|recurrent|known|since|compar\w*|increas\w+ (?:since|from)|removed|placed"
    r"|placement|continue\w*)\b",
    re.IGNORECASE,
)
_REFERS = re.compile(
    r"^(?:this|these|those|it|they|its|such|which|and|but|as|while|although|though|since|because|given|if|when)\b"
    r"|\b(?:otherwise|other|remaining|remainder|additional\w*|above|described|mentioned|aforementioned|same"
    r"|latter|former|elsewhere|also|as well|associated|accompanying|adjacent|compressive|passive|superimposed"
    r"|underlying)\b|\band there (?:is|are)\b",
    re.IGNORECASE,
)
_ADVISES_OR_DOUBTS = re.compile(
    r"\b(?:recommend\w*|advise\w*|suggest\w*|follow\W?up|correlat\w*|consider\w*|please|exclude\w*|clinical\w*"
    r"|history|patient\w*|symptom\w*|likely|probabl\w+|possibl\w+|suspicious|upper limits?|borderline|typical"
    r"|questionable|may|might|could|significant\w*|gross\w*|age)\b",
    re.IGNORECASE,
)
_NOT_OF_ONE_REPORT = re.compile(r"[\d_:;()\"?#*/]|XX")
_LABEL = re.compile(r"^(?:\(?\d{1,2}[.)]\s+)")
_WORD = re.compile(r"[a-z]+", re.IGNORECASE)
_ANY_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence: of what kind it is, how it reads, the side and word it stands at, and its words."""

    kind: Kind
    line: Line
    side: str
    first_word: int
    words: tuple[str, ...]


@dataclass(order=True, slots=True)
class Looked:
    """A study that was looked at; of two, the one with the lower lot gives up its place first."""

    lot: int
    study_id: str
    patient: str = field(compare=False)
    words: tuple[str, ...] = field(compare=False)
    notes: tuple[Note, ...] = field(compare=False)


@dataclass
class Gatherer:
    """Notes the sentences of studies drawn by lot; the order in which the studies come changes nothing."""

    graph: ConceptGraph
    seed: int
    looked_at: list[Looked] = field(default_factory=list)

    def add(self, study: Study, reading: Reading) -> None:
        """Note the sentences of this study that could stand in another report."""
        number = -lot(self.seed, "bank", study.study_id)
        is_full = len(self.looked_at) >= STUDIES_LOOKED_AT
        if is_full and number < self.looked_at[0].lot:
            return
        patient = study.subject_id or study.study_id
        words = tuple({sys.intern(word) for word in _WORD.findall(study.text.lower())})
        entry = Looked(number, study.study_id, patient, words, tuple(self._note_sentences(study, reading)))
        (heapq.heapreplace if is_full else heapq.heappush)(self.looked_at, entry)

    def settle(self, count: int = 1) -> Bank:
        """Keep the sentences that several patients share or that identify nobody.

        Args:
            count: how many of them the bank lends at once.
        """
        patients: defaultdict[tuple[Kind, Line], set[str]] = defaultdict(set)
        places: defaultdict[tuple[Kind, Line], dict[str, Place]] = defaultdict(dict)
        words: dict[tuple[Kind, Line], tuple[str, ...]] = {}
        users: defaultdict[str, set[str]] = defaultdict(set)
        for looked in self.looked_at:
            for note in looked.notes:
                key = note.kind, note.line
                patients[key].add(looked.patient)
                here = looked.study_id, note.first_word
                places[key][note.side] = min(places[key].get(note.side, here), here)
                words[key] = note.words
            for word in looked.words:
                if len(users[word]) < FEWEST_PATIENTS_OF_A_WORD:
                    users[word].add(looked.patient)
        common = {word for word, who in users.items() if len(who) >= FEWEST_PATIENTS_OF_A_WORD}
        common |= words_of_graph(self.graph)
        lines: defaultdict[Kind, dict[Line, Source]] = defaultdict(dict)
        for kind, line in sorted(patients):
            who = patients[kind, line]
            if len(who) >= FEWEST_PATIENTS or common.issuperset(words[kind, line]):
                lines[kind][line] = Source(dict(sorted(places[kind, line].items())), len(who))
        return Bank(self.graph, dict(lines), count)

    def _note_sentences(self, study: Study, reading: Reading) -> Iterator[Note]:
        by_sentence: defaultdict[int, list[Mention]] = defaultdict(list)
        for mention in reading.mentions:
            by_sentence[mention.sentence].append(mention)
        for sentence in study.sentences:
            mentions = by_sentence.get(sentence.number)
            body = _LABEL.sub("", sentence.text).strip()
            if not mentions or not can_be_lent(body) or any(m.temporality for m in mentions):
                continue
            found = self._find_subject(mentions)
            if found is None or not self._is_accounted_for(sentence, mentions, found[0]):
                continue
            kind, line = self._make_line(*found, sentence, _format_inside(body))
            shift = len(sentence.text) - len(_LABEL.sub("", sentence.text))
            first = len(_ANY_WORD.findall(study.text[: sentence.start + shift]))
            yield Note(
                kind, line, found[0].side or "", first, tuple(word.lower() for word in _WORD.findall(body))
            )

    def _is_accounted_for(self, sentence: Sentence, mentions: Sequence[Mention], of: Mention) -> bool:
        """True if a sentence holds nothing beside its statement: no "chronic changes", no other side."""
        sides = {word.lower() for word in SIDED.findall(sentence.text)}
        if len(sides) > 1 and of.side != "bilateral":
            return False
        blotted = list(sentence.text)
        for mention in mentions:
            start, end = mention.start - sentence.start, mention.end - sentence.start
            blotted[start:end] = " " * (end - start)
        left = [word.lower() for word in _WORD.findall("".join(blotted))]
        if of.polarity == "present" and self.graph.concept(of.concept).kind != "normal_state":
            return True
        # A denial that describes something, or joins it to a thing that the graph does not know.
        more = [word for word in left if word not in _FRAMES and not places(word)]
        return not any(map(describes, more)) and (not more or _JOINTS.isdisjoint(left))

    def _make_line(
        self, of: Mention, concept: str, beside: frozenset[str], sentence: Sentence, text: str
    ) -> tuple[Kind, Line]:
        in_impression = sentence.section == IMPRESSION
        if of.polarity == "absent" or self.graph.concept(concept).kind == "normal_state":
            return (concept, of.polarity, in_impression), Line(text)
        side: str = of.side or ""
        if side in ("left", "right") and {word.lower() for word in SIDED.findall(text)} == {side}:
            region = self.graph.regions.get(of.region or "")
            if region is None or region.sides not in ("left", "right"):
                text, side = SIDED.sub(SIDE, text), ONE_SIDE
        line = Line(text, side, of.region or "", of.severity or "", beside)
        return (concept, "present", in_impression), line

    # --- what a sentence says -----------------------------------------------------------------

    def _find_subject(self, mentions: Sequence[Mention]) -> tuple[Mention, str, frozenset[str]] | None:
        """The one thing that a sentence speaks of: its mention, its concept, and what is asserted beside."""
        own = [m for m in mentions if m.implied_by is None]
        if not own or any(m.polarity == "uncertain" for m in own):
            return None
        denied = [m for m in own if m.polarity == "absent"]
        if denied:
            beside = {m.concept for m in own if m.polarity == "present"}
            is_plain = len({m.concept for m in denied}) == 1 and not denied[0].severity and not denied[0].side
            states = set(self.graph.normal_states_of(denied[0].concept)[:1])
            return (denied[0], denied[0].concept, frozenset()) if is_plain and beside <= states else None
        if all(self.graph.concept(m.concept).kind == "normal_state" for m in own):
            return (own[0], own[0].concept, frozenset()) if len({m.concept for m in own}) == 1 else None
        return self._find_finding(own)

    def _find_finding(self, own: Sequence[Mention]) -> tuple[Mention, str, frozenset[str]] | None:
        """The finding that a sentence asserts, if all else in it are kinds of that finding or support it."""
        if any(self.graph.concept(m.concept).kind == "normal_state" for m in own):
            return None
        labels = {label for m in own for label in labels_set_by(m.concept, self.graph)} - {NO_FINDING}
        for mention in own:
            finding = mention.concept
            if finding not in FINDING_LABELS or finding == NO_FINDING:
                continue
            if not labels <= labels_set_by(finding, self.graph):
                continue
            same = {(m.side, m.region, m.severity) for m in own if m.concept == finding}
            others = frozenset(m.concept for m in own) - {finding}
            if len(same) == 1 and others <= told_beside(finding, self.graph):
                return mention, finding, others
        return None


def can_be_lent(body: str) -> bool:
    """True if a sentence holds no comparison, size, date, name, doubt or advice, and stands by itself."""
    return (
        0 < len(body.split()) <= MOST_WORDS
        and not _NOT_OF_ONE_REPORT.search(body)
        and not _COMPARES.search(body)
        and not _REFERS.search(body)
        and not _ADVISES_OR_DOUBTS.search(body)
        and not IDENTIFIER.search(body)
        and not _has_a_name(body)
    )


def _has_a_name(body: str) -> bool:
    """True if a word inside the sentence begins with a capital, unless it is all capitals as PICC is."""
    return any(word[:1].isupper() and not word.isupper() for word in body.split()[1:])


@lru_cache(maxsize=4)
def words_of_graph(graph: ConceptGraph) -> frozenset[str]:
    """The words of the graph and of sentence frames."""
    texts = [_FRAME_WORDS]
    for concept in graph.file.concepts:
        write = concept.write
        texts += [*concept.forms, *concept.exact_forms, *concept.severities, write.noun]
        texts += [*write.present, *write.absent]
    texts += [word for region in graph.file.regions for word in region.words]
    return frozenset(word.lower() for text in texts for word in _WORD.findall(text))


@lru_cache(maxsize=4096)
def labels_set_by(concept: str, graph: ConceptGraph) -> frozenset[str]:
    """The findings that hold wherever the concept is asserted."""
    kin = {concept, *graph.ancestors(concept)}
    return frozenset({label for one in kin for label in graph.concept(one).sets_labels}) | (
        kin & FINDING_LABELS.keys()
    )


@lru_cache(maxsize=64)
def told_beside(finding: str, graph: ConceptGraph) -> frozenset[str]:
    """Return what a sentence on a finding may assert as well: ancestors, kinds, and supporting signs."""
    signs = {relation.other(finding) for relation in graph.supports(finding)}
    return frozenset({*graph.ancestors(finding), *graph.descendants(finding), *signs})


def _format_inside(sentence: str) -> str:
    """As it stands inside a report: single blanks, a small letter, a full stop."""
    text = " ".join(sentence.split()).rstrip(" .") + "."
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]

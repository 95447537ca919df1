"""Tie every clause that only continues something to what it continues: reference resolution.

    continuations = find_continuations(sentences, reading.mentions, graph)

"Nodule in the right apex. No effusion. It measures 9 mm. CT is recommended." has two dependents of the
nodule. A pronoun takes the nearest thing before it that it can mean: only what has an extent is measured,
"this opacity" is an opacity, "these" are several. Advice takes the finding that calls for it. What stands
before it as a denial, or in a clause that continues something itself, is nothing to refer to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.anaphora import Anaphor, Kind, find_anaphors
from ccf_pipeline.reader.lexicon import abnormal_in, packaged
from ccf_pipeline.records import SUPPORT_DEVICES, Mention, Sentence

# So many sentences a pronoun reaches back over.
REACH = 3
REMARKS = frozenset({"advice", "communication"})


@dataclass(frozen=True, slots=True)
class Head:
    """What may be referred to: the mentions that share words in a sentence.

    One of which no concept of the graph is told has no concepts; it never goes.
    """

    sentence: int
    start: int
    end: int
    concepts: frozenset[str] = frozenset()
    is_plural: bool = False


@dataclass(frozen=True, slots=True)
class Continuation:
    """A sentence or clause that only continues its heads; where all of them go it has to go too.

    `is_rewritten` says that only a word of it depends on them and the rest stands: "otherwise clear".
    `is_near` says that its words point back, so that nothing may come between. Advice that may be for one
    of several findings has the `likeliest` of them.
    """

    sentence: int
    start: int
    end: int
    kind: Kind
    heads: tuple[Head, ...]
    is_whole: bool = True
    is_rewritten: bool = False
    is_near: bool = False
    likeliest: tuple[Head, ...] = ()

    def falls_with(self, ceasing: Iterable[Mention]) -> bool:
        """True if all that it continues ceases."""
        return _is_all_ceasing(self.heads, ceasing)

    def may_fall_with(self, ceasing: Iterable[Mention]) -> bool:
        """True if the likeliest of several things that it may speak of ceases."""
        return bool(self.likeliest) and _is_all_ceasing(self.likeliest, ceasing)

    @property
    def head_sentences(self) -> tuple[int, ...]:
        """The numbers of the sentences that it continues, in order."""
        return tuple(sorted({head.sentence for head in self.heads}))


def find_continuations(
    sentences: Sequence[Sentence], mentions: Sequence[Mention], graph: ConceptGraph
) -> tuple[Continuation, ...]:
    """Return the clauses of a report that only continue something, each with what it continues."""
    found = [(sentence, anaphor) for sentence in sentences for anaphor in find_anaphors(sentence.text)]
    if not found:
        return ()
    resolver = _Resolver(sentences, mentions, graph, found)
    return tuple(filter(None, (resolver.resolve(sentence, anaphor) for sentence, anaphor in found)))


class _Resolver:
    """The candidates of one report, and how a clause chooses among them."""

    def __init__(
        self,
        sentences: Sequence[Sentence],
        mentions: Sequence[Mention],
        graph: ConceptGraph,
        found: Sequence[tuple[Sentence, Anaphor]],
    ) -> None:
        self.sentences = sentences
        self.graph = graph
        self.mentions: dict[int, list[Mention]] = {}
        for mention in mentions:
            self.mentions.setdefault(mention.sentence, []).append(mention)
        self.continuing: dict[int, list[Anaphor]] = {}
        for sentence, anaphor in found:
            if anaphor.kind not in ("exception", "relation"):
                self.continuing.setdefault(sentence.number, []).append(anaphor)
        self._heads: dict[int, tuple[Head, ...]] = {}

    def resolve(self, sentence: Sentence, anaphor: Anaphor) -> Continuation | None:
        """The clause with its heads; None if it continues nothing that was told before it."""
        own = [m for m in self.mentions.get(sentence.number, ()) if _is_within(m, sentence, anaphor)]
        heads = self._list_heads(sentence, anaphor, own)
        if not heads or not all(head.concepts for head in heads):
            return None
        body = _BODY.match(sentence.text)
        begin = body.end() if body else 0
        return Continuation(
            sentence.number,
            sentence.start + anaphor.start,
            sentence.start + anaphor.end,
            anaphor.kind,
            heads,
            is_whole=anaphor.start <= begin and anaphor.end >= len(sentence.text.rstrip()),
            is_rewritten=anaphor.kind == "exception"
            or (anaphor.kind == "relation" and any(self._tells(m) for m in own if m.polarity == "present")),
            is_near=self._is_near(sentence, anaphor, heads),
            likeliest=self._find_same_place(heads) if anaphor.kind in REMARKS else (),
        )

    def _list_heads(self, sentence: Sentence, anaphor: Anaphor, own: Sequence[Mention]) -> tuple[Head, ...]:
        if anaphor.kind == "exception":
            return self._find_told_before(sentence, anaphor)
        named = self._find_named(sentence, anaphor, own)
        if named is not None:
            return named
        if anaphor.kind in REMARKS and not (anaphor.points and not anaphor.is_plural):
            return self._find_called_for(sentence, anaphor)
        if anaphor.is_generic and anaphor.is_plural:
            # "Findings consistent with edema" states the edema; "these findings may be edema" only continue.
            causes = [m for m in own if self._tells(m)] if anaphor.kind == "cause" else []
            states = any(m.polarity == "present" or m.side or m.region for m in causes)
            if states and not _DEMONSTRATIVE.match(sentence.text, anaphor.start):
                return ()
            told = self._find_told_before(sentence, anaphor)
            return self._choose_foremost(told, "looked_into") if anaphor.kind == "cause" else told
        return self._find_nearest(sentence, anaphor, own)

    def _is_near(self, sentence: Sentence, anaphor: Anaphor, heads: tuple[Head, ...]) -> bool:
        """True if words of the clause point back, or if it is advice next to what calls for it."""
        if anaphor.kind != "advice":
            return anaphor.points and not anaphor.is_named and anaphor.kind != "communication"
        before = max((head.sentence for head in heads if head.sentence < sentence.number), default=None)
        if before is None or self.sentences[before - 1].section != sentence.section:
            return False
        words = sentence.text[anaphor.start : anaphor.end]
        says_what_for = any(call.words.search(words) for call in _list_calls(self.graph))
        adjoins = all(n in self.continuing for n in range(before + 1, sentence.number))
        return anaphor.points or (adjoins and not says_what_for)

    # --- candidates ---------------------------------------------------------------------------------

    def heads_in(self, sentence: Sentence) -> tuple[Head, ...]:
        """What a sentence tells that can be referred to, in order; not what only continues something."""
        heads = self._heads.get(sentence.number)
        if heads is None:
            heads = self._heads[sentence.number] = tuple(self._find_heads(sentence))
        return heads

    def _find_heads(self, sentence: Sentence) -> Iterator[Head]:
        continuing = self.continuing.get(sentence.number, ())
        told = sorted(
            (
                m
                for m in self.mentions.get(sentence.number, ())
                if m.polarity != "absent"
                and m.implied_by is None
                and m.temporality not in ("prior", "resolved")
                and m.concept not in self.graph.words_of_change
                and not any(_is_within(m, sentence, anaphor) for anaphor in continuing)
            ),
            key=lambda m: (m.start, -m.end),
        )
        group: list[Mention] = []
        for mention in told:
            if group and mention.start >= max(m.end for m in group):
                yield _find_head(group, sentence)
                group = []
            group.append(mention)
        if group:
            yield _find_head(group, sentence)
        elif not told and not continuing and _is_unknown(sentence, self.mentions.get(sentence.number, ())):
            yield Head(sentence.number, sentence.start, sentence.end)

    def _iter_before(self, sentence: Sentence, *, anywhere: bool = False) -> Iterator[Sentence]:
        """The sentences before one, nearest first, those that only continue something left out."""
        place = sentence.number - 1
        for earlier in reversed(self.sentences[:place]):
            if earlier.section != sentence.section and not anywhere:
                return
            if self.heads_in(earlier) or not self.continuing.get(earlier.number):
                yield earlier

    def _filter_abnormal(self, heads: Iterable[Head]) -> list[Head]:
        abnormal = abnormal_of(self.graph)
        return [head for head in heads if not head.concepts.isdisjoint(abnormal)]

    def _tells(self, mention: Mention) -> bool:
        return (
            mention.concept in abnormal_of(self.graph) and mention.concept not in self.graph.words_of_change
        )

    # --- how one is chosen --------------------------------------------------------------------------

    def _find_named(
        self, sentence: Sentence, anaphor: Anaphor, own: Sequence[Mention]
    ) -> tuple[Head, ...] | None:
        """The heads that a noun of the clause names; None if no noun does."""
        if anaphor.noun is not None:
            start, end = (sentence.start + at for at in anaphor.noun)
            spoken = [m for m in own if m.start < end and start < m.end]
            if not spoken:
                return self._find_called(sentence, sentence.text[slice(*anaphor.noun)])
        elif anaphor.kind in REMARKS:
            spoken = [m for m in own if m.concept not in self.graph.words_of_change]
        else:
            return None
        names = frozenset(chain.from_iterable(kin_of(self.graph, m.concept) for m in spoken))
        remark = anaphor.kind in REMARKS
        for earlier in self._iter_before(sentence, anywhere=remark):
            agreeing = tuple(
                head for head in self.heads_in(earlier) if not self._collect_kin(head).isdisjoint(names)
            )
            if agreeing:
                return agreeing
        return None if remark else ()

    def _find_called(self, sentence: Sentence, noun: str) -> tuple[Head, ...] | None:
        """The things told in the nearest sentence that has the same noun."""
        stem = noun.lower().removesuffix("s")
        for earlier in self._iter_before(sentence):
            if stem in earlier.text.lower() and self.heads_in(earlier):
                return self.heads_in(earlier)
        return None

    def _collect_kin(self, head: Head) -> frozenset[str]:
        return frozenset(chain.from_iterable(kin_of(self.graph, concept) for concept in head.concepts))

    def _find_told_before(self, sentence: Sentence, anaphor: Anaphor) -> tuple[Head, ...]:
        """All that is abnormal before the clause in its section; else in the report; else its devices."""
        inside = [h for h in self.heads_in(sentence) if h.end <= sentence.start + anaphor.start]
        section = [h for earlier in self._iter_before(sentence) for h in self.heads_in(earlier)]
        report = [h for earlier in self._iter_before(sentence, anywhere=True) for h in self.heads_in(earlier)]
        for heads in ([*inside, *section], report):
            abnormal = self._filter_abnormal(heads)
            if abnormal:
                return tuple(abnormal)
        devices = _collect_devices(self.graph)
        return tuple(head for head in [*inside, *section] if not head.concepts.isdisjoint(devices))

    def _find_nearest(self, sentence: Sentence, anaphor: Anaphor, own: Sequence[Mention]) -> tuple[Head, ...]:
        may_be = self._may_be(anaphor.kind)
        near = list(self._iter_within_reach(sentence, anaphor, _measure_reach(sentence, anaphor)))
        told = [m for m in own if self._tells(m)]
        for heads in near:
            fitting = [head for head in heads if head.concepts and may_be(head)]
            if anaphor.is_weak and told:
                # "Likely atelectasis." behind an opacity tells what that is; "likely left effusion" does not.
                fitting = [h for h in fitting if all(self._is_cause_of(m, h) for m in told)]
            if fitting:
                return self._choose_meant(fitting, anaphor, own)
            if heads is near[0] and not all(head.concepts for head in heads):
                return ()
        if anaphor.kind in ("size", "cause", "relation"):
            abnormal = next(filter(None, map(self._filter_abnormal, near)), [])
            return self._choose_meant(abnormal, anaphor, own) if abnormal and not anaphor.is_weak else ()
        if anaphor.kind in ("change", "reference", "visibility") and near:
            return near[0][:1]  # "The heart is normal. It is unchanged."
        return ()

    def _iter_within_reach(
        self, sentence: Sentence, anaphor: Anaphor, reach: int
    ) -> Iterator[tuple[Head, ...]]:
        inside = tuple(h for h in self.heads_in(sentence) if h.end <= sentence.start + anaphor.start)
        if inside:
            yield inside
        for distance, earlier in enumerate(self._iter_before(sentence)):
            if distance >= reach:
                return
            if self.heads_in(earlier):
                yield self.heads_in(earlier)

    def _may_be(self, kind: Kind) -> Callable[[Head], bool]:
        abnormal, devices, measured = (
            abnormal_of(self.graph),
            _collect_devices(self.graph),
            _collect_measured(self.graph),
        )
        eligible = {"device": devices, "part": devices, "size": measured}.get(kind)
        if eligible is None:
            # How the film was taken, and what is only seen with other things, is seldom spoken of again.
            telling = abnormal & _collect_telling(self.graph)
            eligible = telling if kind in ("cause", "relation") else telling | devices
        return lambda head: not head.concepts.isdisjoint(eligible)

    def _choose_meant(
        self, fitting: Sequence[Head], anaphor: Anaphor, own: Sequence[Mention]
    ) -> tuple[Head, ...]:
        """Of the things told in one sentence all that "these" are, or the one that "this" is."""
        if anaphor.is_plural and (len(fitting) > 1 or anaphor.kind != "size"):
            return tuple(fitting)
        causes = {m.concept for m in own} if anaphor.kind == "cause" else set()
        tied = [head for head in fitting if any(self._are_tied(head, cause) for cause in causes)]
        leading = [
            head for head in tied or fitting if not head.concepts.isdisjoint(leading_concepts(self.graph))
        ]
        return ((leading or tied or list(fitting))[0],)

    def _is_cause_of(self, mention: Mention, head: Head) -> bool:
        return mention.side is None and mention.region is None and self._are_tied(head, mention.concept)

    def _are_tied(self, head: Head, cause: str) -> bool:
        return any(
            relation.relation == "positive" and relation.other(concept) == cause
            for concept in head.concepts
            for relation in self.graph.relations_of(concept)
        )

    def _find_called_for(self, sentence: Sentence, anaphor: Anaphor) -> tuple[Head, ...]:
        """What calls for advice or a call: by what is asked for, else what is looked into or told first."""
        told = [self._filter_abnormal(self.heads_in(s)) for s in self._iter_before(sentence)]
        inside = [h for h in self.heads_in(sentence) if h.end <= sentence.start + anaphor.start]
        groups = [self._filter_abnormal(inside), *told]
        if not any(groups) or anaphor.kind == "communication":
            groups = [self._filter_abnormal(inside)]
            groups += [
                self._filter_abnormal(self.heads_in(s)) for s in self._iter_before(sentence, anywhere=True)
            ]
        words = sentence.text[anaphor.start : anaphor.end]
        if anaphor.kind == "advice":
            asked = self._find_asked_for(words, sentence)
            if asked is not None:
                return asked
        all_told = tuple(head for heads in groups for head in heads)
        if anaphor.kind == "communication":
            return self._choose_foremost(all_told, "told_first")
        return self._choose_foremost(all_told, "looked_into")

    def _choose_foremost(self, told: tuple[Head, ...], table: str) -> tuple[Head, ...]:
        """Of all that was told what comes first in a table of the medicine; all of it where it has none."""
        for rank in _list_ranks(self.graph, table):
            fitting = tuple(head for head in told if not head.concepts.isdisjoint(rank))
            if fitting:
                return fitting
        return told

    def _find_same_place(self, heads: Sequence[Head]) -> tuple[Head, ...]:
        """The nearest head, and what is told of the same elsewhere."""
        return tuple(h for h in heads if not self._collect_kin(h).isdisjoint(self._collect_kin(heads[0])))

    def _find_asked_for(self, words: str, sentence: Sentence) -> tuple[Head, ...] | None:
        """The nearest finding that is looked into by what is asked for; None if that may be any finding."""
        for call in _list_calls(self.graph):
            if not call.words.search(words):
                continue
            for earlier in self._iter_before(sentence, anywhere=True):
                fitting = tuple(h for h in self.heads_in(earlier) if not h.concepts.isdisjoint(call.concepts))
                if fitting:
                    return fitting
            if call.is_only_for_these:
                return ()
        return None


_BODY = re.compile(r"\s*(?:\(?\d{1,2}[.)]\s*)?(?:[A-Z][A-Za-z ,&/]{2,40}:\s+)?")
_DEMONSTRATIVE = re.compile(r"\s*(?:these|those|this|such|the)\b", re.IGNORECASE)
_UNCHANGED = re.compile(r"\s*\w+\s*\.?\s*\Z")
_FRAGMENT = re.compile(r"\s*(?!(?:it|this|these|they|those|that|which|both|all|each)\b)", re.IGNORECASE)
_DENIAL = re.compile(
    r"\b(?:no|not|without|negative|normal|unremarkable|clear|intact|limits)\b", re.IGNORECASE
)
_OF_THE_FILM = re.compile(
    r"\b(?:views?|radiograph\w*|exam\w*|stud(?:y|ies)|films?|compar\w+|portable|technique|images?|projections?"
    r"|inspirat\w+|rotated|rotation|dictat\w+|signed|available)\b",
    re.IGNORECASE,
)


def _is_all_ceasing(heads: Iterable[Head], ceasing: Iterable[Mention]) -> bool:
    spans = [(m.start, m.end) for m in ceasing]
    return all(any(a < head.end and head.start < b for a, b in spans) for head in heads)


def _measure_reach(sentence: Sentence, anaphor: Anaphor) -> int:
    """Return how many sentences back the clause may point; without a subject it may speak of the film."""
    words = sentence.text[anaphor.start : anaphor.end]
    if anaphor.kind == "relation" or anaphor.is_weak or _UNCHANGED.match(words):
        return 1
    return 2 if anaphor.kind == "change" and _FRAGMENT.match(words) else REACH


def _is_within(mention: Mention, sentence: Sentence, anaphor: Anaphor) -> bool:
    return anaphor.start <= mention.start - sentence.start < anaphor.end


def _find_head(group: Sequence[Mention], sentence: Sentence) -> Head:
    start, end = group[0].start, max(m.end for m in group)
    words = sentence.text[start - sentence.start : end - sentence.start]
    is_plural = words.endswith("s") or any(m.side == "bilateral" for m in group)
    return Head(sentence.number, start, end, frozenset(m.concept for m in group), is_plural)


def _is_unknown(sentence: Sentence, mentions: Sequence[Mention]) -> bool:
    """True if a sentence tells something that the graph has no words for."""
    if mentions or len(sentence.text.split()) < 2:
        return False
    return not _DENIAL.search(sentence.text) and not _OF_THE_FILM.search(sentence.text)


# --- what the graph says of concepts ------------------------------------------------------------------


@lru_cache(maxsize=8)
def abnormal_of(graph: ConceptGraph) -> frozenset[str]:
    """Return what a chest without findings does not show; devices are not counted."""
    return abnormal_in(graph.file)


@lru_cache(maxsize=8)
def _collect_devices(graph: ConceptGraph) -> frozenset[str]:
    variants = (r.other(SUPPORT_DEVICES) for r in graph.relations_of(SUPPORT_DEVICES) if r.kind == "variant")
    return frozenset({SUPPORT_DEVICES, *graph.descendants(SUPPORT_DEVICES), *variants})


_SIZES = frozenset({"tiny", "small", "large", "giant", "bulky"})


@lru_cache(maxsize=8)
def _collect_measured(graph: ConceptGraph) -> frozenset[str]:
    """Return what has an extent: it can be small or large, or is a density."""
    abnormal = abnormal_of(graph)
    return frozenset(
        concept.id
        for concept in graph.file.concepts
        if concept.id in abnormal
        and (concept.category == "density" or not _SIZES.isdisjoint(concept.severities))
    )


@lru_cache(maxsize=8)
def _collect_telling(graph: ConceptGraph) -> frozenset[str]:
    """Return what is told for its own sake: a film that shows it shows a finding."""
    return frozenset(c.id for c in graph.file.concepts if c.kind == "finding" or c.cancels_no_finding)


@lru_cache(maxsize=8)
def leading_concepts(graph: ConceptGraph) -> frozenset[str]:
    """Findings, and attributes that are findings by another name: not where or how another thing is."""
    return frozenset(c.id for c in graph.file.concepts if c.kind == "finding" or c.sets_labels)


@lru_cache(maxsize=4096)
def kin_of(graph: ConceptGraph, concept: str) -> frozenset[str]:
    """A concept, what it is a kind of, and the findings that it sets: what a noun for it may name."""
    return frozenset({concept, *graph.ancestors(concept), *graph.concept(concept).sets_labels})


class _Call(NamedTuple):
    """Words of advice, and the findings that it is given for."""

    words: re.Pattern[str]
    concepts: frozenset[str]
    is_only_for_these: bool


@lru_cache(maxsize=8)
def _list_calls(graph: ConceptGraph) -> tuple[_Call, ...]:
    return tuple(
        _Call(
            re.compile(rf"\b(?:{call['words']})\b", re.IGNORECASE),
            _add_kinds(graph, call["concepts"]),
            is_only_for_these=call.get("only") == "yes",
        )
        for call in packaged("dependents.yaml")["calls"]
    )


@lru_cache(maxsize=8)
def _list_ranks(graph: ConceptGraph, name: str) -> tuple[frozenset[str], ...]:
    return tuple(_add_kinds(graph, concepts) for concepts in packaged("dependents.yaml")[name])


def _add_kinds(graph: ConceptGraph, concepts: Iterable[str]) -> frozenset[str]:
    known = [concept for concept in concepts if concept in graph]
    findings = {finding.id for finding in graph.findings}
    # A finding that is a kind of another has a place of its own in the table, or none.
    kinds = {
        *known,
        *(kind for concept in known for kind in graph.descendants(concept) if kind not in findings),
    }
    setting = {a.id for a in graph.attributes if not kinds.isdisjoint(a.sets_labels)}
    return frozenset(kinds | setting)

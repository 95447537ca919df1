"""What every part of the checker looks at: one edit with its plan, both readings, and the graph."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.reader.known_words import WORD
from ccf_pipeline.records import (
    FINDING_LABELS,
    NO_FINDING,
    SUPPORT_DEVICES,
    Edit,
    Level,
    Mention,
    Plan,
    Problem,
    ReasonCode,
    Sentence,
    Study,
)

DISEASES = frozenset(FINDING_LABELS) - {NO_FINDING, "fnd_support_devices"}


@dataclass(frozen=True)
class Case:
    """An edit to judge; what several parts ask of it is worked out once."""

    edit: Edit
    plan: Plan
    study: Study
    factual: Reading
    counterfactual: Reading
    graph: ConceptGraph

    @cached_property
    def asserted(self) -> Sequence[Mention]:
        """Return what the counterfactual says is there now."""
        return self.counterfactual.assertions

    @cached_property
    def added(self) -> list[Mention]:
        """Return what the edit, not the factual report, says is there now."""
        asserted = self.asserted
        return [m for start, end in self._written_spans for m in asserted if start <= m.start < end]

    @cached_property
    def before(self) -> Sequence[Mention]:
        """Return what the factual report says is there now."""
        return self.factual.assertions

    @cached_property
    def leaving(self) -> tuple[str, ...]:
        """The findings that are to go."""
        return (self.plan.target,) if self.plan.direction == "remove" else self.plan.swap_from

    @cached_property
    def target_kinds(self) -> frozenset[str]:
        """The target, every kind of it, and every attribute that is another word for it."""
        return kinds_of(self.graph, self.plan.target)

    @cached_property
    def of_target(self) -> list[Mention]:
        """Return where the counterfactual asserts the target."""
        return [mention for mention in self.asserted if mention.concept in self.target_kinds]

    @cached_property
    def added_of_target(self) -> list[Mention]:
        """Return where the edit itself asserts the target."""
        return [mention for mention in self.added if mention.concept in self.target_kinds]

    @cached_property
    def lengths(self) -> tuple[int, int]:
        """Return how many words the factual report and the counterfactual have."""
        return _measure_length(self.study.text), len(self.edit.text.split())

    @cached_property
    def label(self) -> str:
        return label_of(self.graph, self.plan.target)

    @cached_property
    def written(self) -> frozenset[int]:
        """The numbers of the sentences that are not the factual report's own."""
        return frozenset([sentence.number for sentence in self.written_sentences])

    @cached_property
    def written_sentences(self) -> tuple[Sentence, ...]:
        """The sentences that are not the factual report's own."""
        origins = zip(self.edit.sentences, self.edit.origins, strict=True)
        return tuple([sentence for sentence, origin in origins if not origin])

    @cached_property
    def gone(self) -> tuple[Sentence, ...]:
        """The factual sentences that are not in the counterfactual any more."""
        kept = set(self.edit.origins)
        return tuple([sentence for sentence in self.study.sentences if sentence.number not in kept])

    @cached_property
    def gone_words(self) -> frozenset[str]:
        """The words of the factual sentences that are not in the counterfactual any more."""
        return frozenset([word for sentence in self.gone for word in WORD.findall(sentence.text.lower())])

    @cached_property
    def said_by_gone(self) -> frozenset[tuple[str, str]]:
        """Return what those sentences say: each concept with its polarity."""
        gone = {sentence.number for sentence in self.gone}
        return frozenset([(m.concept, m.polarity) for m in self.factual.mentions if m.sentence in gone])

    @cached_property
    def said_by_kept(self) -> frozenset[tuple[str, str]]:
        """What the factual sentences say that stand as they stood: each concept with its polarity."""
        kept = set(self.edit.origins)
        return frozenset([(m.concept, m.polarity) for m in self.factual.mentions if m.sentence in kept])

    @cached_property
    def _written_spans(self) -> list[tuple[int, int]]:
        return [(sentence.start, sentence.end) for sentence in self.written_sentences]

    @cached_property
    def _starts(self) -> list[int]:
        return [sentence.start for sentence in self.edit.sentences]

    def _place_of(self, start: int) -> int:
        return max(0, bisect.bisect_right(self._starts, start) - 1)

    def standing_at(self, start: int) -> tuple[Sentence, int]:
        """The sentence of the counterfactual at an offset, and the number of the one it came from, or 0."""
        place = self._place_of(start)
        return self.edit.sentences[place], self.edit.origins[place]

    def sentence_of(self, mention: Mention) -> Sentence:
        """The sentence of the counterfactual that a mention of it stands in."""
        return self.edit.sentences[self._place_of(mention.start)]

    def words_of(self, mention: Mention) -> str:
        return self.sentence_of(mention).text

    def is_written(self, mention: Mention) -> bool:
        """True if the edit, not the factual report, says it."""
        return any(start <= mention.start < end for start, end in self._written_spans)

    def is_excepted(self, mention: Mention) -> bool:
        """True if what is called normal is the rest: "otherwise clear", "smooth, with a small effusion"."""
        sentence = self.sentence_of(mention)
        before = sentence.text[: mention.start - sentence.start]
        if mention.implied_by is None:
            return _OTHERS.search(before) is not None
        if REST.search(sentence.text):
            return True
        after = _EXCEPTED.search(sentence.text, mention.end - sentence.start)
        begin = sentence.start + after.end() if after else sentence.end
        return any(begin <= m.start < sentence.end for m in self.of_target)

    def meets(self, a: Mention, b: Mention) -> bool:
        return self.graph.overlaps((a.side, a.region), (b.side, b.region))

    @cached_property
    def views(self) -> frozenset[str]:
        """Return what is known of how the film was taken."""
        image = self.study.image
        return views_of(self.study.text) | ({image.view} if image and image.view in ("AP", "PA") else set())


@lru_cache(maxsize=256)
def _measure_length(text: str) -> int:
    return len(text.split())


def label_of(graph: ConceptGraph, concept: str) -> str:
    """Return what people call a concept; a finding goes by its CheXpert name."""
    return FINDING_LABELS.get(concept) or graph.concept(concept).label


Place = Mention | Sentence
"""Whatever has its place in a text."""


def _make_problem(
    level: Level,
    code: ReasonCode,
    message: str,
    place: Place | None = None,
    relation: str | None = None,
    *,
    factual: Place | None = None,
) -> Problem:
    """Return what speaks against the edit.

    Args:
        place: what it is about in the counterfactual.
        factual: what it is about in the factual report.
    """
    number = place.sentence if isinstance(place, Mention) else place.number if place else None
    return Problem(
        code=code,
        message=message,
        level=level,
        sentence=number,
        relation=relation,
        start=place.start if place else None,
        end=place.end if place else None,
        factual_start=factual.start if factual else None,
        factual_end=factual.end if factual else None,
    )


block = partial(_make_problem, "block")
"""A reason to refuse the edit."""
warn = partial(_make_problem, "warn")
"""A remark that does not refuse it."""


def on_both_sides(problem: Problem, case: Case) -> Problem:
    """Return what stands in a kept sentence stands in the factual report too."""
    if problem.start is None or problem.end is None or problem.factual_start is not None:
        return problem
    kept, origin = case.standing_at(problem.start)
    came_from = next((s for s in case.study.sentences if s.number == origin), None)
    if came_from is None or came_from.text != kept.text or problem.end > kept.end:
        return problem
    shift = came_from.start - kept.start
    there = {"factual_start": problem.start + shift, "factual_end": problem.end + shift}
    return problem.model_copy(update=there)


@lru_cache(maxsize=256)
def kinds_of(graph: ConceptGraph, finding: str) -> frozenset[str]:
    """A finding, its kinds, and what else it is called: CHF for edema."""
    return frozenset({finding, *graph.descendants(finding), *graph.other_names(finding)})


@lru_cache(maxsize=256)
def denied_with(graph: ConceptGraph, finding: str) -> frozenset[str]:
    """Return the concepts whose denial denies a finding: what it is a kind of and its other names too."""
    return frozenset({finding, *graph.ancestors(finding), *graph.other_names(finding)})


@lru_cache(maxsize=256)
def signs_of(graph: ConceptGraph, finding: str) -> frozenset[str]:
    """Every attribute that a relation ties to the finding as its sign, kind, place or modifier."""
    return frozenset(relation.other(finding) for relation in graph.supports(finding))


@lru_cache(maxsize=256)
def family_of(graph: ConceptGraph, finding: str) -> frozenset[str]:
    """A finding with what it is a kind or a variant of, and every kind and variant of it."""
    variants = {r.other(finding) for r in graph.relations_of(finding) if r.kind == "variant"}
    above = {kin for near in (finding, *variants) for kin in (near, *graph.ancestors(near))}
    return frozenset(above | set(graph.descendants(finding)))


@lru_cache(maxsize=4096)
def matters(graph: ConceptGraph, concept: str) -> bool:
    """Devices, and attributes by which a chest is not normal."""
    return is_device(graph, concept) or graph.concept(concept).cancels_no_finding


@lru_cache(maxsize=4096)
def is_device(graph: ConceptGraph, concept: str) -> bool:
    return concept in kinds_of(graph, SUPPORT_DEVICES) or any(
        relation.target == SUPPORT_DEVICES and relation.kind == "variant"
        for relation in graph.relations_of(concept)
    )


REST = re.compile(
    r"\b(?:except|excepting|aside from|apart from|other than|otherwise|besides|remaining|remainder|rest of"
    r"|elsewhere|(?:the|all) others?)\b",
    re.IGNORECASE,
)
_OTHERS = re.compile(r"\b(?:the|all) other\b", re.IGNORECASE)
_EXCEPTED = re.compile(r"\b(?:with|but|except)\b", re.IGNORECASE)
_UPRIGHT = re.compile(r"\b(?:upright|erect|PA|two[- ]views?|2[- ]views?|frontal and lateral)\b")
_LYING = re.compile(r"\b(?:supine|semi-?(?:up)?(?:right|erect)|recumbent|lying)\b", re.IGNORECASE)
_AP = re.compile(r"\b(?:AP|[Pp]ortable|[Bb]edside)\b")


@lru_cache(maxsize=4096)
def _read_views(text: str) -> frozenset[str]:
    views = set()
    if _LYING.search(text):
        views.add("supine")
    elif _UPRIGHT.search(text):
        views.add("upright")
    if _AP.search(text):
        views.add("AP")
    elif re.search(r"\bPA\b", text):
        views.add("PA")
    return frozenset(views)


def views_of(text: str) -> frozenset[str]:
    """The views that a report names: `PA`, `AP`, `upright`, `supine` (lying or half lying)."""
    return _read_views(text)


def sides_of(mentions: Iterable[Mention]) -> frozenset[str]:
    """The sides that statements name; both sides are two."""
    sides = {mention.side for mention in mentions}
    if "bilateral" in sides:
        return frozenset({"left", "right"})
    return frozenset(side for side in sides if side)

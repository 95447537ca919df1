"""The findings of a text, arranged for planning and checking."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import CCF, Continuation, Lexicon, find_continuations, read_report
from ccf_pipeline.reader.memory import memory_of
from ccf_pipeline.records import Mention, Polarity, Sentence

_REMEMBERED_TEXTS = 256


@dataclass(frozen=True)
class Reading:
    """The mentions of one text and the state of each of the fourteen findings in it."""

    mentions: tuple[Mention, ...]
    states: dict[str, Polarity]

    @cached_property
    def assertions(self) -> Sequence[Mention]:
        """The mentions that say that something is there now."""
        return [mention for mention in self.mentions if is_asserted(mention)]

    @cached_property
    def asserted(self) -> frozenset[str]:
        """Every concept that is said to be there now."""
        return frozenset([mention.concept for mention in self.assertions])

    def of(self, concept: str) -> Sequence[Mention]:
        """Return the mentions of one concept, in order."""
        return self._by_concept.get(concept, ())

    def continuations(self, sentences: Sequence[Sentence], graph: ConceptGraph) -> tuple[Continuation, ...]:
        """Return what only continues something else in the text, given its sentences; worked out once."""
        found: tuple[Continuation, ...] | None = self.__dict__.get("_continuations")
        if found is None:
            found = self.__dict__["_continuations"] = find_continuations(sentences, self.mentions, graph)
        return found

    @cached_property
    def _by_concept(self) -> Mapping[str, Sequence[Mention]]:
        found: defaultdict[str, list[Mention]] = defaultdict(list)
        for mention in self.mentions:
            found[mention.concept].append(mention)
        return dict(found)


def is_asserted(mention: Mention) -> bool:
    """Present now: not only before, and not resolved."""
    return mention.polarity == "present" and mention.temporality not in ("prior", "resolved")


def spans_meet(mention: Mention, spans: Iterable[tuple[int, int]]) -> bool:
    """True if a mention shares text with one of the spans."""
    begun, ended = mention.start, mention.end
    return any(begun < end and start < ended for start, end in spans)


def read_facts(text: str, lexicon: Lexicon) -> Reading:
    """Read a text once for all its mentions and findings, as counterfactuals are planned and checked.

    An order to a model says nothing of the patient, and what an earlier film showed is past. The last texts
    are remembered: a factual report is read for its plan, and again for each of its counterfactuals.
    """
    facts: dict[str, Reading] = memory_of(lexicon).setdefault("facts", {})
    reading = facts.get(text)
    if reading is None:
        if len(facts) >= _REMEMBERED_TEXTS:
            facts.clear()
        reading = facts[text] = Reading(*read_report(text, lexicon, CCF, this_film=True))
    return reading

"""What a text says of its findings, arranged for planning and checking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ccf_pipeline.records import Mention, Polarity
from ccf_pipeline.steps.reading import CCF, Lexicon, read_labels, read_text


@dataclass(frozen=True)
class Reading:
    """The mentions of one text and the state of each of the fourteen findings in it."""

    mentions: tuple[Mention, ...]
    states: dict[str, Polarity]

    @cached_property
    def asserted(self) -> frozenset[str]:
        """Every concept that is said to be there now."""
        return frozenset(m.concept for m in self.mentions if is_asserted(m))

    def of(self, concept: str) -> list[Mention]:
        return [mention for mention in self.mentions if mention.concept == concept]


def is_asserted(mention: Mention) -> bool:
    """Present now: not only before, and not resolved."""
    return mention.polarity == "present" and mention.temporality not in ("prior", "resolved")


def spans_meet(mention: Mention, spans: Iterable[tuple[int, int]]) -> bool:
    """Whether a mention shares text with one of the spans."""
    return any(mention.start < end and start < mention.end for start, end in spans)


def read_facts(text: str, lexicon: Lexicon) -> Reading:
    """Read a text once for all its mentions and findings, as counterfactuals are planned and checked."""
    mentions = read_text(text, lexicon, CCF)
    return Reading(mentions, read_labels(mentions, lexicon, CCF))

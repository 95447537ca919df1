"""What a text says of its findings, arranged for planning and checking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ccf_pipeline.records import Mention, Polarity
from ccf_pipeline.sentences import split_report
from ccf_pipeline.steps.orders import is_order, may_hold_orders, may_tell_of_earlier, told_of_earlier
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
    """Read a text once for all its mentions and findings, as counterfactuals are planned and checked.

    An order to a model says nothing of the patient, and what an earlier film showed is past.
    """
    mentions = read_text(text, lexicon, CCF)
    if may_hold_orders(text) or may_tell_of_earlier(text):
        mentions = tuple(_about_this_film(text, mentions))
    return Reading(mentions, read_labels(mentions, lexicon, CCF))


def _about_this_film(text: str, mentions: tuple[Mention, ...]) -> Iterator[Mention]:
    sentences = {number: (a, text[a:b]) for number, (_, a, b) in enumerate(split_report(text), 1)}
    orders = {number for number, (_, sentence) in sentences.items() if is_order(sentence)}
    for mention in mentions:
        if mention.sentence in orders:
            continue
        begin, sentence = sentences[mention.sentence]
        past = told_of_earlier(sentence)
        if past and past[0] <= mention.start - begin < past[1] and mention.temporality is None:
            mention = mention.model_copy(update={"temporality": "prior"})
        yield mention

"""The reader's self-test: sentences that must be read right before anything is built or labelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, get_args

import yaml

from ccf_pipeline.errors import ReaderError
from ccf_pipeline.graph.model import GraphFile
from ccf_pipeline.reader.conventions import CCF, ReadingConventions
from ccf_pipeline.reader.lexicon import Lexicon
from ccf_pipeline.reader.reader import read_text
from ccf_pipeline.records import Mention, Polarity, Side, Temporality

_SPOKEN_ALWAYS = frozenset((*get_args(Polarity), *get_args(Side), *get_args(Temporality)))


@dataclass(frozen=True)
class Misreading:
    """A golden sentence, the concept it is about, what it says of that concept, and what was read."""

    text: str
    concept: str
    meant: str
    found: str

    def __str__(self) -> str:
        return f"{self.text!r} should say {self.concept} {self.meant}, and says {self.found}"


def check_reader(
    lexicon: Lexicon, graph: GraphFile, conventions: ReadingConventions = CCF
) -> tuple[Misreading, ...]:
    """Return the golden sentences that are read wrong with this graph; none when all is well."""
    known = _collect_spoken(graph)
    asked = [golden for golden in golden_sentences() if known.issuperset(_collect_words(golden))]
    return tuple(
        misreading for golden in asked for misreading in _find_misreadings(golden, lexicon, conventions)
    )


def require_reader(lexicon: Lexicon, graph: GraphFile) -> None:
    """Refuse to go on with a graph whose words the reader does not read as they should be read."""
    misread = check_reader(lexicon, graph)
    if not misread:
        return
    first, rest = misread[0], len(misread) - 1
    concepts = sorted({misreading.concept for misreading in misread})
    raise ReaderError(
        f"graph {graph.name} {graph.version}: {first}{f' (and {rest} more like it)' if rest else ''}",
        hint=f"The forms or relations of {', '.join(concepts[:4])} were changed so that this is no longer "
        "read; mend them in the graph file. `ccf-build read` shows how a sentence is read.",
    )


@lru_cache(maxsize=1)
def golden_sentences() -> tuple[Mapping[str, Any], ...]:
    """The sentences with what they say, as `golden.yaml` has them."""
    text = resources.files(__package__).joinpath("golden.yaml").read_text(encoding="utf-8")
    return tuple(yaml.load(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)))


def _find_misreadings(
    golden: Mapping[str, Any], lexicon: Lexicon, conventions: ReadingConventions
) -> Iterator[Misreading]:
    text = golden["text"]
    mentions = read_text(text, lexicon, conventions)
    said = [_collect_claim_words(mention) for mention in mentions]
    for concept, *meant in _iter_claims(golden):
        if not any(words.issuperset((concept, *meant)) for words in said):
            yield Misreading(text, concept, " ".join(meant), _describe_found(concept, mentions))
    for concept in golden.get("implies", ()):
        denied = any(words.issuperset((concept, "absent")) for words in said)
        if not denied and _is_denied_by_graph(concept, mentions, lexicon):
            yield Misreading(text, concept, "absent", _describe_found(concept, mentions))
    for concept in golden.get("never", ()):
        if any(mention.concept == concept and mention.polarity != "absent" for mention in mentions):
            yield Misreading(text, concept, "nothing", _describe_found(concept, mentions))


def _iter_claims(golden: Mapping[str, Any]) -> Iterator[list[str]]:
    """Each claim as its concept, polarity and details."""
    for claim in golden.get("says", ()):
        yield claim.split()


def _collect_words(golden: Mapping[str, Any]) -> set[str]:
    """Every concept, region and severity that a sentence needs a graph to have."""
    said = {word for claim in _iter_claims(golden) for word in claim}
    return (said - _SPOKEN_ALWAYS).union(golden.get("implies", ()), golden.get("never", ()))


def _collect_spoken(graph: GraphFile) -> frozenset[str]:
    concepts = (concept.id for concept in graph.concepts)
    regions = (region.id for region in graph.regions)
    return frozenset((*concepts, *regions, *(word for grade in graph.severity_grades for word in grade)))


def _is_denied_by_graph(concept: str, mentions: Iterable[Mention], lexicon: Lexicon) -> bool:
    states = {mention.concept for mention in mentions if mention.polarity == "present"}
    return any(denial.concept == concept for state in states for denial in lexicon.denials.get(state, ()))


def _collect_claim_words(mention: Mention) -> frozenset[str | None]:
    return frozenset((mention.concept, mention.polarity, *_list_details(mention)))


def _list_details(mention: Mention) -> tuple[str | None, ...]:
    return mention.side, mention.region, mention.severity, mention.temporality


def _describe_found(concept: str, mentions: Iterable[Mention]) -> str:
    told = [
        " ".join(word for word in (mention.polarity, *_list_details(mention)) if word is not None)
        for mention in mentions
        if mention.concept == concept
    ]
    return " and ".join(told) or "nothing of it"

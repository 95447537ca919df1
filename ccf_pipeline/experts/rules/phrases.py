"""The graph's phrases, each with everything that it says besides its concept."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from ccf_pipeline.experts.rules.anatomy import places_in
from ccf_pipeline.experts.rules.naming import Naming
from ccf_pipeline.graph import Concept, ConceptGraph
from ccf_pipeline.records import FINDING_LABELS, Polarity, Side

SLOT = re.compile(r"\{(\w+)\}")

# Words that compare with an earlier film, which a counterfactual does not have.
COMPARING = re.compile(
    r"\b(?:now|new|newly|unchanged|stable|worsen\w*|improv\w*|interval|again|prior|previous\w*|resolv\w*|persistent)\b",
    re.IGNORECASE,
)
_BOTH_SIDES = re.compile(
    r"\b(?:bilateral|both|biapical|bibasilar|bibasal|diffuse|multifocal|throughout|symmetric|hila|lungs|bases)\b",
    re.IGNORECASE,
)
# The right atrium and the like are whole: their "right" is no side.
_ONE_SIDE = re.compile(r"\b(left|right)\b(?! atri| ventric| heart| paratracheal| hilum is)", re.IGNORECASE)


@dataclass(frozen=True)
class Phrase:
    """One way to write a concept."""

    template: str
    slots: frozenset[str]
    others: frozenset[str]
    """Other concepts that it names."""
    sets: frozenset[str]
    """Findings that it sets by naming them, their kinds or their signs."""
    places: frozenset[str]
    """Regions that it names by itself."""
    sides: frozenset[Side]
    """Sides that it names by itself."""


class PhraseBook:
    """The phrases of a graph, looked through once."""

    def __init__(self, graph: ConceptGraph, naming: Naming) -> None:
        self._graph = graph
        self._naming = naming
        self._known: dict[tuple[str, Polarity], tuple[Phrase, ...]] = {}

    def phrases_of(self, concept_id: str, polarity: Polarity) -> tuple[Phrase, ...]:
        """The ways to write a concept that compare with nothing."""
        key = (concept_id, polarity)
        if key not in self._known:
            concept = self._graph.concept(concept_id)
            templates = [t for t in getattr(concept.write, polarity) if not COMPARING.search(t)]
            self._known[key] = tuple(self._make_phrase(concept, template) for template in templates)
        return self._known[key]

    def _make_phrase(self, concept: Concept, template: str) -> Phrase:
        bare = SLOT.sub("", template)
        kin = {concept.id, *self._graph.ancestors(concept.id)}
        others = self._naming.named_in(bare) - kin
        if "cardiomediastinal silhouette" in bare:
            # The reader, as the CheXpert labeler, takes it for the heart's size as well.
            others |= {"fnd_cardiomegaly"} & self._graph.concepts.keys() - kin
        places = places_in(bare, self._graph)
        fixed = frozenset(region.sides for region in places if region.sides in ("left", "right"))
        return Phrase(
            template=template,
            slots=frozenset(SLOT.findall(template)),
            others=others,
            sets=frozenset(finding for other in others for finding in self._find_slots_set(other)),
            places=frozenset(region.id for region in places),
            sides=_find_sides(bare) | fixed,
        )

    def _find_slots_set(self, concept_id: str) -> Iterable[str]:
        for kin in (concept_id, *self._graph.ancestors(concept_id)):
            if kin in FINDING_LABELS:
                yield kin
            yield from self._graph.concept(kin).sets_labels


def _find_sides(text: str) -> frozenset[Side]:
    found = {side.lower() for side in _ONE_SIDE.findall(text)}
    if _BOTH_SIDES.search(text):
        found.add("bilateral")
    return frozenset(side for side in get_args(Side) if side in found)

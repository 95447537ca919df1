"""A finding as a noun phrase with its degree and place: "small left apical pneumothorax"."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from ccf_pipeline.experts.rules.anatomy import adjective, place_of
from ccf_pipeline.experts.rules.grammar import finish_sentence, is_plural
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, SUPPORT_DEVICES, Statement

# A lesion or a device has to be told what it is: its noun says too little.
_TOLD_BY_NOUN = frozenset(FINDING_LABELS) - {NO_FINDING, SUPPORT_DEVICES, "fnd_lung_lesion"}
_WITHOUT_PLACE = frozenset(
    {"fnd_cardiomegaly", "fnd_edema", "fnd_enlarged_cardiomediastinum", "fnd_pleural_effusion"}
)
COUNTED = {
    "effusion": "effusions",
    "fracture": "fractures",
    "mass": "masses",
    "nodule": "nodules",
    "opacity": "opacities",
    "pneumothorax": "pneumothoraces",
}
_BOTH = {"bilateral basilar": "bibasilar", "bilateral apical": "biapical"}
_SEEN = ("present", "seen", "noted", "identified")


@dataclass(frozen=True)
class NounPhrase:
    """A noun phrase, and which slots of a phrase it stands for."""

    text: str
    slots: frozenset[str] = frozenset()

    def in_a_sentence(self, chance: random.Random) -> str:
        """ "There is a …", or "… is present"."""
        verb = "are" if is_plural(self.text) else "is"
        article = "a " if verb == "is" and self.text.split()[-1] in COUNTED else ""
        frames = (
            f"There {verb} {article}{self.text}",
            f"{article}{self.text} {verb} {chance.choice(_SEEN)}",
        )
        return finish_sentence(chance.choice(frames))


def noun_phrase(statement: Statement, known: dict[str, str], graph: ConceptGraph) -> NounPhrase | None:
    """The statement's noun phrase, where the finding has a noun that tells enough.

    Args:
        known: what can be put into the slots of phrases.
    """
    if statement.concept not in _TOLD_BY_NOUN or statement.polarity != "present":
        return None
    return _put_together(statement, statement.concept, known, graph)


def kind_phrase(
    statement: Statement, said: frozenset[str], known: dict[str, str], graph: ConceptGraph
) -> NounPhrase | None:
    """For a finding without such a noun, the kind of it that was said: a nodule stays a nodule."""
    kinds = [kind for kind in graph.descendants(statement.concept) if kind in said]
    nouns = {kind: graph.concept(kind).write.noun for kind in kinds if graph.concept(kind).write.noun}
    if not nouns:
        return None
    # The words for one and for many name both kinds: one nodule on one side, nodules on both.
    one_sided = statement.side in ("left", "right")
    kind = min(nouns, key=lambda kind: (is_plural(nouns[kind]) == one_sided, kind))
    return _put_together(statement, kind, known, graph)


def _put_together(
    statement: Statement, concept_id: str, known: dict[str, str], graph: ConceptGraph
) -> NounPhrase | None:
    concept = graph.concept(concept_id)
    noun = concept.write.noun
    if not noun:
        return None
    region = place_of(statement.region, graph) if "region" in known else None
    place = adjective(region) if region and concept_id not in _WITHOUT_PLACE else None
    if place:
        noun = re.sub(r"^(?:focal |lung |pulmonary )+", "", noun)
    if statement.side == "bilateral":
        noun = re.sub(r"\w+$", lambda last: COUNTED.get(last[0], last[0]), noun)
    severity = known.get("severity")
    if concept_id != statement.concept and severity not in concept.severities:
        severity = None
    words = {
        "severity": severity,
        "side": known.get("side"),
        "bilateral": known.get("bilateral"),
        "region": place,
        "noun": noun,
    }
    told = {slot: word for slot, word in words.items() if word}
    text = " ".join(told.values())
    for apart, joined in _BOTH.items():
        text = text.replace(apart, joined)
    return NounPhrase(text, frozenset(told) - {"noun"})

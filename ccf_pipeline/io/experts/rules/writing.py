"""Statement → sentence, from the phrases of the graph."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from ccf_pipeline.concepts import Concept, ConceptGraph, Region
from ccf_pipeline.io.experts.rules.grammar import finish_sentence, is_plural, lower_first
from ccf_pipeline.io.experts.rules.naming import Naming
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, SUPPORT_DEVICES, Polarity, Side, Statement

Strictness = Literal["unheard", "fitting", "any"]
"""Besides its statement a phrase may name: nothing the report names, nothing it excludes, or anything."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a sentence is written into."""

    named: frozenset[str]
    """Concepts that the rest of the report names: better not spoken of a second time."""
    allowed: frozenset[str]
    """Findings that the sentence may set; any other would change what the plan leaves alone."""
    is_terse: bool
    signs: frozenset[str] = frozenset()
    """Signs that are to be told as well: a phrase that has one spares a sentence."""
    used: frozenset[str] = frozenset()
    """Sentences that were written for another section."""


@dataclass(frozen=True)
class Phrase:
    """One way to write a concept, with what it says besides."""

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


@dataclass(frozen=True)
class Written:
    """A sentence, and the concepts that it names."""

    text: str
    named: frozenset[str]


# Words that compare with an earlier film, which a counterfactual does not have.
_COMPARING = re.compile(
    r"\b(?:new|newly|unchanged|stable|worsen\w*|improv\w*|interval|again|prior|previous\w*|resolv\w*|persistent)\b",
    re.IGNORECASE,
)
_BOTH_SIDES = re.compile(
    r"\b(?:bilateral|both|biapical|bibasilar|bibasal|diffuse|multifocal|throughout|symmetric|hila|lungs|bases)\b",
    re.IGNORECASE,
)
_ONE_SIDE = re.compile(r"\b(left|right)\b(?! atri| ventric| heart| paratracheal| hilum is)", re.IGNORECASE)
_SLOT = re.compile(r"\{(\w+)\}")
# Too wide to be told as a place: a phrase says it already, or it is the whole chest.
_NO_PLACES = frozenset({"chest", "thorax", "bones", "pleura", "heart", "mediastinum"})
_AS_ADJECTIVES = {
    "base": "basilar",
    "pleural apex": "apical",
    "pleural base": "basal",
    "apex": "apical",
    "perihilar region": "perihilar",
    "retrocardiac region": "retrocardiac",
    "suprahilar region": "suprahilar",
    "infrahilar region": "infrahilar",
    "lingula": "lingular",
    "clavicle": "clavicular",
    "humerus": "humeral",
    "scapula": "scapular",
    "sternum": "sternal",
}
_PLACE_BEFORE_NOUN = re.compile(r"\{region\}(?= (?!is |are |with |and |obscures |in |on )[a-z])")
_PLURALS = {
    "effusion": "effusions",
    "pneumothorax": "pneumothoraces",
    "opacity": "opacities",
    "fracture": "fractures",
    "nodule": "nodules",
}


class Writer:
    """Writes statements; the same statement, surroundings and chance give the same sentence."""

    def __init__(self, graph: ConceptGraph, naming: Naming) -> None:
        self._graph = graph
        self._naming = naming
        self._phrases: dict[tuple[str, Polarity], tuple[Phrase, ...]] = {}

    def write(
        self,
        statement: Statement,
        around: Surroundings,
        chance: random.Random,
        *,
        may_be_left_out: bool = False,
    ) -> Written | None:
        """The statement in full; None when the graph has no words for it.

        Args:
            may_be_left_out: rather say nothing than something that the rest of the report speaks against.
        """
        noun = self._noun_phrase(statement)
        strictness: Strictness = "unheard" if noun else "fitting" if may_be_left_out else "any"
        usable = self._usable(statement, around, strictness)
        best = max([*usable.values(), *([_worth_of(self._known(statement))] if noun else [])], default=0)
        # A severity left unsaid is no loss, and lets more phrases take their turn.
        told = [phrase for phrase, worth in usable.items() if worth >= best - 1]
        if told and not (noun and chance.random() < 1 / (len(told) + 1)):
            return self._written(chance.choice(told), statement, around)
        return self._written_noun(noun, statement, around, chance) if noun else None

    def write_short(
        self, statement: Statement, said: frozenset[str], around: Surroundings, chance: random.Random
    ) -> Written | None:
        """The statement as an impression has it, naming nothing that the findings do not name.

        Args:
            said: the concepts that the findings name for this statement.
        """
        noun = self._noun_phrase(statement)
        usable = {p: w for p, w in self._usable(statement, around, "any").items() if p.others <= said}
        if noun and (not usable or chance.random() < 0.7):
            return Written(finish_sentence(noun), frozenset({statement.concept}))
        if not usable:
            return self.write(statement, around, chance)
        best = max(usable.values())
        told = [phrase for phrase, worth in usable.items() if worth >= best - 1]
        shortest = sorted(told, key=lambda phrase: (len(phrase.template), phrase.template))[:3]
        written = [self._written(phrase, statement, around) for phrase in shortest]
        return chance.choice([w for w in written if w.text not in around.used] or written)

    def deny(
        self, concept_id: str, around: Surroundings, chance: random.Random, side: Side | None = None
    ) -> str | None:
        """That the concept is not there."""
        noun = self._graph.concept(concept_id).write.noun
        if noun and (around.is_terse or chance.random() < 0.25):
            return finish_sentence(f"No {noun}")
        written = self.write(Statement(concept=concept_id, polarity="absent", side=side), around, chance)
        return written.text if written else finish_sentence(f"No {noun}") if noun else None

    # --- choosing a phrase ------------------------------------------------------------------

    def _usable(
        self, statement: Statement, around: Surroundings, strictness: Strictness
    ) -> dict[Phrase, int]:
        """The best phrases that can say the statement here, each with how much of it they say."""
        known = self._known(statement)
        spoken = [
            phrase
            for phrase in self._phrases_of(statement.concept, statement.polarity)
            if phrase.slots <= known.keys() and not _other_side(phrase, statement)
        ]
        fitting = [phrase for phrase in spoken if self._fits(phrase, around)]
        chosen = [phrase for phrase in fitting if phrase.others.isdisjoint(around.named)]
        if strictness != "unheard":
            chosen = chosen or fitting
        if strictness == "fitting":
            chosen = [phrase for phrase in chosen if not self._is_elsewhere(phrase, statement)]
        elif strictness == "any":
            chosen = chosen or spoken
        return {phrase: self._worth(phrase, statement, around) for phrase in chosen}

    def _fits(self, phrase: Phrase, around: Surroundings) -> bool:
        """Whether what it says besides leaves the rest of the report alone, and stands beside it."""
        return phrase.sets <= around.allowed and all(
            around.named.isdisjoint(self._excluded.get(other, ())) for other in phrase.others
        )

    @cached_property
    def _excluded(self) -> dict[str, frozenset[str]]:
        return {concept: frozenset(self._graph.excluded(concept)) for concept in self._graph.concepts}

    def _worth(self, phrase: Phrase, statement: Statement, around: Surroundings) -> int:
        """How much of the statement a phrase says, less what it says otherwise."""
        worth = _worth_of(phrase.slots) + (not phrase.others.isdisjoint(around.signs))
        if statement.side in phrase.sides and not {"side", "bilateral"} & phrase.slots:
            worth += _WORTH["side"]
        if "region" not in phrase.slots and phrase.places and self._place(statement):
            worth += _ELSEWHERE if self._is_elsewhere(phrase, statement) else _WORTH["region"]
        return worth

    def _is_elsewhere(self, phrase: Phrase, statement: Statement) -> bool:
        """Whether a phrase names places of its own, and none of them near the statement's."""
        place = self._place(statement)
        if place is None or not phrase.places or "region" in phrase.slots:
            return False
        return not any(self._are_near(place, own) for own in phrase.places)

    def _are_near(self, a: str, b: str) -> bool:
        """Whether a reader would take one place for the other: the same, a part of it, or next to it."""
        first, second = self._graph.regions[a], self._graph.regions[b]
        return a == b or b in (*first.part_of, *first.overlaps) or a in (*second.part_of, *second.overlaps)

    def _known(self, statement: Statement) -> dict[str, str]:
        """What can be put into the slots."""
        known: dict[str, str] = {}
        region = self._place(statement)
        sides = self._graph.regions[region].sides if region else "both"
        if statement.side in ("left", "right") and sides != "none":
            known["side"] = statement.side
        if statement.side == "bilateral":
            known["bilateral"] = "bilateral"
        if region and not (region == "lung" and "side" not in known):
            known["region"] = self._graph.regions[region].label
        # The reader takes "borderline" for a doubt, as the CheXpert labeler does.
        if statement.severity and statement.severity != "borderline":
            known["severity"] = statement.severity
        return known

    def _place(self, statement: Statement) -> str | None:
        region = statement.region
        return region if region in self._graph.regions and region not in _NO_PLACES else None

    # --- writing ------------------------------------------------------------------------------

    def _written(self, phrase: Phrase, statement: Statement, around: Surroundings) -> Written:
        known = self._known(statement)
        text = phrase.template
        if "region" in known:
            adjective = _AS_ADJECTIVES.get(known["region"], known["region"])
            text = _PLACE_BEFORE_NOUN.sub(adjective, text)
        text = finish_sentence(_SLOT.sub(lambda slot: known[slot[1]], text))
        if around.is_terse:
            text = _tersely(text)
        return Written(text, phrase.others | {statement.concept})

    def _written_noun(
        self, noun: str, statement: Statement, around: Surroundings, chance: random.Random
    ) -> Written:
        """The noun phrase in a frame: "There is a …", "… is present"."""
        verb = "are" if is_plural(noun) else "is"
        article = "a " if verb == "is" and noun.split()[-1] in _PLURALS else ""
        frames = (
            f"There {verb} {article}{noun}",
            f"{article}{noun} {verb} {chance.choice(_SEEN)}",
        )
        text = noun if around.is_terse else chance.choice(frames)
        return Written(finish_sentence(text), frozenset({statement.concept}))

    def _noun_phrase(self, statement: Statement) -> str | None:
        """The finding's noun with its degree and place: "small left apical pneumothorax"."""
        noun = self._graph.concept(statement.concept).write.noun
        if statement.concept not in _TOLD_BY_NOUN or statement.polarity != "present" or not noun:
            return None
        known = self._known(statement)
        region = known.get("region", "")
        place = _AS_ADJECTIVES.get(region, region)
        if statement.concept not in _TOLD_BY_PLACE or place not in _PLACES_BEFORE_NOUN:
            place = ""
        if place:
            noun = re.sub(r"^(?:focal |lung |pulmonary )+", "", noun)
        if statement.side == "bilateral":
            noun = re.sub(r"\w+$", lambda last: _PLURALS.get(last[0], last[0]), noun)
        words = (known.get("severity"), known.get("side") or known.get("bilateral"), place, noun)
        return " ".join(word for word in words if word)

    # --- the phrases of a concept -------------------------------------------------------------

    def _phrases_of(self, concept_id: str, polarity: Polarity) -> tuple[Phrase, ...]:
        key = (concept_id, polarity)
        if key not in self._phrases:
            concept = self._graph.concept(concept_id)
            templates = getattr(concept.write, polarity)
            self._phrases[key] = tuple(
                self._phrase(concept, template) for template in templates if not _COMPARING.search(template)
            )
        return self._phrases[key]

    def _phrase(self, concept: Concept, template: str) -> Phrase:
        bare = _SLOT.sub("", template)
        kin = {concept.id, *self._graph.ancestors(concept.id)}
        others = self._naming.named_in(bare) - kin
        if "cardiomediastinal silhouette" in bare:
            # The reader, as the CheXpert labeler, takes it for the heart's size as well.
            others |= {"fnd_cardiomegaly"} & self._graph.concepts.keys() - kin
        places = [region for region in self._graph.file.regions if _names(bare, region)]
        fixed = frozenset(region.sides for region in places if region.sides in ("left", "right"))
        return Phrase(
            template=template,
            slots=frozenset(_SLOT.findall(template)),
            others=others,
            sets=frozenset(finding for other in others for finding in self._sets(other)),
            places=frozenset(region.id for region in places),
            sides=_sides_of(bare) | fixed,
        )

    def _sets(self, concept_id: str) -> Iterable[str]:
        for kin in (concept_id, *self._graph.ancestors(concept_id)):
            if kin in FINDING_LABELS:
                yield kin
            yield from self._graph.concept(kin).sets_labels


# Findings whose noun makes a sentence of its own; a lesion or a device needs to be told what it is.
_TOLD_BY_NOUN = frozenset(FINDING_LABELS) - {NO_FINDING, SUPPORT_DEVICES, "fnd_lung_lesion"}
_TOLD_BY_PLACE = _TOLD_BY_NOUN - {
    "fnd_cardiomegaly",
    "fnd_edema",
    "fnd_enlarged_cardiomediastinum",
    "fnd_pleural_effusion",
}
_PLACES_BEFORE_NOUN = frozenset(_AS_ADJECTIVES.values()) | {
    "lower lobe",
    "lower zone",
    "mid zone",
    "middle lobe",
    "rib",
    "upper lobe",
    "upper zone",
}
_SEEN = ("present", "seen", "noted", "identified")


def _names(text: str, region: Region) -> bool:
    return region.id not in _NO_PLACES and any(
        re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) for word in region.words
    )


def _sides_of(text: str) -> frozenset[Side]:
    found = {side.lower() for side in _ONE_SIDE.findall(text)}
    if _BOTH_SIDES.search(text):
        found.add("bilateral")
    return frozenset(side for side in get_args(Side) if side in found)


def _other_side(phrase: Phrase, statement: Statement) -> bool:
    return bool(phrase.sides and statement.side and statement.side not in phrase.sides)


def _worth_of(slots: Iterable[str]) -> int:
    return sum(_WORTH[slot] for slot in slots)


_WORTH = {"side": 4, "bilateral": 4, "region": 2, "severity": 1}
_ELSEWHERE = -3


_THERE_IS = re.compile(r"^There (?:is|are) (?:an? )?(?=\w)", re.IGNORECASE)
_IS_SEEN = re.compile(
    r"^(?:An? )?([^,]+) (?:is|are) (?:present|seen|noted|identified|visible)\.$", re.IGNORECASE
)


def _tersely(text: str) -> str:
    """The sentence without its "there is" and "is present"."""
    found = _IS_SEEN.match(text)
    if found and not re.search(r"\b(?:is|are)\b", found[1]):
        return finish_sentence(found[1])
    return finish_sentence(_THERE_IS.sub("", text))


def list_denials(nouns: Sequence[str]) -> str:
    """One sentence that denies several things."""
    spoken = [lower_first(noun) for noun in nouns]
    if len(spoken) < 3:
        return finish_sentence("No " + " or ".join(spoken))
    return finish_sentence(f"No {', '.join(spoken[:-1])}, or {spoken[-1]}")

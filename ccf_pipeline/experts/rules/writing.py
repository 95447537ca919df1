"""Statement → sentence: which of the graph's phrases says most of it and least besides."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ccf_pipeline.experts.rules.anatomy import adjective, are_far, are_near, place_of
from ccf_pipeline.experts.rules.grammar import FRAMES, finish_sentence, lower_first, words_in
from ccf_pipeline.experts.rules.manner import Manner, reframed
from ccf_pipeline.experts.rules.naming import Naming
from ccf_pipeline.experts.rules.nouns import NounPhrase, kind_phrase, noun_phrase
from ccf_pipeline.experts.rules.phrases import SLOT, Phrase, PhraseBook
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import Side, Statement

Strictness = Literal["unheard", "fitting", "any"]
"""Besides its statement a phrase may name: nothing the report names, nothing it excludes, or anything."""

# What it is worth to tell a slot. A severity left unsaid is no loss, and lets more phrases take their turn.
WORTH = {"side": 4, "bilateral": 4, "region": 2, "severity": 1}
ELSEWHERE, WRONG_KIND, TELLS_A_SIGN = -3, -2, 1
NOUN_SHARE = 0.55
NOUN_SHARE_IN_DENIALS = 0.25


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The report that a sentence is written into."""

    named: frozenset[str]
    """Concepts that the rest of the report names: better not spoken of a second time."""
    allowed: frozenset[str]
    """Findings that the sentence may set; any other would change what the plan leaves alone."""
    is_terse: bool
    signs: frozenset[str] = frozenset()
    """Signs that are to be told as well: a phrase that has one spares a sentence."""
    used: frozenset[str] = frozenset()
    """Sentences that were written for another section."""
    degree_matters: bool = False
    """Whether the degree must be told, because it is what differs."""
    manner: Manner | None = None
    """How the section frames its statements; None leaves a phrase as the graph has it."""


@dataclass(frozen=True)
class Written:
    """A sentence, and the concepts that it names."""

    text: str
    named: frozenset[str]


class Writer:
    """Writes statements; the same statement, surroundings and chance give the same sentence."""

    def __init__(self, graph: ConceptGraph, naming: Naming) -> None:
        self._graph = graph
        self._book = PhraseBook(graph, naming)

    def write(self, statement: Statement, around: Surroundings, chance: random.Random) -> Written | None:
        """The statement in full; None when the graph has no words for it."""
        noun = noun_phrase(statement, self._fill_slots(statement), self._graph)
        usable = self._find_usable(statement, around, "unheard" if noun else "any")
        best = max([*usable.values(), *([_score_slots(noun.slots)] if noun else [])], default=0)
        told = [phrase for phrase, worth in usable.items() if worth >= best - 1]
        if told and not (noun and chance.random() < NOUN_SHARE):
            return self._write_phrase(_draw_phrase(told, chance), statement, around, chance)
        return _write_noun(noun, statement, around, chance) if noun else None

    def write_sign(
        self, sign: Statement, finding: Statement, around: Surroundings, chance: random.Random
    ) -> Written | None:
        """A sign of a finding; None rather than something that the rest of the report speaks against."""
        usable = [
            phrase
            for phrase in self._find_usable(sign, around, "fitting")
            if not self._is_elsewhere(phrase, sign)
            and not any(are_far(finding.region or "", place) for place in phrase.places)
        ]
        return self._write_phrase(_draw_phrase(usable, chance), sign, around, chance) if usable else None

    def write_short(
        self, statement: Statement, said: frozenset[str], around: Surroundings, chance: random.Random
    ) -> Written | None:
        """The statement as an impression has it, naming nothing that the findings do not name.

        Args:
            said: the concepts that the findings name for this statement.
        """
        known = self._fill_slots(statement)
        noun = noun_phrase(statement, known, self._graph) or kind_phrase(statement, said, known, self._graph)
        if noun:
            text = _match_manner(finish_sentence(noun.text), around, chance)
            return Written(text, frozenset({statement.concept}))
        usable = self._find_usable(statement, around, "any")
        close = {p: w for p, w in usable.items() if p.others <= said and not self._is_elsewhere(p, statement)}
        told = [phrase for phrase, worth in close.items() if worth >= max(close.values()) - 1]
        shortest = sorted(told, key=lambda phrase: (len(phrase.template), phrase.template))[:3]
        written = [self._write_phrase(phrase, statement, around, chance) for phrase in shortest]
        fresh = [sentence for sentence in written if sentence.text not in around.used]
        return chance.choice(fresh or written) if written else self.write(statement, around, chance)

    def deny(
        self, concept_id: str, around: Surroundings, chance: random.Random, side: Side | None = None
    ) -> str | None:
        """Write that the concept is not there."""
        noun = self._graph.concept(concept_id).write.noun
        if noun and (around.is_terse or chance.random() < NOUN_SHARE_IN_DENIALS):
            return finish_sentence(f"No {noun}")
        written = self.write(Statement(concept=concept_id, polarity="absent", side=side), around, chance)
        return written.text if written else finish_sentence(f"No {noun}") if noun else None

    def restate(
        self,
        statement: Statement,
        around: Surroundings,
        chance: random.Random,
        words: frozenset[str] | None = None,
    ) -> str | None:
        """The statement with all that is known of it and nothing else; None where no phrase does that.

        Args:
            words: those that a phrase may use besides what its concept is called and the frames of sentences.
        """
        known = self._fill_slots(statement)
        if statement.severity and "severity" not in known:
            return None
        noun = noun_phrase(statement, known, self._graph)
        if noun is not None and noun.slots != known.keys():
            noun = None
        # "The lungs are clear" names a place and both sides, but no more than is meant.
        is_normal = self._graph.concept(statement.concept).kind == "normal_state" and not known
        exact = [
            phrase
            for phrase in self._book.phrases_of(statement.concept, statement.polarity)
            if phrase.slots == known.keys()
            and not (phrase.others or (not is_normal and (phrase.places or phrase.sides)))
            and not _ADDS.search(phrase.template)
            and (
                words is None
                or self._read_content(phrase.template) <= words | self._find_names(statement.concept)
            )
        ]
        if exact and not (noun and chance.random() < NOUN_SHARE):
            return self._write_phrase(_draw_phrase(exact, chance), statement, around, chance).text
        return _write_noun(noun, statement, around, chance).text if noun else None

    def _read_content(self, template: str) -> frozenset[str]:
        return words_in(SLOT.sub("", template)) - FRAMES

    def _find_names(self, concept_id: str) -> frozenset[str]:
        concept = self._graph.concept(concept_id)
        return words_in(f"{concept.label} {concept.write.noun}")

    # --- choosing a phrase ------------------------------------------------------------------

    def _find_usable(
        self, statement: Statement, around: Surroundings, strictness: Strictness
    ) -> dict[Phrase, int]:
        """The best phrases that can say the statement here, each with how much of it they say."""
        known = self._fill_slots(statement)
        spoken = [
            phrase
            for phrase in self._book.phrases_of(statement.concept, statement.polarity)
            if phrase.slots <= known.keys() and not _has_other_side(phrase, statement)
        ]
        if around.degree_matters and "severity" in known:
            spoken = [phrase for phrase in spoken if "severity" in phrase.slots]
        fitting = [phrase for phrase in spoken if self._fits(phrase, around)]
        chosen = [phrase for phrase in fitting if phrase.others.isdisjoint(around.named)]
        if strictness != "unheard":
            chosen = chosen or fitting
        if strictness == "any":
            chosen = chosen or spoken
        return {phrase: self._score_phrase(phrase, statement, around) for phrase in chosen}

    def _fits(self, phrase: Phrase, around: Surroundings) -> bool:
        """True if what it says besides leaves the rest of the report alone, and stands beside it."""
        return phrase.sets <= around.allowed and all(
            around.named.isdisjoint(self._excluded.get(other, ())) for other in phrase.others
        )

    @cached_property
    def _excluded(self) -> dict[str, frozenset[str]]:
        return {concept: frozenset(self._graph.excluded(concept)) for concept in self._graph.concepts}

    def _score_phrase(self, phrase: Phrase, statement: Statement, around: Surroundings) -> int:
        """Return how much of the statement a phrase says, less what it says otherwise."""
        worth = _score_slots(phrase.slots)
        if statement.side in phrase.sides and not {"side", "bilateral"} & phrase.slots:
            worth += WORTH["side"]
        if not phrase.others.isdisjoint(around.signs):
            worth += TELLS_A_SIGN
        if self._is_elsewhere(phrase, statement):
            worth += ELSEWHERE
        elif phrase.places and "region" not in phrase.slots and place_of(statement.region, self._graph):
            worth += WORTH["region"]
        return worth + (WRONG_KIND if self._is_wrong_kind(phrase, statement) else 0)

    def _is_elsewhere(self, phrase: Phrase, statement: Statement) -> bool:
        """True if a phrase names places of its own, and none of them near the statement's."""
        place = place_of(statement.region, self._graph)
        if place is None or not phrase.places or "region" in phrase.slots:
            return False
        return not any(are_near(place, self._graph.regions[own]) for own in phrase.places)

    def _is_wrong_kind(self, phrase: Phrase, statement: Statement) -> bool:
        """True if it names a kind that is never so severe or so slight: a mass is not tiny."""
        if statement.severity is None:
            return False
        kinds = phrase.others.intersection(self._graph.descendants(statement.concept))
        graded = [self._graph.concept(kind).severities for kind in kinds]
        return any(severities and statement.severity not in severities for severities in graded)

    def _fill_slots(self, statement: Statement) -> dict[str, str]:
        """Return what can be put into the slots."""
        known: dict[str, str] = {}
        region = place_of(statement.region, self._graph)
        if statement.side in ("left", "right") and (region is None or region.sides != "none"):
            known["side"] = statement.side
        if statement.side == "bilateral":
            known["bilateral"] = "bilateral"
        if region and not (region.id == "lung" and "side" not in known):
            known["region"] = region.label
        # The reader takes "borderline" for a doubt, as the CheXpert labeler does.
        if statement.severity and statement.severity != "borderline":
            known["severity"] = statement.severity
        return known

    # --- writing ------------------------------------------------------------------------------

    def _write_phrase(
        self, phrase: Phrase, statement: Statement, around: Surroundings, chance: random.Random
    ) -> Written:
        known = self._fill_slots(statement)
        region = place_of(statement.region, self._graph)
        before_noun = (adjective(region) or region.label) if region else ""
        text = _PLACE_BEFORE_NOUN.sub(before_noun, phrase.template)
        text = finish_sentence(SLOT.sub(lambda slot: known[slot[1]], text))
        return Written(_match_manner(text, around, chance), phrase.others | {statement.concept})


# Words by which a phrase says more of its concept than that it is there.
_ADDS = re.compile(
    r"\b(?:with|without|consistent|best|its|than|increased|greater|more|most|likely|represent\w*|reflect\w*)\b|,",
    re.IGNORECASE,
)
_PLACE_BEFORE_NOUN = re.compile(r"\{region\}(?= (?!is |are |with |and |obscures |in |on )[a-z])")


def _draw_phrase(phrases: Sequence[Phrase], chance: random.Random) -> Phrase:
    """One of the phrases, the short ones oftener: reports seldom say much of one finding."""
    return chance.choices(phrases, weights=[len(phrase.template.split()) ** -1.5 for phrase in phrases])[0]


def _has_other_side(phrase: Phrase, statement: Statement) -> bool:
    return bool(phrase.sides and statement.side and statement.side not in phrase.sides)


def _score_slots(slots: Iterable[str]) -> int:
    return sum(WORTH[slot] for slot in slots)


def _write_noun(
    noun: NounPhrase, statement: Statement, around: Surroundings, chance: random.Random
) -> Written:
    text = finish_sentence(noun.text) if around.is_terse else noun.in_a_sentence(chance)
    return Written(_match_manner(text, around, chance), frozenset({statement.concept}))


def _match_manner(text: str, around: Surroundings, chance: random.Random) -> str:
    """The sentence as this report would have it."""
    text = shortened(text) if around.is_terse else text
    return reframed(text, around.manner, chance) if around.manner else text


_THERE_IS = re.compile(r"^There (?:is|are) (?:an? )?(?=\w)", re.IGNORECASE)
_IS_SEEN = re.compile(
    r"^(?:An? )?([^,]+) (?:is|are) (?:present|seen|noted|identified|visible)\.$", re.IGNORECASE
)


def shortened(text: str) -> str:
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

"""Refuse plans that a report contradicts: what would stay says again what goes, or denies what comes.

Such a counterfactual would be wrong in whatever words it is written, so another change of the study is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ccf_pipeline.counterfactual.plan.continuing import EXPLAINS
from ccf_pipeline.counterfactual.plan.removal import abnormal_concepts, signs_of
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import find_anaphors
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, SUPPORT_DEVICES, Mention, Plan, Sentence, Study

UNCHANGED = "att_unchanged"
DISEASES = frozenset(FINDING_LABELS) - {NO_FINDING, SUPPORT_DEVICES}

_HEART = re.compile(r"\b(?:heart|cardiac|cardiomediastin\w+|mediastin\w+)\b", re.IGNORECASE)
# De-identification blanks organs, too: of these only bones are called intact.
_BLANK_INTACT = re.compile(r"(?:X{3,}|_{2,})[^.;,]*\bintact\b", re.IGNORECASE)
# What presses on a lung, and what lies beside another thing.
_OF_ANOTHER = re.compile(
    r"\b(?:compressive|passive|relaxation|accompanying|superimposed|surrounding|adjacent(?! to)"
    r"|associated(?! with))\b",
    re.IGNORECASE,
)
_VAGUE = re.compile(
    r"\b(?:changes?|findings?|abnormalit\w+|process(?:es)?|disease|densit\w+)\b", re.IGNORECASE
)
_LIMB = re.compile(
    r"\b(?:hip|pelvi[cs]|femur|femoral|knee|tibia\w*|ankle|foot|hand|wrist|elbow|radius|ulna|scaphoid"
    r"|metacarp\w+)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:no|not|without|free|clear|normal|negative|unremarkable)\b", re.IGNORECASE)


def is_sound(plan: Plan, study: Study, reading: Reading, graph: ConceptGraph) -> bool:
    """True if what a plan leaves of the report neither tells what goes nor speaks against what comes."""
    case = _Case(plan, study, reading, graph)
    if plan.direction in ("add", "swap") and case.denies_target():
        return False
    return not (case.going and (case.has_shadow() or case.has_untold_ground() or case.has_orphan()))


@dataclass(frozen=True)
class _Case:
    plan: Plan
    study: Study
    reading: Reading
    graph: ConceptGraph

    @cached_property
    def leaving(self) -> tuple[str, ...]:
        """The findings that go; to No Finding all goes, and nothing of it can be told elsewhere."""
        if self.plan.target == NO_FINDING or self.plan.direction not in ("remove", "swap"):
            return ()
        gone = (self.plan.target,) if self.plan.direction == "remove" else self.plan.swap_from
        return tuple(finding for finding in gone if finding in DISEASES)

    @cached_property
    def going(self) -> list[Mention]:
        """Where the findings that go are told, by name, by kind, or by what sets them, as a scar does."""
        kinds, concept = self.kinds, self.graph.concept
        return [
            m
            for m in self.plan.must_cease
            if m.polarity != "absent"
            and (m.concept in kinds or not kinds.isdisjoint(concept(m.concept).sets_labels))
        ]

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The findings that go, and every kind of them."""
        return frozenset(kind for f in self.leaving for kind in (f, *self.graph.descendants(f)))

    @cached_property
    def staying(self) -> list[Mention]:
        """What the report still tells or doubts."""
        gone = set(map(id, self.plan.must_cease))
        return [
            m
            for m in self.reading.mentions
            if id(m) not in gone and m.polarity != "absent" and m.temporality not in ("prior", "resolved")
        ]

    # --- what comes -------------------------------------------------------------------------------

    def denies_target(self) -> bool:
        """True if the report calls the organ of the target stable or, its name blanked, intact."""
        region = next(iter(self.graph.concept(self.plan.target).regions), None)
        if region == "bones":
            return _BLANK_INTACT.search(self.study.text) is not None
        if region not in ("heart", "mediastinum"):
            return False
        changed = {m.sentence for m in self.plan.must_cease}
        stable = {m.sentence for m in self.reading.of(UNCHANGED) if m.polarity == "present"}
        return any(
            sentence.number in stable - changed and _HEART.search(sentence.text)
            for sentence in self.study.sentences
        )

    # --- what goes --------------------------------------------------------------------------------

    def has_shadow(self) -> bool:
        """True if one section would still tell what the other had for the finding that goes.

        "Consolidation" in the findings is the "airspace disease" of the impression: it cannot go alone. Told
        with what stays ("opacities, likely atelectasis") the finding may go: those words stay in its place.
        """
        shadows = [m for m in self.staying if self._is_shadow(m)]
        shadows += [m for m in self.reading.mentions if m.temporality == "prior" and m.concept in self.kinds]
        if not shadows:
            return self._is_told_otherwise()
        for told in self.going:
            there = {m.sentence for m in shadows if self.graph.overlaps((told.side, None), (m.side, None))}
            if there and told.sentence not in there:
                return True
        return False

    def _is_shadow(self, mention: Mention) -> bool:
        shown = {kind for finding in self.leaving for kind in shown_as(self.graph, finding)}
        if mention.concept not in shown:
            return False
        if self.plan.direction != "swap" or mention.concept not in shown_as(self.graph, self.plan.target):
            return True
        # What comes shows the same way, where it is told at the same place.
        return not any(
            told.region and self.graph.overlaps((told.side, told.region), (mention.side, mention.region))
            for told in self.plan.must_appear[:1]
        )

    def _is_told_otherwise(self) -> bool:
        """True if a sentence that the graph has no words for tells of something at the finding's very place.

        "Chronic changes in the left base", "a lucency through the right twelfth rib".
        """
        abnormal = abnormal_concepts(self.graph)
        telling = {m.sentence for m in self.reading.mentions if m.concept in abnormal}
        places = {(m.side, m.region) for m in self.going if m.side and m.region}
        return any(
            not _DENIED.search(sentence.text)
            and any(_names_place(sentence.text, side, region, self.graph) for side, region in places)
            for sentence in self.study.sentences
            if sentence.number not in telling
        )

    def has_untold_ground(self) -> bool:
        """True if "findings are concerning for fracture" rests on what would stay.

        What it describes has no name in the graph, or another one: a "density, likely a healing fracture" is
        no density once the fracture is gone.
        """
        known = {(one.sentence, one.start) for one in self.plan.dependents}
        for sentence in self._find_sentences(self.going):
            for clause in find_anaphors(sentence.text):
                start, end = sentence.start + clause.start, sentence.start + clause.end
                if clause.kind != "cause" or not clause.is_generic or (sentence.number, start) in known:
                    continue
                if any(start <= m.start < end for m in self.going):
                    return True
            link = EXPLAINS.search(sentence.text)
            head = sentence.start + link.start() if link else sentence.start
            if self._explains_another([m for m in self._told_in(sentence) if m.start < head], sentence, head):
                return True
        return False

    def _explains_another(self, before: list[Mention], sentence: Sentence, head: int) -> bool:
        """True if what goes only explains the head of its sentence, and that is not how it is seen."""
        if head == sentence.start or any(
            m.sentence == sentence.number and m.start < head for m in self.going
        ):
            return False
        shown = {kind for finding in self.leaving for kind in shown_as(self.graph, finding)}
        signs = {sign for finding in self.leaving for sign in signs_of(self.graph, finding)}
        return not any(m.concept in shown | signs for m in before)

    def _told_in(self, sentence: Sentence) -> list[Mention]:
        return [m for m in self.reading.mentions if m.sentence == sentence.number and m.polarity != "absent"]

    def has_orphan(self) -> bool:
        """True if a word of what stays ties it to what goes: "compressive atelectasis", the effusion gone."""
        if self._is_of_a_limb():
            return True
        told = {m.sentence for m in self.going}
        falling = [(one.start, one.end) for one in self.plan.dependents if one.goes]
        ceasing = [(m.start, m.end) for m in self.plan.must_cease]
        ceasing_only = told - {m.sentence for m in self.staying}
        for sentence in self.study.sentences:
            if not told & {sentence.number, sentence.number - 1} or sentence.number in ceasing_only:
                continue
            for word in _OF_ANOTHER.finditer(sentence.text):
                at = sentence.start + word.start()
                if not any(start <= at < end for start, end in (*falling, *ceasing)):
                    return True
        return False

    def _is_of_a_limb(self) -> bool:
        """True if a break that goes may be one outside the chest, of which the graph knows nothing."""
        return "fnd_fracture" in self.leaving and _LIMB.search(self.study.text) is not None

    def _find_sentences(self, mentions: list[Mention]) -> Iterator[Sentence]:
        numbers = {mention.sentence for mention in mentions}
        return (sentence for sentence in self.study.sentences if sentence.number in numbers)


@lru_cache(maxsize=64)
def shown_as(graph: ConceptGraph, finding: str) -> frozenset[str]:
    """Return what a finding is seen as or a kind of, and the words for that: an opacity for a pneumonia."""
    seen = {r.target for r in graph.relations_of(finding) if r.kind == "variant" and r.source == finding}
    above = {*graph.ancestors(finding), *(one for one in seen if one in FINDING_LABELS)}
    own = {finding, *graph.descendants(finding)}
    words = {
        kind
        for finding_above in above
        for kind in graph.descendants(finding_above)
        if graph.concept(kind).kind == "attribute" and kind in signs_of(graph, finding_above)
    }
    # A granuloma is a nodule by another name.
    words |= {r.source for kind in own for r in graph.relations_of(kind) if r.kind == "variant"}
    return frozenset((above | words) - own)


def _names_place(text: str, side: str | None, region: str | None, graph: ConceptGraph) -> bool:
    words = graph.regions[region or ""].words
    sides = r"both|bilateral|bi[ab]\w+" if side == "bilateral" else side or ""
    has_side = re.search(rf"\b(?:{sides})", text, re.IGNORECASE)
    return bool(has_side) and any(re.search(rf"\b{re.escape(word)}", text, re.IGNORECASE) for word in words)

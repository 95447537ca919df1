"""Refuse plans that a report contradicts: what would stay says again what goes, or denies what comes.

Nor may what goes take along what no finding needs, or leave words that only went on from it.

Such a counterfactual would be wrong in whatever words it is written, so another change of the study is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ccf_pipeline.counterfactual.plan.continuing import EXPLAINS
from ccf_pipeline.counterfactual.plan.removal import DISEASES, abnormal_concepts, signs_of
from ccf_pipeline.counterfactual.plan.study_states import HEART, UNCHANGED
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import find_anaphors
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, Mention, Plan, Sentence, Study

# De-identification blanks organs, too: of these only bones are called intact.
_BLANK_INTACT = re.compile(r"(?:X{3,}|_{2,})[^.;,]*\bintact\b", re.IGNORECASE)
# What presses on a lung, and what lies beside another thing.
_OF_ANOTHER = re.compile(
    r"\b(?:compressive|passive|relaxation|accompanying|superimposed|surrounding|adjacent(?! to)"
    r"|associated(?! with)|(?:remainder|rest) of)\b",
    re.IGNORECASE,
)
# What only goes on from the sentence before it, though it names nothing: a call, a comparison.
_GOES_ON = re.compile(
    r"\bthe (?:above )?findings?\b|\A[\d.\s]*(?:X{3,}|_{2,})\s+since\b|\bDr\b"
    r"|\bfurther (?:work-?up|evaluation|assessment|imaging)\b",
    re.IGNORECASE,
)
# "There is redemonstration without change of an effusion": of such a sentence a stump would stay.
_OPEN_NOUN = re.compile(
    r"\bthere (?:is|are|has been) (?:\w+ )?(?:redemonstration|development|progression|visualization)"
    r"(?! of| in)\b",
    re.IGNORECASE,
)
_SHIFT = re.compile(r"\bshift(?:ed|ing)?\b", re.IGNORECASE)
_SHIFTS = frozenset({"att_shift_away", "att_shift_toward"})
# Where nothing of the graph tells it: what is as abnormal as a finding, and none of the fourteen.
_ANOTHER_THING = re.compile(
    r"\b(?:calcifications|post-?(?:operative|surgical)|degenerative|curvature|hardware|prosthe\w+)\b",
    re.IGNORECASE,
)
_TIES = frozenset({"is_a", "sign_of", "cause_of", "variant", "modifier"})
# The part of a name that its other forms share: of "pneumonia", "parapneumonic".
_STEM = re.compile(r"[a-z]{5,}?(?=(?:ia|ions?|ur(?:e|es)|a|is|ening|y|ies)\b)", re.IGNORECASE)
_SIDE = re.compile(r"\b(?:left|right|bilateral)\b", re.IGNORECASE)
_BONES = ("rib", "clavicle", "scapula", "humerus")
_LIMB = re.compile(
    r"\b(?:hip|pelvi[cs]|femur|femoral|knee|tibia\w*|ankle|foot|hand|wrist|elbow|radius|ulna|scaphoid"
    r"|metacarp\w+)\b",
    re.IGNORECASE,
)
_WELL = re.compile(
    r"\b(?:no|without)\b[^.;,]*\b(?:abnormalit\w+|disease|process)\b|\b(?:normal|unremarkable)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:no|not|without|free|clear|normal|negative|unremarkable)\b", re.IGNORECASE)


def is_sound(plan: Plan, study: Study, reading: Reading, graph: ConceptGraph) -> bool:
    """True if what a plan leaves of the report neither tells what goes nor speaks against what comes."""
    case = _Case(plan, study, reading, graph)
    if plan.direction in ("add", "swap") and case.denies_target():
        return False
    if case.takes_another_along() or case.leaves_stump():
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
        if region and self._is_called_well(region):
            return True
        if region not in ("heart", "mediastinum"):
            return False
        changed = {m.sentence for m in self.plan.must_cease}
        stable = {m.sentence for m in self.reading.of(UNCHANGED) if m.polarity == "present"}
        return any(
            sentence.number in stable - changed and HEART.search(sentence.text)
            for sentence in self.study.sentences
        )

    def _is_called_well(self, region: str) -> bool:
        """True if a sentence stays that finds nothing at the target's place in words of no concept of it."""
        concept = self.graph.concept
        read = {
            m.sentence
            for m in self.reading.mentions
            if not m.implied_by and region in (concept(m.concept).regions or (region,))
        }
        return any(
            _WELL.search(sentence.text) and _names_place(sentence.text, None, region, self.graph)
            for sentence in self.study.sentences
            if sentence.number not in read and sentence.number not in self.plan.free_sentences
        )

    # --- whatever goes ----------------------------------------------------------------------------

    @cached_property
    def ceasing(self) -> list[Mention]:
        """Whatever the report tells or doubts and the counterfactual does not."""
        abnormal = abnormal_concepts(self.graph)
        return [m for m in self.plan.must_cease if m.polarity != "absent" and m.concept in abnormal]

    @cached_property
    def emptied(self) -> set[int]:
        """The sentences of which all that is abnormal goes."""
        return {m.sentence for m in self.ceasing} - {m.sentence for m in self.telling}

    @cached_property
    def telling(self) -> list[Mention]:
        abnormal = abnormal_concepts(self.graph)
        return [m for m in self.staying if m.concept in abnormal]

    def takes_another_along(self) -> bool:
        """True if something goes that neither is nor shows a finding that goes, as a curved spine.

        To No Finding all that is abnormal goes.
        """
        if self.plan.target == NO_FINDING:
            return False
        gone = self.plan.swap_from if self.plan.direction == "swap" else (self.plan.target,)
        gone = () if self.plan.direction == "add" else gone
        own = {kind for finding in gone for kind in known_with(self.graph, finding)}
        falling = [(one.start, one.end) for one in self.plan.dependents if one.goes]
        spans = {(m.start, m.end) for m in self.ceasing if m.concept in own}
        for m in self.ceasing:
            if m.concept in own or m.implied_by or (m.start, m.end) in spans:
                continue
            if not any(start <= m.start < end for start, end in falling):
                return True
        return any(
            _ANOTHER_THING.search(self._blot(sentence))
            for sentence in self.study.sentences
            if sentence.number in self.emptied
        )

    def leaves_stump(self) -> bool:
        """True if words would stay that only went on from what goes, or only led to it."""
        falling = {one.sentence for one in self.plan.dependents if one.goes}
        on = {one.sentence for one in self.plan.dependents if not one.goes and not one.is_rewritten}
        read = {m.sentence for m in self.reading.mentions}
        before = None
        for sentence in self.study.sentences:
            number = sentence.number
            if number in self.emptied and _OPEN_NOUN.search(sentence.text):
                return True
            goes_on = number in on or (number not in read and _GOES_ON.search(sentence.text))
            if goes_on and number not in falling:
                if before and before.section == sentence.section and before.number in self.emptied:
                    return True
            elif number not in falling:
                before = sentence
        return False

    def _blot(self, sentence: Sentence) -> str:
        """Its text without what the reader knows of it."""
        text = list(sentence.text)
        for m in self.reading.mentions:
            if m.sentence == sentence.number:
                start, end = m.start - sentence.start, m.end - sentence.start
                text[start:end] = " " * (end - start)
        return "".join(text)

    # --- the findings that go ---------------------------------------------------------------------

    def has_shadow(self) -> bool:
        """True if one section would still tell what the other had for the finding that goes.

        "Consolidation" in the findings is the "airspace disease" of the impression: it cannot go alone. Told
        with what stays ("opacities, likely atelectasis") the finding may go: those words stay in its place.
        """
        if self._is_left_unsaid() or self._is_left_as_chronic():
            return True
        shadows = [m for m in self.staying if self._is_shadow(m)]
        shadows += [m for m in self.reading.mentions if m.temporality == "prior" and m.concept in self.kinds]
        if not shadows:
            return self._is_told_otherwise()
        for told in self.going:
            there = {m.sentence for m in shadows if self.graph.overlaps((told.side, None), (m.side, None))}
            if there and told.sentence not in there:
                return True
        return False

    def _is_left_unsaid(self) -> bool:
        """True if the findings would keep a sign of what goes of which the impression no longer knows."""
        graph = self.graph
        section = {sentence.number: sentence.section for sentence in self.study.sentences}
        signs = {one for gone in self.leaving for one in signs_of(graph, gone) | shown_as(graph, gone)}
        concluded = [m for m in self.going if section[m.sentence] == "impression"]
        known = [m for m in self.staying if section[m.sentence] == "impression" and m.concept in DISEASES]
        return any(
            section[m.sentence] != "impression"
            and m.concept in signs
            and m.side
            and any(m.side == told.side and _share_place(m, told, graph) for told in concluded)
            and not any(graph.overlaps((m.side, None), (other.side, None)) for other in known)
            for m in self.telling
        )

    def _is_left_as_chronic(self) -> bool:
        """True if markings go of which another sentence, or the other half of an "or", tells as fibrosis."""
        return "fnd_lung_opacity" in self.leaving and any(m.concept == "att_fibrosis" for m in self.staying)

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
        spoken_of = abnormal | {UNCHANGED}
        telling = {m.sentence for m in self.reading.mentions if m.concept in spoken_of}
        places = {(m.side, m.region) for m in self.going if m.side and m.region} | set(self._read_places())
        shifts = any(_SHIFTS & signs_of(self.graph, finding) for finding in self.leaving)
        return any(
            not _DENIED.search(sentence.text)
            and (
                (shifts and _SHIFT.search(sentence.text))
                or any(_names_place(sentence.text, side, region, self.graph) for side, region in places)
            )
            for sentence in self.study.sentences
            if sentence.number not in telling
        )

    def _read_places(self) -> Iterator[tuple[str | None, str]]:
        """Where the words around a finding that has no place of its own put it; the heart has one only."""
        for m in self.going:
            text = self.study.sentences[m.sentence - 1].text
            if m.concept == "fnd_fracture" and not m.side:
                for side in {word.lower() for word in _SIDE.findall(text)}:
                    yield from ((side, r) for r in _BONES if _names_place(text, side, r, self.graph))
            for region in self.graph.concept(m.concept).regions[:1]:
                if self.graph.regions[region].sides == "none" and m.concept in self.leaving:
                    yield None, region

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
        if self._is_of_a_limb() or self._is_named_in_another_word() or self._loses_place():
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

    def _is_named_in_another_word(self) -> bool:
        """True if a word that stays is made of the finding's name: "parapneumonic", "atelectatic"."""
        stems = {
            stem.group().lower()
            for m in self.going
            for stem in _STEM.finditer(self.study.text, m.start, m.end)
        }
        return any(
            re.search(rf"{stem}(?:ic|ous|ive|al|tic|ular)\b", text, re.IGNORECASE)
            for sentence in self.study.sentences
            if sentence.number not in self.emptied and not _DENIED.search(sentence.text)
            for text in [self._blot(sentence)]
            for stem in stems
        )

    def _loses_place(self) -> bool:
        """True if what stays of a sentence is placed only by what goes: "opacity, likely left pneumonia"."""
        shown = {kind for finding in self.leaving for kind in shown_as(self.graph, finding)}
        return any(
            m.concept in shown
            and not (m.side or m.region)
            and any(told.sentence == m.sentence and told.start > m.end and told.side for told in self.going)
            for m in self.staying
        )

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


def _share_place(one: Mention, other: Mention, graph: ConceptGraph) -> bool:
    return graph.overlaps((one.side, one.region), (other.side, other.region))


@lru_cache(maxsize=64)
def known_with(graph: ConceptGraph, finding: str) -> frozenset[str]:
    """Return all that may go with a finding: its kinds, what it is a kind of, its signs and their kinds."""
    kin = {finding, *graph.descendants(finding), *graph.ancestors(finding), *graph.other_names(finding)}
    signs = {sign for one in kin if one in FINDING_LABELS for sign in signs_of(graph, one)}
    signs |= {r.other(one) for one in kin for r in graph.relations_of(one) if r.kind in _TIES}
    signs |= {other for sign in signs for other in graph.other_names(sign)}
    return frozenset(kin | signs | shown_as(graph, finding))


def _names_place(text: str, side: str | None, region: str | None, graph: ConceptGraph) -> bool:
    words = graph.regions[region or ""].words
    sides = r"both|bilateral|bi[ab]\w+" if side == "bilateral" else side or ""
    has_side = re.search(rf"\b(?:{sides})", text, re.IGNORECASE)
    return bool(has_side) and any(re.search(rf"\b{re.escape(word)}", text, re.IGNORECASE) for word in words)

"""Plan → edit script: what becomes of each sentence, and where the new ones go."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ccf_pipeline.experts.rules.altering import exchange_words
from ccf_pipeline.experts.rules.anatomy import adjective, are_near
from ccf_pipeline.experts.rules.dependents import is_only_dependent
from ccf_pipeline.experts.rules.grammar import (
    BLANK,
    DENIED_OR_NORMAL,
    VERB,
    finish_sentence,
    lower_first,
    split_label,
)
from ccf_pipeline.experts.rules.manner import ALWAYS_GRADED, Grading, Manner, is_said, with_verb
from ccf_pipeline.experts.rules.naming import Naming
from ccf_pipeline.experts.rules.nouns import COUNTED
from ccf_pipeline.experts.rules.placing import (
    TITLES,
    body_of,
    body_of_sentence,
    has_title,
    is_remark,
    list_number,
    place_after,
)
from ccf_pipeline.experts.rules.remains import CannotCut, Remains, split_next_number
from ccf_pipeline.experts.rules.rewording import Reworder
from ccf_pipeline.experts.rules.writing import Surroundings, Writer, Written, shortened
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import (
    FINDING_LABELS,
    NO_FINDING,
    SUPPORT_DEVICES,
    EditScript,
    Plan,
    Prompt,
    Sentence,
    SentenceEdit,
    Statement,
)

ALL_CLEAR = "No acute cardiopulmonary process."
TERSE_SHARE = 0.6
PLAIN_SHARE = 0.8
WITHOUT_PLACE = frozenset({"fnd_cardiomegaly", "fnd_enlarged_cardiomediastinum", "fnd_edema"})
# So many removals leave nothing behind: as often as additions find no denial to take the place of.
SILENT_SHARE = 0.55
_AGE = re.compile(r"\b(?:old|healed|healing|remote|chronic)\b", re.IGNORECASE)
DENIAL = re.compile(r"\b(?:no|not|without|negative)\b", re.IGNORECASE)


class Scribe:
    """Writes edit scripts; everything that does not depend on a prompt is made once."""

    def __init__(self, graph: ConceptGraph) -> None:
        self.graph = graph
        self.naming = Naming(graph)
        self.writer = Writer(graph, self.naming)
        self.remains = Remains(graph)
        self.reworder = Reworder(graph, self.writer, self.remains)
        self._near: dict[str, re.Pattern[str]] = {}

    def write(self, prompt: Prompt, chance: random.Random) -> EditScript:
        """The edits that a plan asks for; none where a sentence would not be whole without what goes."""
        exchanged = exchange_words(prompt, self.graph) if prompt.plan.direction == "alter" else None
        if exchanged is not None:
            return EditScript(edits=tuple(exchanged))
        draft = _Draft(self, prompt, chance)
        try:
            for section in dict.fromkeys(sentence.section for sentence in prompt.sentences):
                draft.edit_section(section)
        except CannotCut:
            return EditScript(edits=())
        return EditScript(edits=tuple(draft.edits))

    def reword(self, prompt: Prompt, chance: random.Random) -> EditScript:
        """Return what a plan changes, as it is, in the words that its counterfactual is written in."""
        draft = _Draft(self, prompt, chance)
        try:
            return self.reworder.write(prompt, draft.around, draft.rests, chance)
        except CannotCut:
            return EditScript(edits=())

    def words_near(self, region_id: str) -> re.Pattern[str]:
        """The words for a place and for those that a reader would take for it."""
        if region_id not in self._near:
            place = self.graph.regions[region_id]
            near = [region for region in self.graph.file.regions if are_near(place, region)]
            words = [word for region in near for word in (*region.words, adjective(region)) if word]
            self._near[region_id] = re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})", re.IGNORECASE)
        return self._near[region_id]

    @cached_property
    def harmless(self) -> frozenset[str]:
        """Return what may be named in a report of a healthy chest."""
        normal = {state.id for state in self.graph.normal_states}
        return frozenset({SUPPORT_DEVICES, *self.graph.descendants(SUPPORT_DEVICES), *normal})


@dataclass
class _Draft:
    """One script in the making."""

    scribe: Scribe
    prompt: Prompt
    chance: random.Random
    edits: list[SentenceEdit] = field(default_factory=list)
    named: frozenset[str] = frozenset()
    """The concepts that the sentences written so far name."""
    used: frozenset[str] = frozenset()
    """The sentences written so far."""

    @property
    def plan(self) -> Plan:
        return self.prompt.plan

    @cached_property
    def rests(self) -> dict[int, str]:
        """Return what is left of each free sentence."""
        return self.scribe.remains.of_prompt(self.prompt)

    @cached_property
    def is_terse(self) -> bool:
        """True if the report is written in fragments: "No effusion."."""
        texts = [sentence.text for sentence in self.prompt.sentences]
        return sum(VERB.search(text) is None for text in texts) > TERSE_SHARE * len(texts)

    def edit_section(self, section: str) -> None:
        """Take out what ceases, and put what appears where it belongs."""
        sentences = [sentence for sentence in self.prompt.sentences if sentence.section == section]
        free = [sentence for sentence in sentences if sentence.number in self.rests]
        new = self._write_new_sentences(section, sentences)
        if new and section == "impression" and self._may_lead(sentences[0]):
            self._lead(sentences[0], new)
            free, new = [sentence for sentence in free if sentence is not sentences[0]], ()
        slot = self._find_slot(section, free) if new else None
        for sentence in free:
            self._replace(sentence, new if sentence.number == slot else (), sentences)
        if new and slot is None and (self.plan.direction != "alter" or not self.plan.free_sentences):
            self._insert(section, sentences, new)

    # --- what is new --------------------------------------------------------------------------

    def _write_new_sentences(self, section: str, sentences: Sequence[Sentence]) -> tuple[str, ...]:
        if self.plan.direction == "remove":
            return self._write_denial(section, sentences)
        if self.plan.target == NO_FINDING and self.plan.wording:
            return self._write_all_well(section, sentences)
        if section == "impression" and self.named:
            return self._tell_in_short(self._statements[0], sentences)
        return self._tell_in_full(self._statements, sentences, section)

    @cached_property
    def _statements(self) -> tuple[Statement, ...]:
        """Return what is to appear, with the degrees that a report would name: the same in every section."""
        if self._find_words_for(self.plan.target, "findings"):
            return self.plan.must_appear
        return tuple(self._add_degree(told) for told in self.plan.must_appear)

    def _find_words_for(self, concept: str, section: str) -> str | None:
        """The sentence that the plan has for it, as this report would have it."""
        place = "impression" if section == "impression" else "findings"
        if (concept, place) not in self.offered:
            return None
        text = self.offered[concept, place]
        return shortened(text) if self.is_terse else finish_sentence(text)

    @cached_property
    def offered(self) -> dict[tuple[str, str], str]:
        """One of the sentences that the plan has for each concept and section."""
        texts: dict[tuple[str, str], list[str]] = {}
        for words in self.plan.wording:
            texts.setdefault((words.concept, words.section), []).append(words.text)
        return {key: said[0] if len(said) == 1 else self.chance.choice(said) for key, said in texts.items()}

    def _add_degree(self, statement: Statement) -> Statement:
        is_told = statement.concept in ALWAYS_GRADED | WITHOUT_PLACE or self.plan.direction == "alter"
        if statement.severity is None or is_told:
            return statement
        if is_said(statement.severity, self.grading, self.chance):
            return statement
        if self._degree_spares_something(statement.concept):
            return statement
        return statement.model_copy(update={"severity": None})

    def _degree_spares_something(self, concept: str) -> bool:
        """True if what the report says beside it can stand only because it is so slight."""
        excluded = self.scribe.graph.excluded(concept)
        beside = (excluded[other].when for other in self.around.named if other in excluded)
        return any(when is not None and when.min_severity for when in beside)

    @cached_property
    def grading(self) -> Grading:
        """Return how often this report names the degree of what it finds."""
        findings = FINDING_LABELS.keys()
        told = [s.text for s in self.prompt.sentences if not DENIAL.search(s.text)]
        return Grading.of(text for text in told if not findings.isdisjoint(self.scribe.naming.named_in(text)))

    def _tell_in_full(
        self, statements: Sequence[Statement], sentences: Sequence[Sentence], section: str
    ) -> tuple[str, ...]:
        """The target, and those of its signs that its sentence does not tell already."""
        target, *signs = statements
        around = replace(self.around, manner=self._choose_manner(sentences))
        # What an impression of its own says is all that is said: in short it would have no degree.
        wholly = "findings" if target.concept in ALWAYS_GRADED else section
        words = self._find_words_for(target.concept, wholly)
        # A sign in a sentence of its own reads as another finding: it is told where a place would not do.
        if words or self._may_do_without_signs(target):
            signs = []
        if words:
            named = self.scribe.naming.named_in(words) | {target.concept}
            written: list[Written | None] = [Written(words, named)]
        else:
            written = [self._write_target(target, around, has_signs=bool(signs))]
        for sign in signs:
            told = written[0].named if written[0] else frozenset()
            if sign.concept not in told:
                placed = self._place_with(target, sign)
                written.append(self.scribe.writer.write_sign(placed, target, around, self.chance))
        new = [sentence for sentence in written if sentence is not None]
        self.named = frozenset().union(*(sentence.named for sentence in new))
        self.used = frozenset(sentence.text for sentence in new)
        return tuple(sentence.text for sentence in new)

    def _may_do_without_signs(self, target: Statement) -> bool:
        """True if the new finding is told well enough alone: with its place, where it has one."""
        if self.plan.direction not in ("add", "swap"):
            return False
        return bool(target.side or target.region) or target.concept in WITHOUT_PLACE

    def _write_target(self, target: Statement, around: Surroundings, *, has_signs: bool) -> Written | None:
        """The target, mostly in a phrase that says nothing else, as the factual side is written."""
        writer = self.scribe.writer
        # A device is told by its kind and its tip: without these there would be few sentences for all.
        may_be_plain = target.concept not in (NO_FINDING, SUPPORT_DEVICES)
        plainly = may_be_plain and (has_signs or self.chance.random() < PLAIN_SHARE)
        plain = writer.restate(target, around, self.chance) if plainly else None
        if plain is not None:
            return Written(plain, frozenset({target.concept}))
        # What cannot be told in part is told in full.
        asked = self.plan.must_appear[0]
        return writer.write(target, around, self.chance) or writer.write(asked, around, self.chance)

    def _choose_manner(self, sentences: Sequence[Sentence]) -> Manner:
        in_impression = any(sentence.section == "impression" for sentence in sentences)
        return Manner.of([sentence.text for sentence in sentences], in_impression=in_impression)

    def _place_with(self, target: Statement, sign: Statement) -> Statement:
        """The sign at the finding's place, where it occurs there."""
        if target.region in self.scribe.graph.concept(sign.concept).regions:
            return sign.model_copy(update={"region": target.region})
        return sign

    def _tell_in_short(self, target: Statement, sentences: Sequence[Sentence]) -> tuple[str, ...]:
        """An impression repeats a new finding; a new device only where something gave way for it."""
        if target.concept == SUPPORT_DEVICES and all(self._find_left(s) for s in sentences):
            return ()
        words = self._find_words_for(target.concept, "impression")
        if words:
            return (words,)
        around = replace(self.around, used=self.used, manner=self._choose_manner(sentences))
        if target.region and not self.scribe.words_near(target.region).search(" ".join(self.used)):
            target = target.model_copy(update={"region": None})  # nor did the findings tell it
        written = self.scribe.writer.write_short(target, self.named, around, self.chance)
        if written is None:
            return ()
        return (self._as_told_in_full(written.text),)

    def _as_told_in_full(self, text: str) -> str:
        """Give a short sentence the age and the number of the long one: old fractures, not a fracture."""
        full = " ".join(sorted(self.used))
        for one, many in COUNTED.items():
            if re.search(rf"\b{many}\b", full) and not re.search(rf"\b{one}\b", full):
                text = re.sub(rf"\b{one}\b", many, text)
        age = _AGE.search(full)
        return text if age is None or _AGE.search(text) else finish_sentence(f"{age[0]} {lower_first(text)}")

    def _write_denial(self, section: str, sentences: Sequence[Sentence]) -> tuple[str, ...]:
        """A denial where a whole sentence on the finding went, or that all is clear."""
        left = [sentence for sentence in sentences if self._tells(self._find_left(sentence))]
        gone = [s for s in sentences if self._tells(s.text) and not self._tells(self._find_left(s))]
        is_told_by_name = self.plan.target == SUPPORT_DEVICES  # nobody says that there are none
        if not gone or (left and (self._passes_over or is_told_by_name)):
            return ()
        if left and all(is_only_dependent(sentence, self.plan) for sentence in gone):
            return ()
        if section == "impression":
            # Nothing abnormal may be left behind the word: a report with another finding does not say that
            # all is clear.
            if self._nothing_abnormal and not any(is_remark(s.text) for s in left):
                return self._drop_told((self._write_all_clear(),), left)
            if not all(is_remark(s.text) for s in left):
                return ()
        denial = self._deny_finding(self.plan.target, section, is_optional=bool(left))
        return self._drop_told((denial,), left) if denial else ()

    def _tells(self, text: str) -> bool:
        """True if more than marks, numbers and blanks is there."""
        return bool(re.search(r"[a-z]{2}", re.sub(BLANK, "", split_label(text)[1]), re.IGNORECASE))

    def _drop_told(self, new: Sequence[str], left: Sequence[Sentence]) -> tuple[str, ...]:
        """Leave out new denials and normal states that a sentence of the section tells already."""
        normal = self.scribe.harmless | FINDING_LABELS.keys()
        told = [text for s in left if DENIED_OR_NORMAL.search(text := self._find_left(s))]
        known = self.scribe.naming.named_in_any(told)
        return tuple(text for text in new if known.isdisjoint(self.scribe.naming.named_in(text) & normal))

    def _deny_finding(self, finding: str, section: str, *, is_optional: bool) -> str | None:
        """Write that a finding is not there, as reports of this corpus say it or in the graph's words.

        Args:
            is_optional: whether nothing need be said, as of what reports of this corpus do not deny.
        """
        # "The lungs are clear" denies atelectasis, and all else that may stand beside it.
        states = self.scribe.graph.normal_states_of(finding)[:1] if self._nothing_abnormal else ()
        said = [words for one in (finding, *states) if (words := self._find_words_for(one, section))]
        if said or (is_optional and self.plan.wording):
            return self.chance.choice(said) if said else None
        return self.scribe.writer.deny(finding, self.around, self.chance)

    def _write_all_well(self, section: str, sentences: Sequence[Sentence]) -> tuple[str, ...]:
        """Return what a report of a normal chest says in place of what went."""
        left = [sentence for sentence in sentences if self._tells(self._find_left(sentence))]
        if section == "impression":
            return self._drop_told((self._write_all_clear(),), left)
        asked = [statement.concept for statement in self.plan.must_appear[1:]]
        told = [self._find_words_for(state, section) or self._write_normal(state) for state in asked]
        written = [text for text in told if text]
        if not written and not left:
            written = list(self._tell_in_full(self._statements, [], section))
        return self._drop_told(tuple(dict.fromkeys(written)), left)

    def _write_normal(self, state: str) -> str | None:
        statement = Statement(concept=state, polarity="present")
        written = self.scribe.writer.write(statement, self.around, self.chance)
        return written.text if written else None

    @cached_property
    def _passes_over(self) -> bool:
        """True if the report just does not speak of the finding any more, as of many others."""
        return not self._nothing_abnormal and self.chance.random() < SILENT_SHARE

    def _write_all_clear(self) -> str:
        words = self._find_words_for("nrm_no_acute_process", "impression")
        if words:
            return words
        concepts = self.scribe.graph.concepts
        if "nrm_no_acute_process" not in concepts:
            return ALL_CLEAR
        statement = Statement(concept="nrm_no_acute_process", polarity="present")
        around = Surroundings(frozenset(), frozenset(concepts), self.is_terse)
        written = self.scribe.writer.write(statement, around, self.chance)
        return written.text if written else ALL_CLEAR

    def _find_left(self, sentence: Sentence) -> str:
        return self.rests.get(sentence.number, sentence.text)

    @cached_property
    def _remaining(self) -> tuple[str, ...]:
        return tuple(filter(None, map(self._find_left, self.prompt.sentences)))

    @cached_property
    def _nothing_abnormal(self) -> bool:
        """True if what stays of the report speaks of nothing but health and devices."""
        # "Small pneumothorax without shift": what stands before a denial is told all the same.
        told = [DENIAL.split(text, maxsplit=1)[0] for text in self._remaining]
        return self.scribe.naming.named_in_any(told) <= self.scribe.harmless

    @cached_property
    def around(self) -> Surroundings:
        graph, plan = self.scribe.graph, self.plan
        centre = {plan.target, *plan.swap_from}
        family = {kin for f in centre for kin in (f, *graph.ancestors(f), *graph.descendants(f))}
        signs = {label for s in plan.must_appear for label in graph.concept(s.concept).sets_labels}
        left = {kind for f in plan.swap_from for kind in (f, *graph.descendants(f))} - {plan.target}
        leaving = self.scribe.remains.leaving(plan)
        gone = {m.concept for m in plan.must_cease if m.polarity != "absent"} & leaving
        return Surroundings(
            named=self.scribe.naming.named_in_any(self._remaining) | gone,
            allowed=frozenset((family | signs) - left),
            is_terse=self.is_terse,
            signs=frozenset(statement.concept for statement in plan.must_appear[1:]),
            degree_matters=plan.element == "severity",
        )

    # --- where it goes --------------------------------------------------------------------------

    def _may_lead(self, first: Sentence) -> bool:
        """True if what is new may open an impression, which leads with what matters."""
        is_new = self.plan.direction in ("add", "swap") and self.plan.target not in (
            NO_FINDING,
            SUPPORT_DEVICES,
        )
        continues = any(one.sentence == first.number and one.is_near for one in self.plan.dependents)
        is_alone = len(first.text.split()) == 1 and not self.scribe.naming.named_in(first.text)
        is_title = has_title(first.text) or is_alone  # "Chest."
        return is_new and not continues and not is_title

    def _lead(self, first: Sentence, new: Sequence[str]) -> None:
        """Put what is new before the first sentence, or in its place where nothing is left of it."""
        # "Chest:" keeps its place: what is new follows the title and is not put before it.
        label, body = split_label(first.text)
        rest = self._find_left(first)
        tail = split_next_number(label, body)[1] if not rest else ""
        text = label + " ".join(new)
        if rest:
            text += f" {label}{rest}" if first.number in self.rests else f" {first.text}"
        elif tail:
            text = f"{text.removesuffix('.')}{tail}"
        self.edits.append(SentenceEdit(action="replace", number=first.number, text=text))

    def _find_slot(self, section: str, free: Sequence[Sentence]) -> int | None:
        """The sentence whose place the new ones take, or before whose rest they stand.

        Where findings are told organ by organ, a new one stands with its own.
        """
        body = body_of(self.plan.target)
        fitting = [s for s in free if not has_title(s.text) or body_of_sentence(s.text) == body]
        if self.plan.direction != "remove":
            fitting = [s for s in fitting if not self._is_between(s.number)]
        if self.plan.direction in ("add", "swap") and section != "impression":
            fitting = [s for s in fitting if body_of_sentence(s.text) in (body, None)]
        if not fitting:
            return None

        def cost(sentence: Sentence) -> tuple[bool, bool, int, int]:
            goes_along = is_only_dependent(sentence, self.plan)
            return (
                goes_along,
                bool(self._find_left(sentence)),
                self._measure_distance(sentence),
                sentence.number,
            )

        return min(fitting, key=cost).number

    def _is_between(self, number: int) -> bool:
        """True if a sentence stands between one that stays and another that continues that one."""
        return any(
            head < number < one.sentence
            for one in self.plan.dependents
            if one.is_near and not one.goes
            for head in one.heads
        )

    def _measure_distance(self, sentence: Sentence) -> int:
        """Return how far what the sentence said is from what is to be said in its place."""
        ceasing = [m for m in self.plan.must_cease if m.sentence == sentence.number]
        centre = {self.plan.target, *self.plan.swap_from}
        if any(m.concept in centre and m.polarity != "absent" for m in ceasing):
            return 0
        if any(m.concept == self.plan.target for m in ceasing):
            return 1
        return 2 if body_of_sentence(sentence.text) == body_of(self.plan.target) else 3

    def _replace(self, sentence: Sentence, new: Sequence[str], sentences: Sequence[Sentence]) -> None:
        label, body = split_label(sentence.text)
        rest = self._find_left(sentence)
        texts = [*new, rest] if rest else list(new)
        if not texts and label and self._label_is_needed(sentence, sentences):
            texts = self._write_filler(sentence)
        text = label + " ".join(texts)
        if texts and not rest:
            tail = split_next_number(label, body)[1]
            text = f"{text.removesuffix('.')}{tail}" if tail else text
        if not texts:
            self.edits.append(SentenceEdit(action="drop", number=sentence.number))
        elif text != sentence.text:
            self.edits.append(SentenceEdit(action="replace", number=sentence.number, text=text))

    def _label_is_needed(self, sentence: Sentence, sentences: Sequence[Sentence]) -> bool:
        """True if what follows stands under this one's title; a list is counted anew."""
        following = [s for s in sentences if s.number > sentence.number and self._find_left(s)]
        return has_title(sentence.text) and bool(following) and not has_title(following[0].text)

    def _write_filler(self, sentence: Sentence) -> list[str]:
        """A denial of what the sentence asserted, where its place has to be kept."""
        leaving = self.scribe.remains.leaving(self.plan)
        asserted = [
            m.concept
            for m in self.plan.must_cease
            if m.sentence == sentence.number and m.polarity != "absent" and m.concept in leaving
        ]
        findings = [concept for concept in asserted if concept in self.plan.swap_from]
        for concept in (*findings, *asserted):
            denial = self.scribe.writer.deny(concept, self.around, self.chance)
            if denial:
                return [denial]
        return []

    def _find_last_dependent(self, anchor: Sentence, left: Sequence[Sentence]) -> Sentence:
        """The last of the sentences that continue the anchor, or one before it: nothing may part them."""
        tied = [
            one.sentence
            for one in self.plan.dependents
            if not one.goes
            and any(head <= anchor.number < one.sentence for head in one.heads)
            and one.is_near
        ]
        return next((s for s in left if s.number == max(tied, default=0)), anchor)

    def _insert(self, section: str, sentences: Sequence[Sentence], new: Sequence[str]) -> None:
        left = [s for s in sentences if self._find_left(s)] or list(sentences)
        text = " ".join(new)
        numbers = [number for s in sentences if (number := list_number(s.text)) is not None]
        anchor = self._find_last_dependent(
            place_after(left, self.plan.target, by_organ=section != "impression"), left
        )
        body = body_of(self.plan.target)
        if not anchor.text.rstrip().endswith((".", "?", "!")):
            # Behind a sentence without its stop, one without a verb would be read as its end.
            text = with_verb(text)
        if numbers:
            text, anchor = f"{max(numbers) + 1}. {text}", left[-1]
        elif any(has_title(s.text) for s in sentences) and body_of_sentence(anchor.text) != body:
            text, anchor = f"{TITLES[body]}: {text}", left[-1]
        self.edits.append(SentenceEdit(action="insert", number=anchor.number, text=text))

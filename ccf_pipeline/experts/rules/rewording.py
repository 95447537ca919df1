"""Plan → the sentences that it changes, said again in the expert's own words.

What gives way in the counterfactual is written anew here, by the same hand as what takes its place there, so
that the pair differs in what is said and not in who says it. A sentence is left alone rather than said less
exactly: every word of it has to be accounted for, and every statement told with its place and degree.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ccf_pipeline.counterfactual.check.rewording import organs_named, words_to_keep
from ccf_pipeline.experts.rules.grammar import DENIED_OR_NORMAL, FRAMES, split_label, words_in
from ccf_pipeline.experts.rules.manner import Manner, plainly_framed
from ccf_pipeline.experts.rules.phrases import COMPARING
from ccf_pipeline.experts.rules.remains import Remains
from ccf_pipeline.experts.rules.writing import Surroundings, Writer, list_denials
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import EditScript, Mention, Plan, Prompt, Sentence, SentenceEdit, Statement

# What may be said behind the last comma without being a statement of its own.
_REMARKS = frozenset({"att_new", "att_worsened", "att_improved", "att_unchanged", "att_technique_limits"})
_SIDES = {
    "left": frozenset({"left"}),
    "right": frozenset({"right"}),
    "bilateral": frozenset({"bilateral", "bilaterally", "both"}),
}


class Reworder:
    """Says sentences again; the same prompt and chance give the same words."""

    def __init__(self, graph: ConceptGraph, writer: Writer, remains: Remains) -> None:
        self._graph, self._writer, self._remains = graph, writer, remains
        self._place_words = {
            region.id: frozenset(words_in(" ".join(region.words))) for region in graph.file.regions
        }

    def write(
        self, prompt: Prompt, around: Surroundings, rests: dict[int, str], chance: random.Random
    ) -> EditScript:
        """The sentences that the plan is free to change, in other words wherever that can be done exactly.

        Args:
            around: how the report is written.
            rests: by number, what the counterfactual keeps of each free sentence.
        """
        edits = []
        for sentence in prompt.sentences:
            if sentence.number not in rests:
                continue
            section = [s.text for s in prompt.sentences if s.section == sentence.section]
            manner = Manner.of(section, in_impression=sentence.section == "impression")
            body = self._reword_sentence(
                sentence, prompt.plan, replace(around, manner=manner), rests[sentence.number], chance
            )
            text = split_label(sentence.text)[0] + body if body else sentence.text
            if text != sentence.text and _has_kept_its_words(sentence.text, text):
                edits.append(SentenceEdit(action="replace", number=sentence.number, text=text))
        return EditScript(edits=tuple(edits))

    def _reword_sentence(
        self, sentence: Sentence, plan: Plan, around: Surroundings, rest: str, chance: random.Random
    ) -> str | None:
        """Return what goes, said again before what is left; else the same words in another frame."""
        said = [m for m in (*plan.must_cease, *plan.must_stay) if m.sentence == sentence.number]
        if not any(m.sentence == sentence.number for m in plan.must_stay):
            rest = ""  # what is left was put into words anew there, and is told by these
        label, body = split_label(sentence.text)
        begin = sentence.start + len(label)
        tail = _find_tail(body, begin, said) if not rest else ""
        if set(words_in(tail)) - FRAMES <= self._collect_accounted(said):
            tail = ""  # ", on the left" is told with the finding
        head = body.removesuffix(tail)
        inside = [m for m in said if m.start < begin + len(head)]
        if not self._says_more(head, begin, inside, is_whole=not tail):
            again = self._say_again(sentence, plan, begin + len(head), around, chance)
            if again is not None:
                again = again.rstrip(".") + tail if tail else again
                return f"{again} {rest}" if rest else again
        return plainly_framed(body, around.manner, chance) if around.manner else None

    def _say_again(
        self, sentence: Sentence, plan: Plan, end: int, around: Surroundings, chance: random.Random
    ) -> str | None:
        gone = [m for m in self._remains.gone(sentence, plan) if m.start < end]
        told = self._find_most_exact([m for m in gone if m.polarity != "absent"])
        denied = self._find_most_exact([m for m in gone if m.polarity == "absent"])
        if not gone or told is None or denied is None:
            return None
        # "No effusion" is read as a denial and as a normal state: it is one statement.
        told = [m for m in told if not any(m.start < d.end and d.start < m.end for d in denied)]
        own = words_in(sentence.text)
        if self._is_placed_apart(sentence, plan) and any(m.region in (None, "lung") for m in told):
            return None
        written = [self._tell_mention(m, around, chance, own) for m in told]
        denials = self._deny_all(denied, around, chance, own)
        if denials is None or any(text is None for text in written):
            return None
        return " ".join(dict.fromkeys([*(text for text in written if text), *denials]))

    def _is_placed_apart(self, sentence: Sentence, plan: Plan) -> bool:
        """True if a place is read as a statement of its own: "at both lung bases"."""
        said = (m.concept for m in plan.must_cease if m.sentence == sentence.number)
        return any(
            relation.kind == "location" and relation.target == concept
            for concept in said
            for relation in self._graph.relations_of(concept)
        )

    def _tell_mention(
        self, mention: Mention, around: Surroundings, chance: random.Random, own: frozenset[str]
    ) -> str | None:
        concept = self._graph.concept(mention.concept)
        is_everywhere = concept.kind == "normal_state" and mention.side in (None, "bilateral")
        statement = Statement(
            concept=mention.concept,
            polarity=mention.polarity,
            side=None if is_everywhere else mention.side,
            region=None if mention.region in concept.regions[:1] else mention.region,
            severity=mention.severity,
        )
        # One word for health is as good as another; a finding may not be called what it is not.
        return self._writer.restate(
            statement, around, chance, None if concept.kind == "normal_state" else own
        )

    def _deny_all(
        self, denied: Sequence[Mention], around: Surroundings, chance: random.Random, own: frozenset[str]
    ) -> list[str] | None:
        if any(m.side or m.severity for m in denied):
            return None
        concepts = list(dict.fromkeys(m.concept for m in denied))
        nouns = [self._graph.concept(concept).write.noun for concept in concepts]
        if len(concepts) != 1:
            return None if not all(nouns) else [list_denials(nouns)] if nouns else []
        written = self._writer.restate(
            Statement(concept=concepts[0], polarity="absent"), around, chance, own | words_in(nouns[0])
        )
        plain = list_denials(nouns) if nouns[0] else None
        chosen = plain if written is None or (plain and around.is_terse) else written
        return None if chosen is None else [chosen]

    def _find_most_exact(self, mentions: Iterable[Mention]) -> list[Mention] | None:
        """Of mentions that share words the one that says all of them; None where there is no such one."""
        groups: list[list[Mention]] = []
        for mention in sorted(mentions, key=lambda m: (m.start, -m.end)):
            if groups and mention.start < max(m.end for m in groups[-1]):
                groups[-1].append(mention)
            else:
                groups.append([mention])
        exact = [next((m for m in group if self._says_all(m, group)), None) for group in groups]
        return None if None in exact else [m for m in exact if m is not None]

    def _says_all(self, mention: Mention, group: Iterable[Mention]) -> bool:
        kin = {mention.concept, *self._graph.ancestors(mention.concept)}
        kin |= set(self._graph.concept(mention.concept).sets_labels)
        return all(other.concept in kin for other in group)

    # --- is every word accounted for ----------------------------------------------------------

    def _says_more(self, text: str, begin: int, said: Sequence[Mention], *, is_whole: bool) -> bool:
        """True if a text says what no statement of it holds: a size, a comparison, advice.

        Args:
            begin: where in the report it begins.
            is_whole: whether a comparison that was read must stand in the text itself.
        """
        if COMPARING.search(text) or (is_whole and any(m.temporality for m in said)):
            return True
        blotted = list(text)
        for mention in said:
            a, b = max(0, mention.start - begin), min(len(text), mention.end - begin)
            blotted[a:b] = " " * (b - a)
        left = set(words_in("".join(blotted))) - FRAMES
        return not left <= self._collect_accounted(said)

    def _collect_accounted(self, said: Iterable[Mention]) -> set[str]:
        words: set[str] = set()
        for mention in said:
            words |= _SIDES.get(mention.side or "", frozenset())
            words |= self._place_words.get(mention.region or "", frozenset())
            words |= {*words_in(mention.severity or ""), *words_in(mention.cue or "")}
        return words


# Words that say the same of health, or nothing: "unremarkable" for "within normal limits".
_SAME = FRAMES | words_in(
    "normal unremarkable clear negative within limit grossly both bilaterally bilateral focal process disease"
    " abnormality abnormalities acute active finding findings contour silhouette size structure exam"
    " examination radiograph airspace opacity free enlarged enlargement"
)
# Where a finding lies is compared by what the reader makes of it.
_PLACE = re.compile(
    r"(?:cardi|heart|pulmon|lung|mediastin|pleur|oss|bon|thora[cx]|chest|zone"
    r"|(?:bi)?bas(?:e|al|ilar)|(?:bi)?ap(?:ex|ic))"
)


def _has_kept_its_words(was: str, text: str) -> bool:
    """True if ages, history, sides, numbers, blanks and scope are as before."""
    if words_to_keep(was) != words_to_keep(text) or _collect_content_words(was) != _collect_content_words(
        text
    ):
        return False
    return DENIED_OR_NORMAL.search(was) is None or organs_named(was) == organs_named(text)


def _collect_content_words(text: str) -> frozenset[str]:
    """The words that make another statement of it if they change: "displaced", "interstitial"."""
    told = (word for word in words_in(text) if word not in _SAME)
    stems = (word.removesuffix("s").removesuffix("ly") for word in told)
    return frozenset(stem for stem in stems if stem not in _SAME and not _PLACE.match(stem))


_TAIL = re.compile(r",\s[^,;]+\.?$")


def _find_tail(body: str, begin: int, said: Iterable[Mention]) -> str:
    """A last clause that only compares or tells of the film: ", unchanged from the prior study"."""
    found = _TAIL.search(body)
    if found is None:
        return ""
    within = [m for m in said if m.end > begin + found.start() and m.implied_by is None]
    return found[0] if all(m.concept in _REMARKS for m in within) else ""

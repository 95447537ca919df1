"""Find the clauses that only continue what goes, and what these clauses tell."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from ccf_pipeline.counterfactual.plan.removal import abnormal_concepts
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import Continuation, kin_of, leading_concepts
from ccf_pipeline.reader.facts import Reading, spans_meet
from ccf_pipeline.records import Dependent, Mention, Study

# A cause goes with what it explains, whatever it is; another finding that a clause tells besides stays.
CAUSES = frozenset({"cause", "relation"})


def add_dependents(
    study: Study, reading: Reading, graph: ConceptGraph, must_cease: tuple[Mention, ...]
) -> tuple[tuple[Mention, ...], tuple[Dependent, ...]]:
    """Return what must cease with the mentions of the clauses that go with it, and the clauses themselves."""
    own = [
        *_find_explanations(study, reading, graph, must_cease),
        *_find_openings(study, reading, graph, must_cease),
    ]
    continuations = reading.continuations(study.sentences, graph)
    if not continuations and not own:
        return must_cease, ()
    falling = [one for one in continuations if one.falls_with(must_cease)]
    told = {id(m) for one in falling for m in _list_mentions_told_only_by(one, reading.mentions, graph)}
    told.update(map(id, must_cease))
    explained = [(one.start, one.end) for one in own if not one.is_rewritten]
    told.update(id(m) for m in reading.mentions if explained and spans_meet(m, explained))
    ceasing = tuple([m for m in reading.mentions if id(m) in told]) if falling or own else must_cease
    dependents = [_make_dependent(one, goes=one in falling) for one in continuations]
    return ceasing, tuple(sorted([*dependents, *own], key=lambda one: (one.sentence, one.start)))


# --- what the reader's clauses do not hold --------------------------------------------------------

_BLANK = r"(?:X{3,}|_{2,})"
# The words by which a sentence goes on to explain what it told: "nodules, likely representing granulomas".
EXPLAINS = re.compile(
    rf",?\s+(?:(?:most|more|likely|probably|possibly|presumably|which|that|and|is|are|may|might|could|would"
    rf"|appears?(?: to)?|be|a|of|{_BLANK})\s+)*(?:(?:consistent|compatible|in keeping)(?: with)?|represent\w*"
    rf"|suggest\w*(?: of)?|reflect\w*|favou?r\w*|due to|secondary to|related to|sequelae? of"
    rf"|{_BLANK}(?=\s+(?:an? |the )?[a-z]))\s+",
    re.IGNORECASE,
)
# A blank that only joins explains nothing: "an effusion and XXXX atelectasis".
_ONLY_JOINS = re.compile(rf",?\s+and\s+(?:{_BLANK}\s+)+\Z", re.IGNORECASE)
# Behind one of these a blank stands for a word of the noun phrase: "with XXXX effusions".
_JOINS = re.compile(r"\b(?:with|without|and|or|of|in|at|on|the|an?|no|to|for|by|from)\Z", re.IGNORECASE)
_ENDS = re.compile(r";|\.\s|,?\s+(?:but|without|with no|and no|however)\s|,\s+(?:no|there)\s", re.IGNORECASE)
_OPENING = re.compile(
    r"(?:specifically|in particular|more specifically|in addition|additionally|however|moreover"
    r"|furthermore),\s+(?=\w)",
    re.IGNORECASE,
)


def _find_explanations(
    study: Study, reading: Reading, graph: ConceptGraph, must_cease: Sequence[Mention]
) -> Iterator[Dependent]:
    """The clauses inside sentences that explain nothing but what goes: it takes its explanation along."""
    ceasing = set(map(id, must_cease))
    abnormal = abnormal_concepts(graph)
    touched = {m.sentence for m in must_cease if m.polarity != "absent"}
    for sentence in study.sentences if touched else ():
        number = sentence.number
        if number not in touched:
            continue
        said = [
            m
            for m in reading.mentions
            if m.sentence == number
            and m.implied_by is None
            and m.polarity != "absent"
            and m.concept in abnormal
        ]
        link = EXPLAINS.search(sentence.text, max(0, said[0].end - sentence.start)) if said else None
        if link is None or _ONLY_JOINS.match(link.group()) or _JOINS.search(sentence.text, 0, link.start()):
            continue
        start = sentence.start + link.start()
        end = _ENDS.search(sentence.text, link.end())
        stop = sentence.start + (end.start() if end else len(sentence.text.rstrip(" .")))
        before = [m for m in said if m.start < start]
        behind = [m for m in said if start <= m.start < stop]
        if all(id(m) in ceasing for m in before) and any(id(m) not in ceasing for m in behind):
            yield Dependent(
                sentence=number,
                start=start,
                end=stop,
                kind="cause",
                heads=(number,),
                goes=True,
                is_whole=False,
                is_rewritten=False,
                is_near=False,
            )


def _find_openings(
    study: Study, reading: Reading, graph: ConceptGraph, must_cease: Sequence[Mention]
) -> Iterator[Dependent]:
    """The words by which a sentence goes on from one that goes: "Specifically, no effusion"."""
    ceasing = set(map(id, must_cease))
    for before, sentence in itertools.pairwise(study.sentences):
        opening = _OPENING.match(sentence.text) if before.section == sentence.section else None
        idle = graph.words_of_change
        told = reading.mentions if opening else ()
        said = [m for m in told if m.sentence == before.number and m.concept not in idle]
        if opening and said and all(id(m) in ceasing for m in said):
            yield Dependent(
                sentence=sentence.number,
                start=sentence.start,
                end=sentence.start + opening.end(),
                kind="exception",
                heads=(before.number,),
                goes=True,
                is_whole=False,
                is_rewritten=True,
                is_near=True,
            )


def _list_mentions_told_only_by(
    clause: Continuation, mentions: Sequence[Mention], graph: ConceptGraph
) -> Iterable[Mention]:
    """The mentions of a clause that have no other ground than what the clause continues."""
    if clause.is_rewritten:
        return
    kin = {kin for head in clause.heads for concept in head.concepts for kin in kin_of(graph, concept)}
    for mention in mentions:
        if not clause.start <= mention.start < clause.end:
            continue
        is_another = mention.polarity == "present" and mention.concept in leading_concepts(graph)
        if clause.kind in CAUSES or not is_another or not kin.isdisjoint(kin_of(graph, mention.concept)):
            yield mention


def _make_dependent(clause: Continuation, *, goes: bool) -> Dependent:
    return Dependent(
        sentence=clause.sentence,
        start=clause.start,
        end=clause.end,
        kind=clause.kind,
        heads=clause.head_sentences,
        goes=goes,
        is_whole=clause.is_whole,
        is_rewritten=clause.is_rewritten,
        is_near=clause.is_near,
    )

"""Does a report in other words still say what it said, and nothing else?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from ccf_pipeline.counterfactual.check.case import Case, warn
from ccf_pipeline.counterfactual.check.obedience import obeyed_orders
from ccf_pipeline.counterfactual.check.privacy import invented_identifiers
from ccf_pipeline.counterfactual.check.shape import shape_faults
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading, spans_meet
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, Edit, Mention, Plan, Problem, ReasonCode, Study

CODE: ReasonCode = "chosen_refused"


def check_rewording(
    edit: Edit, plan: Plan, study: Study, factual: Reading, reworded: Reading, graph: ConceptGraph
) -> tuple[Problem, ...]:
    """Return what speaks against a reworded factual report: another state, place, degree, device or form.

    The pair stands without it, so that these are remarks on the row.

    Args:
        plan: any plan of the study; nothing of it is looked at.
    """
    if edit.problem is not None:
        return (warn(CODE, edit.problem),)
    case = Case(edit, plan, study, factual, reworded, graph)
    faults = [*shape_faults(case), *invented_identifiers(case), *obeyed_orders(case, [])]
    told = [fault.message for fault in faults if fault.level == "block"]
    return tuple(warn(CODE, message) for message in (*told, *_find_changes(case)))


def _find_changes(case: Case) -> Iterator[str]:
    if any(step.action != "replace" for step in case.edit.steps):
        yield "A sentence was dropped or added; only reword."
    before, after = case.factual.states, case.counterfactual.states
    for finding in FINDING_LABELS:
        if before.get(finding) != after.get(finding):
            yield f"The report says something else of {FINDING_LABELS[finding]} now."
            return
    yield from _find_sentences_reworded_otherwise(case)
    was, now = (
        _collect_statements(case.factual, case.graph),
        _collect_statements(case.counterfactual, case.graph),
    )
    for concept in sorted({told[0] for told in was ^ now} | _find_changes_of_course(case)):
        yield f"Side, place, degree or change of {case.graph.concept(concept).label} is told otherwise."
        return


# --- words that a rewording keeps, whatever the reader makes of them ---------------------------

# Each class by its words: two words of one class may stand for each other.
_CLASSES = {
    "age": r"old|healed|healing|remote|chronic(?:ally)?|long-?standing|age-?indeterminate|subacute",
    "acuity": r"acute(?:ly)?|active",
    "past": r"prior|previous(?:ly)?|former(?:ly)?|earlier",
    "history": r"history|status[- ]post|s/p|post-?(?:operative|surgical|op|radiation)\w*|following|after",
    "alternative": r"or|versus|vs|and/or",
    "left": r"left(?:-sided)?",
    "right": r"right(?:-sided)?",
    "blank": r"X{3,}|_{2,}",
}
_CLASS = re.compile(
    "|".join(rf"(?P<{name}>(?<![\w/])(?:{words})(?![\w/]))" for name, words in _CLASSES.items()),
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ORGANS = {
    "heart": r"cardi|heart",
    "lungs": r"pulmon|lung",
    "mediastinum": r"mediastin",
    "pleura": r"pleur",
    "bones": r"osseous|bon[ey]|skelet",
    "chest": r"thora[cx]|chest",
}
_DENIED = re.compile(r"\b(?:no|not|without|negative|neither)\b", re.IGNORECASE)


def words_to_keep(text: str) -> Counter[str]:
    """Count what may neither go nor come: ages, history, alternatives, sides, numbers, blanks."""
    is_denied = _DENIED.search(text) is not None
    classes = [found.lastgroup or "" for found in _CLASS.finditer(text)]
    # "No effusion or pneumothorax" is two denials, and may be told as two.
    kept = [name for name in classes if not (is_denied and name == "alternative")]
    return Counter([*kept, *_NUMBER.findall(text)])


def organs_named(text: str) -> frozenset[str]:
    """The organs that a text names; "cardiopulmonary" names two."""
    return frozenset(organ for organ, stems in _ORGANS.items() if re.search(stems, text, re.IGNORECASE))


def _find_sentences_reworded_otherwise(case: Case) -> Iterator[str]:
    """Sentences whose age, history, side, numbers, blanks or scope are others in the new words."""
    before = {sentence.number: sentence.text for sentence in case.study.sentences}
    clears_all = {
        m.sentence for m in case.factual.mentions if m.concept in ("nrm_no_acute_process", NO_FINDING)
    }
    for step in case.edit.steps:
        was = before.get(step.number)
        if was is None or step.action != "replace":
            continue
        had, has = words_to_keep(was), words_to_keep(step.text)
        if changed := (had - has) | (has - had):
            named = ", ".join(sorted(changed))
            yield f"Sentence {step.number} has lost or gained words that must stay: {named}."
        elif step.number in clears_all and organs_named(was) != organs_named(step.text):
            yield f"Sentence {step.number} denies more or less than before; name the same organs."


def _collect_statements(reading: Reading, graph: ConceptGraph) -> set[tuple[str, ...]]:
    """All that is said to be there, or may be, as exactly as it is said; normal states have many names."""
    return {
        _make_statement_key(m, graph)
        for m in _iter_image_mentions(reading, graph)
        if not _is_mere_place(m, reading, graph)
    }


def _make_statement_key(mention: Mention, graph: ConceptGraph) -> tuple[str, ...]:
    if mention.concept in _collect_distributions(graph):
        # "Bibasilar": its side and degree are those of what is there.
        return mention.concept, mention.polarity
    bygone = mention.temporality if mention.temporality in ("prior", "resolved") else None
    said = (mention.side, _get_place(mention, graph), mention.severity, bygone)
    return mention.concept, mention.polarity, *(value or "" for value in said)


def _find_changes_of_course(case: Case) -> set[str]:
    """Return what is new, better, worse or unchanged in one of the two and not in the other.

    "Edema, new since ___" and "new edema" differ in what the word is read with: it counts as the same as long
    as both say it as often, and it did not pass from one finding to another.
    """
    graph, found = case.graph, set[str]()
    for word in graph.words_of_change:
        time = word.removeprefix("att_")
        was = {m.concept for m in _iter_image_mentions(case.factual, graph) if m.temporality == time}
        now = {m.concept for m in _iter_image_mentions(case.counterfactual, graph) if m.temporality == time}
        passed_on = was - now and now - was
        if was != now and (passed_on or len(case.factual.of(word)) != len(case.counterfactual.of(word))):
            found |= was ^ now
    return found


@lru_cache(maxsize=4)
def _collect_distributions(graph: ConceptGraph) -> frozenset[str]:
    """Return what tells no more than where a finding is."""
    ties = (relation for finding in graph.findings for relation in graph.relations_of(finding.id))
    places = {end for tie in ties if tie.kind == "location" for end in (tie.source, tie.target)}
    return frozenset(place for place in places if not graph.concept(place).sets_labels)


def _is_mere_place(mention: Mention, reading: Reading, graph: ConceptGraph) -> bool:
    """True if a sign is no more than a finding at a place: "basilar opacity" is an opacity at the base."""
    concept = graph.concept(mention.concept)
    return concept.kind == "attribute" and any(
        other.concept in concept.sets_labels
        and other.region in concept.regions
        and other.polarity == mention.polarity
        and spans_meet(other, [(mention.start, mention.end)])
        for other in reading.mentions
    )


def _get_place(mention: Mention, graph: ConceptGraph) -> str | None:
    """Where it is said to be, unless that is only where it always is: an enlarged heart is at the heart."""
    wide = graph.concept(mention.concept).regions[:1]
    return None if mention.region in wide or mention.region in _WHOLE else mention.region


_WHOLE = frozenset({"chest", "thorax", "bones", "pleura", "heart", "mediastinum"})


def _iter_image_mentions(reading: Reading, graph: ConceptGraph) -> Iterator[Mention]:
    """Return what is there or may be; a word of change is told with the finding that it is said of."""
    for mention in reading.mentions:
        said = mention.polarity != "absent" and mention.implied_by is None
        is_normal = mention.concept == NO_FINDING or graph.concept(mention.concept).kind == "normal_state"
        if said and not is_normal and mention.concept not in graph.words_of_change:
            yield mention

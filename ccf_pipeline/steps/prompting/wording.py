"""A plan in words: what the image is to show, what is to be described, what is no longer true."""

from __future__ import annotations

from collections.abc import Iterable

from ccf_pipeline.concepts import Concept, ConceptGraph
from ccf_pipeline.records import FINDING_LABELS, Mention, Plan, Statement, Study
from ccf_pipeline.steps.facts import spans_meet


def describe_task(plan: Plan) -> str:
    """What the image is to show instead, by the names of the findings."""
    target, leaving = FINDING_LABELS[plan.target], _leaving(plan)
    if plan.direction == "remove":
        return f"the image no longer shows {target}, nor any sign of it. All else that it shows stays."
    if plan.direction == "swap":
        return f"the image shows {target} in place of {leaving}, whose signs are gone too. All else stays."
    return f"the image shows {target} as well. All else that it shows stays."


def describe_showing(plan: Plan) -> str:
    """The end of the paper's request, which knows of nothing but diagnoses."""
    target, leaving = FINDING_LABELS[plan.target], _leaving(plan)
    if plan.direction == "remove":
        return f"not showing {target}."
    return f"showing {target}{f' in place of {leaving}' if leaving else ''}."


def _leaving(plan: Plan) -> str:
    return ", ".join(FINDING_LABELS[finding] for finding in plan.swap_from)


def list_details(plan: Plan, graph: ConceptGraph, *, numbered: bool) -> str:
    """What is to be described, what can no longer stand, and what still holds in the same sentences.

    Args:
        numbered: whether the report is shown with the numbers of its sentences.
    """
    staying = [mention for mention in plan.must_stay if mention.concept not in graph.words_of_change]
    lines = {
        "Describe": "; ".join(_statement(statement, graph) for statement in plan.must_appear),
        "No longer true": _mentions(plan.must_cease, graph, numbered=numbered),
        "Still true": _mentions(staying, graph, numbered=numbered),
    }
    return "\n".join(f"{title}: {words}." for title, words in lines.items() if words)


def _statement(statement: Statement, graph: ConceptGraph) -> str:
    region = graph.regions[statement.region].label if statement.region else None
    where = [word for word in (statement.severity, statement.side, region) if word]
    return name_of(graph.concept(statement.concept)) + (f" ({', '.join(where)})" if where else "")


def _mentions(mentions: Iterable[Mention], graph: ConceptGraph, *, numbered: bool) -> str:
    sentences: dict[str, list[int]] = {}
    for mention in _told_once(mentions, graph):
        numbers = sentences.setdefault(_mention(mention, graph), [])
        if mention.sentence not in numbers:
            numbers.append(mention.sentence)
    if not numbered:
        return "; ".join(sentences)
    return "; ".join(f"{words} [{', '.join(map(str, sorted(n)))}]" for words, n in sentences.items())


def _told_once(mentions: Iterable[Mention], graph: ConceptGraph) -> list[Mention]:
    """One mention for the same words: what is said before what follows from it, findings before the rest."""

    def standing(mention: Mention) -> tuple[bool, bool]:
        return mention.implied_by is not None, graph.concept(mention.concept).kind != "finding"

    told: list[Mention] = []
    for mention in sorted(mentions, key=standing):
        if not spans_meet(mention, ((other.start, other.end) for other in told)):
            told.append(mention)
    return sorted(told, key=lambda mention: mention.start)


def _mention(mention: Mention, graph: ConceptGraph) -> str:
    name = name_of(graph.concept(mention.concept))
    if mention.polarity == "absent":
        return f"no {name}"
    doubt = "possible" if mention.polarity == "uncertain" else None
    return " ".join(filter(None, (doubt, mention.severity, mention.side, name)))


def name_of(concept: Concept) -> str:
    """What a concept is called within a sentence."""
    if concept.kind == "attribute" and concept.write.noun:
        return concept.write.noun
    first = concept.label.split(maxsplit=1)[0]
    return concept.label if first.isupper() else concept.label.lower()


def ask_for_rewording(plans: Iterable[Plan], study: Study, *, by_sentence: bool) -> str:
    """Which sentences of the factual report to reword: those that the counterfactuals rewrite, at least one.

    Args:
        by_sentence: whether the counterfactuals are edited by sentence, not written as whole reports.
    """
    numbers = [sentence.number for sentence in study.sentences]
    if by_sentence:
        numbers = sorted({number for plan in plans for number in plan.free_sentences}) or numbers[-1:]
    return f"reword {'sentence' if len(numbers) == 1 else 'sentences'} {', '.join(map(str, numbers))}."

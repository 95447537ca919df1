"""The graph in words: for an expert's prompt, where every token is paid for, and for a reader's card."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable

from ccf_pipeline.graph.graph import ConceptGraph
from ccf_pipeline.graph.model import Concept, Condition, Relation
from ccf_pipeline.records import NO_FINDING

NEIGHBOURHOOD_TOKENS = 150
GRAPH_TOKENS = 700
LINE_TOKENS = 46  # fourteen lines and the legend keep within GRAPH_TOKENS
TOKENS_PER_WORD = 1.4  # English radiology text with common byte-pair tokenizers, rounded up
MOST_LISTED = 9


def count_tokens(text: str) -> int:
    """A generous estimate of what a text costs, without a tokenizer."""
    return math.ceil(len(text.split()) * TOKENS_PER_WORD)


def describe_neighbourhood(graph: ConceptGraph, target: str, shown: Collection[str] = ()) -> str:
    """Return what an expert needs to know of a target finding, given the concepts that the study shows."""
    finding = graph.concept(target)
    near = graph.neighbourhood(target, shown)
    signs = [_describe_sign(graph, target, link.relation) for link in near.signs]
    against = _describe_contradictions(graph, target)
    head = f"{finding.label}: {finding.definition}"
    fixed = [
        _format_list("Shown already", (_name_concept(graph, link.concept) for link in near.shown_signs)),
        _format_list("Must go", (_name_concept(graph, link.concept) for link in near.must_go)),
        _format_list("Do not confuse with", (_name_concept(graph, other) for other in near.near)),
    ]

    def write(count: int) -> str:
        lists = [_format_list("Signs", signs[:count]), _format_list("Cannot stand with", against[:count])]
        return "\n".join(filter(None, [head, *lists, *fixed]))

    return _fit_tokens(NEIGHBOURHOOD_TOKENS, write)


def describe_graph(graph: ConceptGraph) -> str:
    """The whole graph, one line per finding: + what shows it, − what cannot stand beside it."""
    legend = "+ signs of the finding, − what cannot stand beside it, < what it is a kind of"
    return "\n".join([legend, *(_describe_finding(graph, finding) for finding in graph.findings)])


def describe_condition(when: Condition | None) -> str:
    """Return when a relation holds, in a few words; nothing for a relation that always does."""
    if when is None:
        return ""
    severity = {
        (True, False): f"{when.min_severity} or more",
        (False, True): f"{when.max_severity} or less",
        (True, True): f"{when.min_severity} to {when.max_severity}",
    }.get((bool(when.min_severity), bool(when.max_severity)), "")
    said = [
        "/".join(when.views) + " view" if when.views else "",
        severity,
        " or ".join(when.acuity),
        f"on the {when.side}" if when.side else "",
        "at the " + " or ".join(region.replace("_", " ") for region in when.regions) if when.regions else "",
        f"a whole {when.min_extent} or more" if when.min_extent else "",
        "same side" if when.same_side else "",
        "stated without doubt" if when.definite else "",
        "denied without qualification" if when.unqualified else "",
        "without an exception" if when.no_exception else "",
        f"said as {_format_quoted(when.wording)}" if when.wording else "",
        f"not said as {_format_quoted(when.not_wording)}" if when.not_wording else "",
        when.note,
    ]
    return "; ".join(filter(None, said))


def _describe_finding(graph: ConceptGraph, finding: Concept) -> str:
    signs = [_name_concept(graph, relation.other(finding.id)) for relation in graph.supports(finding.id)]
    against = _describe_contradictions(graph, finding.id)
    parents = ", ".join(graph.concept(parent).label for parent in graph.parents(finding.id))

    def write(count: int) -> str:
        parts = [
            f"< {parents}" if parents else "",
            "+ " + ", ".join(signs[:count]) if signs else "",
            "− " + ", ".join(against[: count // 2]) if against[: count // 2] else "",
        ]
        return f"{finding.label}: " + "; ".join(filter(None, parts))

    return _fit_tokens(LINE_TOKENS, write)


def _describe_contradictions(graph: ConceptGraph, finding: str) -> list[str]:
    """Return what cannot stand beside a finding, but for plain denials, mere remarks and what labels imply.

    What only one of its signs rules out is left out: not every film with the finding shows that sign.
    """
    found = {
        relation.other(finding): relation
        for relation in graph.exclusions(finding)
        if relation.kind not in ("negation", "label_logic")
        and relation.strength != "weak"
        and finding in (relation.source, relation.target)
    }
    obvious = {
        relation.other(finding)
        for relation in (*graph.relations_of(finding), *graph.exclusions(finding))
        if relation.kind == "negation" or relation.relation == "positive"
    }
    new = [other for other in found if other not in obvious and other != NO_FINDING]
    return [
        _describe_concept(graph, other, found[other])
        for other in sorted(new, key=lambda o: graph.concept(o).kind == "normal_state")
    ]


def _describe_sign(graph: ConceptGraph, finding: str, relation: Relation) -> str:
    return _describe_concept(graph, relation.other(finding), relation)


def _describe_concept(graph: ConceptGraph, concept_id: str, relation: Relation) -> str:
    # An expert needs to know where and when a sign is seen, not by which words a reader finds it.
    finer = {"definite": False, "unqualified": False, "no_exception": False}
    asides = {"note": "", "wording": (), "not_wording": (), **finer}
    short = describe_condition(relation.when.model_copy(update=asides)) if relation.when else ""
    return _name_concept(graph, concept_id) + (f" ({short})" if short else "")


def _name_concept(graph: ConceptGraph, concept_id: str) -> str:
    concept = graph.concept(concept_id)
    if concept.kind == "attribute" and concept.write.noun:
        return concept.write.noun
    first = concept.label.split(maxsplit=1)[0]
    keeps_its_capital = concept.kind == "finding" or first.isupper()
    return concept.label if keeps_its_capital else concept.label[:1].lower() + concept.label[1:]


def _format_quoted(words: Iterable[str]) -> str:
    return ", ".join(f"“{word}”" for word in words)


def _format_list(title: str, items: Iterable[str]) -> str:
    joined = "; ".join(items)
    return f"{title}: {joined}." if joined else ""


def _fit_tokens(tokens: int, write: Callable[[int], str]) -> str:
    """The text with the most list items that keeps within its tokens; two of each come whatever they cost."""
    texts = (write(count) for count in range(MOST_LISTED, 2, -1))
    return next((text for text in texts if count_tokens(text) <= tokens), write(2))

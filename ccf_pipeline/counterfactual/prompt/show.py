"""Show an expert the report, fenced as data, and as much of the graph as it needs."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from itertools import groupby

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.words import describe_neighbourhood
from ccf_pipeline.records import Study

RELATIONS = {"positive": "association", "exclusive": "exclusion"}
MARK_LENGTH = 6


def show_report(study: Study) -> str:
    """Show the report with its sentences numbered, between two lines with a mark.

    The mark stands nowhere in the report, so that no report can close its fence.
    """
    sections = []
    for section, sentences in groupby(study.sentences, key=lambda sentence: sentence.section):
        # One line per sentence: a break inside one could pass for the number of another.
        words = [(sentence.number, " ".join(sentence.text.split())) for sentence in sentences]
        heading = f"{section.upper()}:" if section else ""
        sections.append("\n".join([*filter(None, [heading]), *(f"[{n}] {text}" for n, text in words)]))
    report = "\n".join(sections)
    mark = _mark_for(report)
    return f"<report {mark}>\n{report}\n</report {mark}>"


def _mark_for(report: str) -> str:
    """Digits and letters that the report does not hold; the same report always has the same."""
    digest = report
    while True:
        digest = hashlib.sha256(digest.encode(errors="surrogatepass")).hexdigest()
        if digest[:MARK_LENGTH] not in report.lower():
            return digest[:MARK_LENGTH]


@lru_cache(maxsize=64)
def show_target(graph: ConceptGraph, target: str) -> str:
    """The target with its neighbourhood, in the same words for every study."""
    return describe_neighbourhood(graph, target)


@lru_cache(maxsize=4)
def show_graph(graph: ConceptGraph) -> str:
    """Every relation of every finding, as the paper's prompt has it."""
    lines = [
        f"({finding.label}, {RELATIONS[relation.relation]}, {graph.concept(other).label})"
        for finding in graph.findings
        for relation in graph.relations_of(finding.id)
        if (other := relation.other(finding.id)) != finding.id
    ]
    return "\n".join(dict.fromkeys(lines))

"""The concept graph printed for people: a concept's card, counts, and differences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ccf_pipeline.errors import GraphError
from ccf_pipeline.graph.diff import Change
from ccf_pipeline.graph.graph import ConceptGraph
from ccf_pipeline.graph.model import CORRELATES, Concept, Relation
from ccf_pipeline.graph.names import closest
from ccf_pipeline.graph.proofs import describe_evidence
from ccf_pipeline.graph.stats import count_graph
from ccf_pipeline.graph.words import describe_condition

FORMS_SHOWN = 12
CATEGORIES = ("morphological", "density", "anatomical", "functional")


def print_card(graph: ConceptGraph, concept: Concept) -> None:
    """Print all that the graph says of one concept."""
    console = Console(highlight=False, markup=False)
    _print_head(console, graph, concept)
    positive = [r for r in graph.relations_of(concept.id) if r.relation == "positive"]
    signs = [r for r in positive if r.may_be_written and r.kind not in ("is_a", "variant")]
    signs += [r for r in positive if r.kind in ("is_a", "variant") and r.source != concept.id]
    _print_relations(console, graph, concept, "goes with", "green", _sort_by_category(graph, concept, signs))
    excluded = list(graph.excluded(concept.id).items())
    own = [r for other, r in excluded if {other, concept.id} == {r.source, r.target}]
    against = _sort_by_category(graph, concept, own)
    _print_relations(console, graph, concept, "cannot stand beside", "red", against)
    inherited = [
        graph.concept(other).label for other, r in excluded if {other, concept.id} != {r.source, r.target}
    ]
    _print_list(console, "by inheritance also excludes", inherited)
    correlates = [graph.concept(r.other(concept.id)).label for r in positive if r.kind in CORRELATES]
    _print_list(console, "often seen with, never added because of it", correlates)
    mimics = [f"{graph.concept(m.source).label} ({m.why})" for m in graph.mimics_of(concept.id)]
    _print_list(console, "looks like it", mimics)
    _print_sources(console, graph, concept)


def print_counts(graph: ConceptGraph) -> None:
    """Count what a graph holds."""
    console = Console(highlight=False, markup=False)
    table = Table(box=None, show_header=False, pad_edge=False)
    for group, counts in count_graph(graph.file).items():
        table.add_row(Text(group, style="bold"), "")
        for name, count in counts.items():
            table.add_row(f"  {name}", Text(str(count), justify="right"))
    console.print(table)
    console.print(f"digest {graph.digest}", soft_wrap=True)


def explain_relation(graph: ConceptGraph, key: str) -> str:
    """Return what a relation says, why, when, and what it stands on."""
    relation = graph.relations.get("".join(key.split()))
    if relation is None:
        near = closest(key, graph.relations)
        hint = f"Did you mean `{near}`?" if near else "Write SOURCE>TARGET, as `graph show` has their ids."
        raise GraphError(f"`{key}` is not a relation of the graph", hint=hint)
    lines = [
        f"{relation.key}: {relation.relation}, {relation.kind}, {relation.strength}",
        f"why: {relation.why}",
    ]
    if relation.when:
        lines.append(f"if: {describe_condition(relation.when)}")
    lines.append(graph.proofs.explain(relation))
    for key in relation.sources:
        source = graph.file.sources[key]
        passing = "" if source.lasting else " (no lasting source)"
        lines.append(f"source: {source.title}{', ' + source.where if source.where else ''}{passing}")
    if relation.review != "mined":
        lines += [f"counted: {describe_evidence(found)}" for found in relation.mined]
    return "\n".join(lines)


def print_changes(changes: Sequence[Change]) -> None:
    """One line per changed block, then its fields."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    styles = {"+": "green", "-": "red", "~": "yellow"}
    for change in changes:
        console.print(f"{change.sign} {change.block} {change.name}", style=styles[change.sign])
        for field, before, after in change.fields:
            console.print(f"    {field}: {before} → {after}")
    console.print(f"{len(changes)} difference{'s' * (len(changes) != 1)}")


def _print_head(console: Console, graph: ConceptGraph, concept: Concept) -> None:
    console.print(Rule(Text(concept.label, style="bold"), align="left"))
    kind = concept.kind.replace("_", " ")
    radlex = f" · RadLex {concept.radlex}" if concept.radlex else ""
    console.print(f"{concept.id} · {concept.category} {kind}{radlex}", style="dim")
    console.print(concept.definition)
    _print_list(console, "a kind of", [graph.concept(p).label for p in graph.parents(concept.id)])
    _print_list(console, "kinds of it", [graph.concept(c).label for c in graph.children(concept.id)])
    _print_list(console, "where", [graph.regions[r].label for r in concept.regions if r in graph.regions])
    _print_list(console, "severity", concept.severities)
    _print_list(console, "read as", _list_first_forms((*concept.forms, *concept.exact_forms)))
    _print_list(console, "but not as", _list_first_forms(concept.not_forms))
    _print_list(console, "written as", concept.write.present[:2])
    _print_list(console, "denied as", concept.write.absent[:2])
    _print_list(console, "CheXpert labeler", [concept.labeler_note] if concept.labeler_note else [])


def _list_first_forms(forms: Sequence[str]) -> list[str]:
    more = len(forms) - FORMS_SHOWN
    return [*forms[:FORMS_SHOWN], *([f"and {more} more"] if more > 0 else [])]


def _print_list(console: Console, title: str, items: Iterable[str]) -> None:
    joined = "; ".join(items)
    if joined:
        console.print(Text.assemble((f"{title}: ", "bold"), joined))


def _sort_by_category(
    graph: ConceptGraph, concept: Concept, relations: Iterable[Relation]
) -> list[tuple[Concept, Relation]]:
    strengths = ("strong", "moderate", "weak")
    found = [(graph.concept(r.other(concept.id)), r) for r in relations]
    return sorted(found, key=lambda x: (CATEGORIES.index(x[0].category), strengths.index(x[1].strength)))


def _print_relations(
    console: Console,
    graph: ConceptGraph,
    concept: Concept,
    title: str,
    style: str,
    relations: list[tuple[Concept, Relation]],
) -> None:
    if not relations:
        return
    heading = Text(f"{concept.label} {title}", style=f"bold {style}")
    table = Table(title=heading, title_justify="left", expand=True)
    table.add_column("concept", ratio=5)
    table.add_column("strength", min_width=8)
    table.add_column("why, and when", ratio=8)
    table.add_column("source", ratio=3, overflow="fold")
    category = ""
    for other, relation in relations:
        if other.category != category:
            category = other.category
            table.add_section()
            table.add_row(Text(category, style="dim italic"))
        when = describe_condition(relation.when)
        why = Text.assemble(relation.why, (f"\nif {when}" if when else "", "italic"))
        source = f"{', '.join(relation.sources)} ({graph.proofs.explain(relation)})"
        table.add_row(Text(other.label, style=style), relation.strength, why, source)
    console.print(table)


def _print_sources(console: Console, graph: ConceptGraph, concept: Concept) -> None:
    cited = [key for relation in graph.relations_of(concept.id) for key in relation.sources]
    for key in dict.fromkeys((*concept.sources, *cited)):
        source = graph.file.sources[key]
        console.print(f"{key}: {source.title}{', ' + source.where if source.where else ''}", style="dim")

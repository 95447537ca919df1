"""What holds of every graph, whatever it says."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ccf_pipeline.graph import ConceptGraph, GraphFile, Relation
from ccf_pipeline.graph.digest import digest_of
from ccf_pipeline.graph.lint import lint_graph
from ccf_pipeline.graph.load import parse_graph_text, read_graph_file

SMALL_PATH = Path(__file__).with_name("small.yaml")
SMALL = read_graph_file(SMALL_PATH)
TEXT = SMALL_PATH.read_text(encoding="utf-8")
IDS = [concept.id for concept in SMALL.concepts]


@st.composite
def relations(draw: st.DrawFn) -> Relation:
    positive = draw(st.booleans())
    kind = draw(st.sampled_from(["is_a", "sign_of"])) if positive else "contradicts"
    return Relation(
        source=draw(st.sampled_from(IDS)),
        target=draw(st.sampled_from(IDS)),
        relation="positive" if positive else "exclusive",
        kind=kind,  # type: ignore[arg-type]
        scope="global",
        strength="strong",
        inherits=draw(st.booleans()),
        why="Drawn.",
        sources=("STD",),
        review="taught",
    )


graph_files = st.lists(relations(), max_size=25).map(
    lambda drawn: SMALL.model_copy(update={"relations": tuple(drawn)})
)


@given(graph_files)
def test_exclusivity_is_symmetric(file: GraphFile) -> None:
    graph = ConceptGraph(file)

    assert all(graph.excludes(a, b) == graph.excludes(b, a) for a in IDS for b in IDS)


@given(graph_files)
def test_a_kind_takes_over_what_excludes_its_parents(file: GraphFile) -> None:
    graph = ConceptGraph(file)

    for relation in file.relations:
        if relation.relation == "exclusive" and relation.inherits:
            for kind in graph.descendants(relation.source):
                assert graph.excludes(kind, relation.target) is not None


@given(graph_files)
def test_inheritance_never_yields_a_contradiction_in_a_graph_that_passes_lint(file: GraphFile) -> None:
    kinds = {fault.kind for fault in lint_graph(file)}
    if kinds & {"contradiction", "inherited-contradiction", "self-relation", "cycle"}:
        return

    graph = ConceptGraph(file)

    for relation in file.relations:
        if relation.relation == "positive":
            assert graph.excludes(relation.source, relation.target) is None
    for concept in IDS:
        assert graph.excludes(concept, concept) is None
        assert all(graph.excludes(concept, above) is None for above in graph.ancestors(concept))


@given(graph_files)
def test_walks_end_even_where_kinds_go_in_circles(file: GraphFile) -> None:
    graph = ConceptGraph(file)

    assert all(concept not in graph.ancestors(concept) for concept in IDS)


@given(st.permutations(range(len(SMALL.relations))), st.permutations(range(len(SMALL.concepts))))
@settings(max_examples=30)
def test_the_digest_ignores_the_order_of_blocks(relation_order: list[int], concept_order: list[int]) -> None:
    shuffled = SMALL.model_copy(
        update={
            "relations": tuple(SMALL.relations[i] for i in relation_order),
            "concepts": tuple(SMALL.concepts[i] for i in concept_order),
            "sources": dict(reversed(SMALL.sources.items())),
        }
    )

    assert digest_of(shuffled) == digest_of(SMALL)


@given(st.lists(st.integers(0, TEXT.count("\n") - 1), max_size=8), st.text("abc: #-{'", max_size=12))
@settings(max_examples=30)
def test_the_digest_ignores_comments_and_blank_lines(places: list[int], comment: str) -> None:
    lines = TEXT.split("\n")
    for place in sorted(places, reverse=True):
        lines.insert(place, f"   # {comment}")
        lines.insert(place, "")
    text = parse_graph_text(SMALL_PATH, "\n".join(lines))

    assert digest_of(GraphFile.model_validate(text.content)) == digest_of(SMALL)


@given(st.sampled_from(range(len(SMALL.relations))))
def test_the_digest_knows_a_change_of_meaning(number: int) -> None:
    relation = SMALL.relations[number]
    turned = relation.model_copy(update={"strength": "weak" if relation.strength == "strong" else "strong"})
    altered = (*SMALL.relations[:number], turned, *SMALL.relations[number + 1 :])

    assert digest_of(SMALL.model_copy(update={"relations": altered})) != digest_of(SMALL)

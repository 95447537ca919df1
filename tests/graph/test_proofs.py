"""What relations stand on, and proofs that fail as soon as their premise is taken away."""

from pathlib import Path

import pytest

from ccf_pipeline.graph.load import find_faults, load_graph, read_graph_file
from ccf_pipeline.graph.model import GraphFile, MinedEvidence, Relation
from ccf_pipeline.graph.proofs import RULES, Proofs, count_backings, describe_evidence
from ccf_pipeline.graph.review_files import stamp_evidence

SMALL = Path(__file__).with_name("small.yaml")
SIGN = "fnd_pneumothorax>att_pleural_line"
COUNTS = MinedEvidence(corpus="ours", studies=900, together=20, expected=2.5, odds=12, low=6, high=24)


@pytest.fixture(scope="module")
def shipped() -> GraphFile:
    return load_graph().file


def without_forms(file: GraphFile, concept_id: str) -> GraphFile:
    """The file with one concept's words taken away."""
    return file.model_copy(
        update={
            "concepts": tuple(
                c.model_copy(update={"forms": ("zzz",)}) if c.id == concept_id else c for c in file.concepts
            )
        }
    )


def derived_by(file: GraphFile, rule: str) -> tuple[Relation, ...]:
    return tuple(r for r in file.relations if r.review == f"derived by {rule}")


def test_every_relation_has_a_backing_or_an_open_question(shipped: GraphFile) -> None:
    proofs = Proofs(shipped)
    backings = count_backings(shipped, shipped.relations)

    assert sum(backings.values()) == len(shipped.relations)
    assert all(proofs.open_question(r) for r in shipped.relations if proofs.backing(r) == "taught")
    assert all(proofs.explain(r) for r in shipped.relations)


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_proves_some_relation_of_the_shipped_graph(rule: str, shipped: GraphFile) -> None:
    proofs = Proofs(shipped)

    assert derived_by(shipped, rule)
    assert all(proofs.prove(relation) for relation in derived_by(shipped, rule))


@pytest.mark.parametrize("rule", ["denial", "name"])
def test_a_proof_by_words_fails_without_the_words(rule: str, shipped: GraphFile) -> None:
    for relation in derived_by(shipped, rule):
        assert not Proofs(without_forms(shipped, relation.source)).prove(relation)


def test_an_inheritance_fails_without_the_kinship(shipped: GraphFile) -> None:
    unrelated = tuple(r for r in shipped.relations if r.kind != "is_a")

    for relation in derived_by(shipped, "inheritance"):
        assert not Proofs(shipped.model_copy(update={"relations": unrelated})).prove(relation)


def test_a_cluster_fails_where_the_whole_excludes_less(shipped: GraphFile) -> None:
    positive = tuple(r for r in shipped.relations if r.relation == "positive")

    for relation in derived_by(shipped, "cluster"):
        assert not Proofs(shipped.model_copy(update={"relations": positive})).prove(relation)


def test_a_head_behind_a_preposition_is_not_what_is_denied() -> None:
    file = read_graph_file(SMALL)
    relation = next(r for r in file.relations if r.key == "nrm_sharp_angles>att_blunted_angle")
    words = {"nrm_sharp_angles": ("no effusion",), "att_blunted_angle": ("level in the effusion",)}
    concepts = tuple(c.model_copy(update={"forms": words.get(c.id, c.forms)}) for c in file.concepts)

    proof = Proofs(file.model_copy(update={"concepts": concepts})).prove_denial(relation)

    assert proof == ""


def test_a_web_page_alone_leaves_a_relation_taught() -> None:
    file = read_graph_file(SMALL)
    cited = next(r for r in file.relations if r.sources == ("FG24",))
    passing = file.sources["FG24"].model_copy(update={"lasting": False})

    assert Proofs(file).backing(cited) == "cited"
    assert Proofs(file.model_copy(update={"sources": {"FG24": passing}})).backing(cited) == "taught"


def test_counts_are_stamped_beside_their_relation_and_nothing_else_changes(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(SMALL.read_text(encoding="utf-8"), encoding="utf-8")

    settled = stamp_evidence(path, {SIGN: COUNTS, "nrm_no_effusion>fnd_pleural_effusion": COUNTS})

    graph = load_graph(path)
    relation = graph.relations[SIGN]
    assert settled == 1
    assert relation.mined == (COUNTS,)
    assert graph.proofs.explain(relation) == f"mined: {describe_evidence(COUNTS)}"
    # A denial that goes with what it denies is contradicted: the counts are kept, the state is not raised.
    assert graph.relations["nrm_no_effusion>fnd_pleural_effusion"].review == "taught"
    assert path.read_text(encoding="utf-8").count("\n") == SMALL.read_text(encoding="utf-8").count("\n") + 1


def test_newer_counts_of_a_corpus_replace_older_ones_and_lint_tries_them(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(SMALL.read_text(encoding="utf-8"), encoding="utf-8")
    stamp_evidence(path, {SIGN: COUNTS})

    stamp_evidence(path, {SIGN: COUNTS.model_copy(update={"low": 1.1})})

    assert [found.low for found in read_graph_file(path).relations[8].mined] == [1.1]
    assert [fault.kind for _, fault in find_faults(path)] == ["unproved"]

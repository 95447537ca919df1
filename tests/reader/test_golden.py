"""The reader's self-test: passes with the shipped graph, notices what a changed graph no longer says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.engine import materials
from ccf_pipeline.errors import ReaderError
from ccf_pipeline.graph.load import default_graph_path, read_graph_file
from ccf_pipeline.graph.model import Concept, GraphFile
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.golden import check_reader, golden_sentences, require_reader
from ccf_pipeline.records import FINDING_LABELS
from ccf_pipeline.settings import BuildSettings, CorpusSettings


@pytest.fixture(scope="module")
def shipped() -> GraphFile:
    return read_graph_file(default_graph_path())


def changed(graph: GraphFile, concept_id: str, change: Callable[[Concept], Concept]) -> GraphFile:
    concepts = tuple(change(c) if c.id == concept_id else c for c in graph.concepts)
    return graph.model_copy(update={"concepts": concepts})


def without_words(graph: GraphFile, concept_id: str) -> GraphFile:
    return changed(graph, concept_id, lambda c: c.model_copy(update={"forms": ("xyzzy",), "exact_forms": ()}))


def misread(graph: GraphFile) -> list[str]:
    return [misreading.concept for misreading in check_reader(Lexicon.from_graph(graph), graph)]


def test_every_golden_sentence_is_read_right_with_the_shipped_graph(shipped: GraphFile) -> None:
    assert check_reader(Lexicon.from_graph(shipped), shipped) == ()


def test_the_sentences_cover_the_fourteen_findings_and_every_polarity() -> None:
    said = [claim.split() for golden in golden_sentences() for claim in golden.get("says", ())]

    devices = {"att_ett", "att_picc"}
    assert set(FINDING_LABELS) - {"fnd_support_devices"} <= {concept for concept, *_ in said}
    assert devices <= {concept for concept, *_ in said}
    assert {"present", "absent", "uncertain"} <= {polarity for _, polarity, *_ in said}
    assert len(golden_sentences()) >= 40


@pytest.mark.parametrize(
    "lost",
    [
        *("fnd_atelectasis", "fnd_consolidation", "fnd_edema", "fnd_fracture"),
        *("fnd_pleural_effusion", "fnd_pneumonia", "fnd_pneumothorax", "att_ett", "att_picc"),
    ],
)
def test_a_concept_that_lost_its_words_is_noticed(lost: str, shipped: GraphFile) -> None:
    missed = misread(without_words(shipped, lost))

    assert lost in missed


def test_a_word_that_says_too_much_is_noticed(shipped: GraphFile) -> None:
    greedy = changed(
        shipped,
        "fnd_pleural_effusion",
        lambda c: c.model_copy(update={"forms": (*c.forms, "small pericardial effusion"), "not_forms": ()}),
    )

    (misreading,) = check_reader(Lexicon.from_graph(greedy), greedy)
    assert str(misreading) == (
        "'Small pericardial effusion.' should say fnd_pleural_effusion nothing, and says present small"
    )


def test_a_graph_is_not_asked_what_it_has_no_concept_or_relation_for(shipped: GraphFile) -> None:
    without_relations = shipped.model_copy(
        update={"relations": tuple(r for r in shipped.relations if r.relation != "exclusive")}
    )
    only_pneumothorax = shipped.model_copy(
        update={
            "concepts": tuple(c for c in shipped.concepts if c.id == "fnd_pneumothorax"),
            "relations": (),
        }
    )

    assert misread(without_relations) == []
    assert misread(only_pneumothorax) == []
    assert "fnd_pneumothorax" in misread(without_words(only_pneumothorax, "fnd_pneumothorax"))


def test_the_refusal_names_the_sentence_the_concept_and_what_to_do(shipped: GraphFile) -> None:
    spoiled = without_words(shipped, "fnd_edema")

    with pytest.raises(ReaderError, match="fnd_edema") as refused:
        require_reader(Lexicon.from_graph(spoiled), spoiled)

    assert "ccf-build read" in refused.value.hint
    assert "\n" not in refused.value.what + refused.value.hint


def test_a_build_does_not_begin_with_a_reader_that_misreads(
    tmp_path: Path, shipped: GraphFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ccf_pipeline.graph import ConceptGraph

    spoiled = ConceptGraph(without_words(shipped, "fnd_pneumothorax"))
    monkeypatch.setattr(materials, "load_graph", lambda path: spoiled)
    (tmp_path / "corpus").mkdir()
    settings = BuildSettings(
        out=tmp_path / "build", corpus=CorpusSettings(kind="demo", path=tmp_path / "corpus")
    )

    with pytest.raises(ReaderError):
        walk.build(settings)

    assert not (tmp_path / "build").exists()

"""Statements put into words, and the small English that finishes them."""

from __future__ import annotations

import random

import pytest
import yaml

from ccf_pipeline.experts.rules.grammar import agree, finish_sentence, is_plural, split_label
from ccf_pipeline.experts.rules.naming import Naming
from ccf_pipeline.experts.rules.writing import Surroundings, Writer, list_denials
from ccf_pipeline.graph import ConceptGraph, GraphFile
from ccf_pipeline.records import Side, Statement

GRAPH = """
name: small
version: "1"
language: en
description: Enough of a chest for these tests.
sources: {STD: {title: Standard teaching}}
severity_grades: [[small], [large]]
regions:
  - {id: base, label: base, sides: both, words: [base, basilar]}
  - {id: minor_fissure, label: minor fissure, sides: right, words: [minor fissure]}
concepts:
  - &finding
    id: fnd_pneumothorax
    label: Pneumothorax
    kind: finding
    category: anatomical
    definition: Air in the pleural space.
    forms: [pneumothorax]
    write:
      present:
        - "There is a {severity} {side} pneumothorax at the {region}."
        - "{bilateral} pneumothoraces are present, new since the prior."
        - "{side} tension pneumothorax."
      absent: [There is no pneumothorax.]
      noun: pneumothorax
    sources: [STD]
  - <<: *finding
    id: att_tension
    kind: attribute
    forms: [tension]
    write: {}
  - <<: *finding
    id: att_fissural_fluid
    kind: attribute
    forms: [fluid in the fissure]
    write: {present: [Fluid is present in the minor fissure., The fissures are thickened.]}
relations: []
"""

NOTHING: frozenset[str] = frozenset()


@pytest.fixture(scope="module")
def writer() -> Writer:
    graph = ConceptGraph(GraphFile.model_validate(yaml.safe_load(GRAPH)))
    return Writer(graph, Naming(graph))


def ways(
    writer: Writer, statement: Statement, *, is_terse: bool = False, named: frozenset[str] = NOTHING
) -> set[str]:
    """Everything the writer may say."""
    around = Surroundings(named=named, allowed=NOTHING, is_terse=is_terse)
    written = (writer.write(statement, around, random.Random(seed)) for seed in range(60))
    return {sentence.text for sentence in written if sentence is not None}


def pneumothorax(side: Side, region: str | None = None, severity: str | None = None) -> Statement:
    return Statement(
        concept="fnd_pneumothorax", polarity="present", side=side, region=region, severity=severity
    )


def test_a_statement_is_told_with_its_side_place_and_degree(writer: Writer) -> None:
    told = ways(writer, pneumothorax("left", "base", "small"))

    assert "There is a small left pneumothorax at the base." in told
    assert "There is a small left basilar pneumothorax." in told
    assert all("left" in text and "bas" in text for text in told)


def test_both_sides_make_a_plural_and_words_of_comparison_are_not_used(writer: Writer) -> None:
    told = ways(writer, pneumothorax("bilateral"))

    assert "There are bilateral pneumothoraces." in told
    assert not any("prior" in text for text in told)


def test_a_terse_report_gets_a_terse_sentence(writer: Writer) -> None:
    told = ways(writer, pneumothorax("left", "base", "small"), is_terse=True)

    assert told == {"Small left pneumothorax at the base.", "Small left basilar pneumothorax."}


def test_a_phrase_of_the_other_side_is_not_used(writer: Writer) -> None:
    fluid = Statement(concept="att_fissural_fluid", polarity="present", side="left")

    assert ways(writer, fluid) == {"The fissures are thickened."}


def test_a_phrase_that_names_what_the_report_speaks_of_is_avoided(writer: Writer) -> None:
    told = ways(writer, pneumothorax("right"), named=frozenset({"att_tension"}))

    assert told
    assert "Right tension pneumothorax." not in told


def test_borderline_is_never_written_because_it_reads_as_a_doubt(writer: Writer) -> None:
    told = ways(writer, pneumothorax("left", "base", "borderline"))

    assert not any("orderline" in text for text in told)


def test_a_denial_is_varied(writer: Writer) -> None:
    around = Surroundings(named=NOTHING, allowed=NOTHING, is_terse=False)

    told = {writer.deny("fnd_pneumothorax", around, random.Random(seed)) for seed in range(20)}

    assert told == {"There is no pneumothorax.", "No pneumothorax."}


@pytest.mark.parametrize(
    ("nouns", "sentence"),
    [
        (["Effusion"], "No effusion."),
        (["effusion", "pneumothorax"], "No effusion or pneumothorax."),
        (["effusion", "CHF", "pneumothorax"], "No effusion, CHF, or pneumothorax."),
    ],
)
def test_denials_are_listed(nouns: list[str], sentence: str) -> None:
    assert list_denials(nouns) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("there is a  effusion , small", "There is an effusion, small."),
        ("an small effusion", "A small effusion."),
        ("a NG tube and an PICC are in place", "An NG tube and a PICC are in place."),
        ("a unilateral opacity,", "A unilateral opacity."),
        ("no effusion,, or edema", "No effusion, or edema."),
        ("___ is seen.", "___ is seen."),
        (" ,", ""),
    ],
)
def test_a_sentence_is_finished(text: str, sentence: str) -> None:
    assert finish_sentence(text) == sentence


@pytest.mark.parametrize(
    ("phrase", "plural"),
    [
        ("small pleural effusions", True),
        ("atelectasis", False),
        ("blunting of the costophrenic angles", False),
        ("opacities at the left base", True),
        ("the hila", True),
        ("small effusions bilaterally", True),
        ("cardiomegaly and edema", True),
        ("acute osseous process", False),
    ],
)
def test_a_noun_phrase_knows_its_number(phrase: str, plural: bool) -> None:
    assert is_plural(phrase) is plural


def test_a_verb_follows_its_subject() -> None:
    assert agree(" are seen", plural=False) == " is seen"
    assert agree("There is ", plural=True) == "There are "
    assert agree(" seen", plural=True) == " seen"


@pytest.mark.parametrize(
    ("sentence", "label"),
    [
        ("2. No effusion.", "2. "),
        ("Pleura: No effusion.", "Pleura: "),
        ("Heart and mediastinum: Normal.", "Heart and mediastinum: "),
        ("No effusion: normal.", ""),
        ("3.2 cm mass.", ""),
    ],
)
def test_a_label_is_told_from_the_sentence(sentence: str, label: str) -> None:
    assert split_label(sentence) == (label, sentence.removeprefix(label))

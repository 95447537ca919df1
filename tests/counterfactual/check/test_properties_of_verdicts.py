"""What holds of every verdict, over seeded demo studies; bench/faults.py does so at length."""

from __future__ import annotations

import random

import pytest

from ccf_pipeline import walk
from ccf_pipeline.counterfactual.check.foreign_pairs import audit_pair
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.records import FINDING_LABELS, Pair
from ccf_pipeline.settings import BuildSettings, CorpusSettings
from tests.counterfactual.planting import plant_faults
from tests.shipped import LEXICON

IDS = {label: finding for finding, label in FINDING_LABELS.items()}


@pytest.fixture(scope="module")
def lexicon(graph: ConceptGraph) -> Lexicon:
    return LEXICON


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[Pair]:
    """What the rules expert makes of a small demo corpus, and the checker accepts."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo_corpus(folder / "corpus", studies=80, as_zip=True, images=False)
    corpus = CorpusSettings(kind="demo", path=folder / "corpus")
    summary = walk.build(BuildSettings(out=folder / "build", corpus=corpus))
    return [
        Pair(
            pair_id=record.record_id,
            factual=record.factual_text,
            candidate=record.counterfactual_text,
            target=IDS[record.target],
            direction=record.direction,
            swap_from=tuple(IDS[finding] for finding in record.swap_from),
        )
        for record in BuildFolder(folder / "build").accepted_records(summary.plan.shards)
    ]


def codes_of(pair: Pair, graph: ConceptGraph, lexicon: Lexicon) -> set[str]:
    problems = audit_pair(pair, graph, lexicon).problems
    return {problem.code for problem in problems if problem.level == "block"}


def test_a_report_is_no_counterfactual_of_itself(
    pairs: list[Pair], graph: ConceptGraph, lexicon: Lexicon
) -> None:
    for pair in pairs:
        same = pair.model_copy(update={"candidate": pair.factual})

        assert codes_of(same, graph, lexicon) == {"unchanged"}


def test_what_is_accepted_stays_so_however_its_lines_are_wrapped(
    pairs: list[Pair], graph: ConceptGraph, lexicon: Lexicon
) -> None:
    chance = random.Random(7)
    for pair in pairs:
        sections = pair.candidate.split("\n")
        wrapped = "\n".join("".join(_respaced(section, chance)) for section in sections) + "\n"

        assert codes_of(pair.model_copy(update={"candidate": wrapped}), graph, lexicon) == set(), wrapped


def _respaced(section: str, chance: random.Random) -> list[str]:
    """Double spaces, and line ends before words that begin no list item."""
    words = section.split(" ")
    gaps = [
        "\n" if word[:1].islower() and chance.random() < 0.1 else chance.choice((" ", " ", "  "))
        for word in words[1:]
    ]
    return [piece for pair in zip(words, [*gaps, ""], strict=True) for piece in pair]


def test_planted_faults_are_caught_with_their_codes(
    pairs: list[Pair], graph: ConceptGraph, lexicon: Lexicon
) -> None:
    chance = random.Random(7)
    planted = [fault for pair in pairs for fault in plant_faults(pair, chance)]
    caught = [fault for fault in planted if codes_of(fault.pair, graph, lexicon) & fault.codes]

    assert len(planted) > 100
    assert len(caught) / len(planted) >= 0.97


def test_what_a_reason_points_at_lies_in_its_text(
    pairs: list[Pair], graph: ConceptGraph, lexicon: Lexicon
) -> None:
    chance = random.Random(7)
    told = 0
    for fault in (fault for pair in pairs for fault in plant_faults(pair, chance)):
        for problem in audit_pair(fault.pair, graph, lexicon).problems:
            for text, start, end in (
                (fault.pair.candidate, problem.start, problem.end),
                (fault.pair.factual, problem.factual_start, problem.factual_end),
            ):
                assert (start is None) == (end is None)
                if start is not None and end is not None:
                    told += 1
                    assert 0 <= start < end <= len(text)
                    assert text[start:end] == text[start:end].strip()

    assert told > 100

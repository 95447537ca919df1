"""Every written sentence accounts for itself: what nobody asked for is refused, good writing is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from ccf_pipeline.counterfactual.check.foreign_pairs import audit_pair
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import Pair, Verdict
from tests.counterfactual.check.good_edits import additions, removals, swaps
from tests.counterfactual.check.unrelated import GLUED, GOOD, UNRELATED, glue_on, insertions
from tests.counterfactual.check.unrelated_too import GLUED_TOO, UNRELATED_TOO

Judge = Callable[[Pair], Verdict]
# A sign of the target is no stranger, and words that tell the target are not weighed for their sense.
TAKEN = {
    ("swap an edema for an atelectasis", "There is mild elevation of the right hemidiaphragm."),
    ("swap a nodule for a normal chest", "The hila are normal."),
    ("swap a nodule for a normal chest", "The osseous structures are unremarkable."),
    ("swap a nodule for a normal chest", "The trachea is midline."),
    ("swap a nodule for a normal chest", "Lung volumes are normal."),
    ("remove an effusion", "Lung volumes are normal."),  # a large one would take from them
    ("add a pneumothorax", "Pneumothorax means air in the pleural space."),
    ("swap a consolidation for a pneumothorax", "Pneumothorax means air in the pleural space."),
}


@pytest.fixture(scope="module")
def judge(graph: ConceptGraph) -> Judge:
    lexicon = Lexicon.from_graph(graph.file)
    return lambda pair: audit_pair(pair, graph, lexicon)


@pytest.mark.parametrize("pair", GOOD, ids=lambda pair: pair.pair_id)
def test_a_good_edit_is_accepted(pair: Pair, judge: Judge) -> None:
    assert [problem for problem in judge(pair).problems if problem.level == "block"] == []


@pytest.mark.parametrize("kind", UNRELATED)
def test_an_unrelated_sentence_is_refused_wherever_it_stands(kind: str, judge: Judge) -> None:
    cases = list(insertions({kind: UNRELATED[kind]}, places=6))

    taken = {(pair.pair_id, sentence) for _, sentence, pair in cases if judge(pair).accepted}

    assert len(cases) >= 36
    assert taken <= TAKEN


def test_words_hung_on_the_sentence_that_tells_the_target_are_refused(judge: Judge) -> None:
    judged = Counter((kind, judge(pair).accepted) for kind, _, pair in glue_on(GLUED))

    taken = {kind: count for (kind, accepted), count in judged.items() if accepted}
    assert sum(judged.values()) > 200
    # An order in the report's own words is not told from a remark on the finding.
    assert set(taken) <= {"a trigger"}
    assert sum(taken.values()) <= 8


def test_the_reason_says_what_to_leave_out(judge: Judge) -> None:
    pair = GOOD[0].model_copy(
        update={"candidate": GOOD[0].candidate + " The patient is a smoker. Small left effusion."}
    )

    messages = [p.message for p in judge(pair).problems if p.code == "collateral_change"]

    assert "Sentence 7 has nothing to do with the change; leave it out." in messages
    assert "Sentence 8 speaks of Pleural Effusion, which was not asked for; leave it out." in messages


@pytest.mark.parametrize("hidden", ["\u200b", "\x07", "\u202e", "\ue000", "\u0440"])
def test_letters_that_cannot_be_seen_or_pass_for_others_are_refused(hidden: str, judge: Judge) -> None:
    text = GOOD[0].candidate.replace("apical", f"a{hidden}pical", 1)

    codes = {problem.code for problem in judge(GOOD[0].model_copy(update={"candidate": text})).problems}

    assert "format_broken" in codes


def test_a_second_set_of_unrelated_words_is_refused(judge: Judge) -> None:
    inserted = [judge(pair).accepted for _, _, pair in insertions(UNRELATED_TOO, places=6)]
    hung_on = [judge(pair).accepted for _, _, pair in glue_on(GLUED_TOO)]

    assert (len(inserted), len(hung_on)) == (966, 203)
    assert sum(inserted) <= 8
    assert sum(hung_on) <= 28  # a cervical rib is a place as well as a finding


def test_good_edits_of_many_styles_are_accepted(judge: Judge, read: Callable[[str], Reading]) -> None:
    judged: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for style, pair in (*additions(), *removals(), *swaps()):
        if pair.direction == "swap" and read(pair.factual).states.get(pair.target or "") == "present":
            continue
        judged[style] += 1
        refused[style] += not judge(pair).accepted

    assert sum(judged.values()) > 1400
    assert sum(refused.values()) <= 0.01 * sum(judged.values())

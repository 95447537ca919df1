"""The factual report in other words: what counts as the same, and what does not."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from ccf_pipeline.counterfactual.check import check_rewording
from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.counterfactual.plan import Change, plan_change
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import Completion
from tests.counterfactual.conftest import study_of

Read = Callable[[str], Reading]
ANY_CHANGE = Change("add", "fnd_fracture", ())


def is_the_same(sentence: str, words: str, graph: ConceptGraph, read: Read) -> bool:
    study = study_of(f"FINDINGS: {sentence} No pneumothorax.")
    plan = plan_change(study, read(study.text), graph, ANY_CHANGE, seed=1)
    answer = Completion(prompt_id="q", expert="e", model="m", text=json.dumps({"edits": [f"=1 {words}"]}))
    edit = read_edit(answer, plan, study)
    return not check_rewording(edit, plan, study, read(study.text), read(edit.text), graph)


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("Left mid lung opacity, new since ___.", "Opacity in the left mid lung, new compared to ___."),
        ("Suspected severe edema, not seen previously.", "Severe edema is suspected, not previously seen."),
        ("Bibasilar atelectasis, new since ___.", "Atelectasis at both lung bases, new compared to ___."),
        ("Mild bibasilar atelectasis.", "There is mild atelectasis at both lung bases."),
        ("There is extensive opacification at the left base.", "Extensive left basilar opacification."),
        ("Cardiomegaly is unchanged.", "The heart remains enlarged, unchanged."),
    ],
)
def test_the_same_in_other_words_is_taken(sentence: str, words: str, graph: ConceptGraph, read: Read) -> None:
    assert is_the_same(sentence, words, graph, read)
    assert is_the_same(words, sentence, graph, read)


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("Left mid lung opacity, new since ___.", "Opacity in the left mid lung."),
        ("Left mid lung opacity, new since ___.", "Opacity in the left mid lung, unchanged since ___."),
        ("Small effusion and new atelectasis.", "New small effusion and atelectasis."),
        ("Mild bibasilar atelectasis.", "There is severe atelectasis at both lung bases."),
        ("Mild bibasilar atelectasis.", "There is mild atelectasis at the left lung base."),
        ("There is opacification at the left base.", "Right basilar opacification is present."),
        ("There is opacification at the left base.", "Left apical opacification is present."),
        ("The effusion has resolved.", "There is an effusion."),
        ("Mild cardiomegaly.", "The heart is possibly mildly enlarged."),
    ],
)
def test_another_meaning_is_refused(sentence: str, words: str, graph: ConceptGraph, read: Read) -> None:
    assert not is_the_same(sentence, words, graph, read)
    assert not is_the_same(words, sentence, graph, read)

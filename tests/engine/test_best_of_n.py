"""Best of n: several wordings of one counterfactual, of which the least conspicuous accepted one is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.counterfactual.tells import fit_discriminator, word_features
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine import best_of_n
from ccf_pipeline.engine.best_of_n import Judges, half_of
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.experts.chat.answers import measure_room, read_reply
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import Record
from ccf_pipeline.settings import BuildSettings, CorpusSettings, ExpertSettings


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=40, seed=4, images=False)
    return folder


def build(corpus: Path, out: Path, candidates: int) -> list[Record]:
    expert = ExpertSettings(chosen=False, candidates=candidates)
    walk.build(BuildSettings(out=out, corpus=CorpusSettings(kind="demo", path=corpus), expert=expert))
    return list(BuildFolder(out).records_of(0))


@pytest.mark.slow
def test_several_wordings_are_written_and_the_same_one_is_kept_again(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(best_of_n, "FEWEST_PAIRS", 10)

    once = build(corpus, tmp_path / "once", 4)
    again = build(corpus, tmp_path / "again", 4)
    plain = build(corpus, tmp_path / "plain", 1)

    assert once == again
    texts = {row.record_id: row.counterfactual_text for row in plain}
    assert any(texts[row.record_id] != row.counterfactual_text for row in once)
    assert sum(row.accepted for row in once) >= sum(row.accepted for row in plain)


def test_the_wording_is_kept_that_a_reader_of_other_patients_tells_least(
    corpus: Path, tmp_path: Path
) -> None:
    chosen, rejected = ["the lungs are clear."] * 30, ["conspicuous lungs are clear."] * 30
    reader = fit_discriminator(word_features(chosen), word_features(rejected))
    blind = fit_discriminator(word_features(rejected), word_features(chosen))
    build(corpus, tmp_path / "build", 1)
    planned = next(BuildFolder(tmp_path / "build").planned_studies(0))
    study, plan = planned.study, planned.plans[0]
    own = half_of(study.subject_id)
    judges = Judges({(1 - own, "any"): reader, (own, "any"): blind})
    wordings = [(text, Reading((), {})) for text in ("conspicuous opacity.", "the opacity.", "the opacity.")]

    assert judges.least_told(plan, study, wordings) == 1


def test_a_reply_with_several_choices_is_one_answer_with_other_wordings() -> None:
    choices = [
        {"message": {"content": text}, "finish_reason": reason}
        for text, reason in (("one", "stop"), ("two", "stop"), ("one", "stop"), ("cut off", "length"))
    ]
    body = json.dumps({"choices": choices, "usage": {"prompt_tokens": 9, "completion_tokens": 4}}).encode()

    answer = read_reply(body, prompt_id="p", expert="openai", model="m", room=measure_room([], None))

    assert (answer.text, answer.others, answer.tokens_out) == ("one", ("two",), 4)

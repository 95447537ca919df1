"""Answers that somebody else wrote: prompts out, answers in, the next prompts out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.counterfactual.prompt import write_prompt
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.build_plan import plan_build
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.engine.write_prompts import collect_prompts
from ccf_pipeline.errors import MissingInput, SettingsError, UnreadableInput
from ccf_pipeline.experts import open_expert, taking
from ccf_pipeline.experts.rules import RulesExpert
from ccf_pipeline.experts.scripted import ScriptedExpert, read_recordings
from ccf_pipeline.records import Prompt, Record
from ccf_pipeline.settings import BuildSettings, CorpusSettings, ExpertSettings


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=8, seed=4, images=False)
    return folder


def settings(corpus: Path, out: Path, recorded: Path | None = None, *, chosen: bool = False) -> BuildSettings:
    return BuildSettings(
        out=out,
        corpus=CorpusSettings(kind="demo", path=corpus),
        expert=ExpertSettings(kind="scripted", recorded=recorded, repair=1, chosen=chosen),
    )


def lines_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def right_answers(corpus: Path, out: Path) -> dict[str, str]:
    """What the rules would answer to each first prompt, by plan."""
    materials = Materials.load(settings(corpus, out))
    folder = BuildFolder(out)
    plan_build(folder, materials)
    prompts: list[Prompt] = [
        write_prompt(plan, entry.study, materials.graph, materials.template, materials.settings.expert)
        for entry in folder.planned_studies(0)
        for plan in entry.plans
    ]
    answers = (c for batch in RulesExpert(materials.graph).answer(taking(prompts)) for c in batch)
    return {p.plan.plan_id: c.text for p, c in zip(prompts, answers, strict=True)}


def rows(out: Path) -> list[Record]:
    return list(BuildFolder(out).records_of(0))


def test_prompts_are_answered_by_hand_and_refused_answers_come_back_as_prompts(
    corpus: Path, tmp_path: Path
) -> None:
    right = right_answers(corpus, tmp_path / "right")
    recorded = tmp_path / "answers.jsonl"

    first = collect_prompts(settings(corpus, tmp_path / "b"), tmp_path / "1.jsonl")
    asked = lines_of(tmp_path / "1.jsonl")
    assert first.waiting == len(asked) == len(right)
    # The first prompt gets an answer that changes nothing, the last one none yet.
    texts = ['{"edits":[]}', *(right[str(line["plan_id"])] for line in asked[1:-1])]
    answered = [{**line, "text": text, "origin": "a test"} for line, text in zip(asked, texts, strict=False)]
    recorded.write_text("".join(json.dumps(line) + "\n" for line in [*answered, asked[-1]]))

    second = collect_prompts(settings(corpus, tmp_path / "b", recorded), tmp_path / "2.jsonl")
    again = lines_of(tmp_path / "2.jsonl")
    assert second.waiting == 2
    assert sorted((line["attempt"], line["plan_id"]) for line in again) == sorted(
        [(2, asked[0]["plan_id"]), (1, asked[-1]["plan_id"])], key=str
    )
    mended = [{**line, "text": right[str(line["plan_id"])]} for line in again]
    with recorded.open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in mended)
    summary = walk.build(settings(corpus, tmp_path / "build", recorded))

    assert summary.rejected == 0
    assert sorted(row.attempt for row in rows(tmp_path / "build")) == [1] * (len(right) - 1) + [2]
    assert (tmp_path / "1.jsonl").stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "1.jsonl",
        "2.jsonl",
        "answers.jsonl",
        "build",
        "right",
    ]


def test_the_prompts_of_a_build_that_was_begun_are_those_of_its_plan(corpus: Path, tmp_path: Path) -> None:
    right = right_answers(corpus, tmp_path / "begun")

    collect_prompts(
        settings(corpus, tmp_path / "begun"), tmp_path / "prompts.jsonl", begun=tmp_path / "begun"
    )

    assert {line["plan_id"] for line in lines_of(tmp_path / "prompts.jsonl")} == set(right)


def test_a_prompt_without_a_recording_is_a_rejected_row(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text("")

    summary = walk.build(settings(corpus, tmp_path / "build", tmp_path / "none.jsonl"))

    assert summary.accepted == 0
    assert {p.message for row in rows(tmp_path / "build") for p in row.problems} == {
        "There is no answer: no recorded answer."
    }


def test_the_verdict_on_an_answer_stands_where_no_repair_was_recorded(corpus: Path, tmp_path: Path) -> None:
    collect_prompts(settings(corpus, tmp_path / "b"), tmp_path / "prompts.jsonl")
    asked = lines_of(tmp_path / "prompts.jsonl")
    recorded = tmp_path / "answers.jsonl"
    recorded.write_text("".join(json.dumps({**line, "text": '{"edits":[]}'}) + "\n" for line in asked))

    walk.build(settings(corpus, tmp_path / "build", recorded))

    told = {(row.attempt, problem.code) for row in rows(tmp_path / "build") for problem in row.problems}
    assert told == {(1, "unchanged")}


def test_rows_without_an_answer_are_asked_again_when_told_so(corpus: Path, tmp_path: Path) -> None:
    right = right_answers(corpus, tmp_path / "right")
    collect_prompts(settings(corpus, tmp_path / "b"), tmp_path / "prompts.jsonl")
    answers = [{**line, "text": right[str(line["plan_id"])]} for line in lines_of(tmp_path / "prompts.jsonl")]
    recorded = tmp_path / "answers.jsonl"
    recorded.write_text("".join(json.dumps(line) + "\n" for line in answers[1:]))
    asked = settings(corpus, tmp_path / "build", recorded)
    assert walk.build(asked).rejected == 1
    recorded.write_text("".join(json.dumps(line) + "\n" for line in answers))

    again, retried = walk.build(asked), walk.build(asked, retry_failed=True)

    assert (again.rejected, retried.rejected) == (1, 0)
    assert retried.accepted == len(answers)
    assert BuildFolder(asked.out).verify() == retried


def test_the_prompt_of_a_user_is_checked_and_its_digest_kept(corpus: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.md"
    asked = settings(corpus, tmp_path / "build")
    asked = asked.model_copy(update={"expert": asked.expert.model_copy(update={"template": own})})
    own.write_text("You edit reports.\n=====\n$request\n$details\n\n$report\n")

    first, shipped = Materials.load(asked), Materials.load(settings(corpus, tmp_path / "build"))
    own.write_text("You edit reports well.\n=====\n$request\n$details\n\n$report\n")
    second = Materials.load(asked)

    assert first.template.system == "You edit reports."
    assert len({m.lineage.prompt_digest for m in (first, second, shipped)}) == 3


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("$request\n$report", r"slot \$details is missing"),
        ("$request\n$details\n$report\n$patient", r"\$patient is no slot"),
        ("$report\n=====\n$request\n$details\n$report", r"\$report is no slot"),
        ("costs 5 $ $request $details $report", "slots in order"),
        ("", "slots in order"),
    ],
)
def test_a_prompt_whose_slots_do_not_hold_is_refused(
    text: str, what: str, corpus: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.md"
    own.write_text(text)
    asked = settings(corpus, tmp_path / "build")
    asked = asked.model_copy(update={"expert": asked.expert.model_copy(update={"template": own})})

    with pytest.raises(SettingsError, match=what):
        Materials.load(asked)


def test_the_factual_side_is_reworded_where_its_meaning_stays(corpus: Path, tmp_path: Path) -> None:
    right = right_answers(corpus, tmp_path / "right")
    collect_prompts(settings(corpus, tmp_path / "b", chosen=True), tmp_path / "prompts.jsonl")
    asked = lines_of(tmp_path / "prompts.jsonl")
    reworded = [line for line in asked if line["strategy"] == "chosen"]
    assert len(reworded) == len({line["study_id"] for line in asked})
    answers = []
    for place, line in enumerate(reworded):
        messages = line["messages"]
        number, words = next(
            (n, w)
            for n, w in shown_sentences(messages[-1]["content"])  # type: ignore[index]
        )
        text = f"On this image: {words}" if place % 2 else "Large left pneumothorax."
        step = {"action": "replace", "number": number, "text": text}
        answers.append({**line, "text": json.dumps({"edits": [step]}), "tokens_out": 10})
    answers += [
        {**line, "text": right[str(line["plan_id"])]} for line in asked if line["strategy"] != "chosen"
    ]
    recorded = tmp_path / "answers.jsonl"
    recorded.write_text("".join(json.dumps(line) + "\n" for line in answers))

    walk.build(settings(corpus, tmp_path / "build", recorded, chosen=True))

    refused = {str(line["study_id"]) for line in reworded[::2]}
    for row in rows(tmp_path / "build"):
        told = [problem for problem in row.problems if problem.code == "chosen_refused"]
        assert row.accepted
        assert (row.chosen_text is None) == bool(told) == (row.study_id in refused)
        assert row.chosen_text != row.factual_text
        assert {problem.level for problem in told} <= {"warn"}
    assert sum(row.tokens_out for row in rows(tmp_path / "build")) == 10 * len(reworded)


def shown_sentences(content: str) -> list[tuple[int, str]]:
    shown = [line for line in content.splitlines() if line.startswith("[")]
    return [(int(line[1 : line.index("]")]), line[line.index("]") + 2 :]) for line in shown]


def test_an_answer_is_found_by_its_messages_when_other_settings_gave_it_another_id(
    corpus: Path, tmp_path: Path
) -> None:
    collect_prompts(settings(corpus, tmp_path / "b"), tmp_path / "prompts.jsonl")
    line = lines_of(tmp_path / "prompts.jsonl")[0]
    (tmp_path / "answers.jsonl").write_text(json.dumps({"messages": line["messages"], "text": "{\ud800"}))

    recordings = read_recordings(tmp_path / "answers.jsonl")

    (recording,) = recordings.values()
    assert recording.prompt_id is None


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("{", "line 1 is no recorded answer"),
        ('{"prompt_id":"a","text":"x"}\n{"text":"x"}', "line 2 names no prompt"),
        ("[" * 100_000, "line 1 is no recorded answer"),
    ],
)
def test_a_file_that_is_no_recording_is_refused_by_line(content: str, what: str, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text(content)

    with pytest.raises(UnreadableInput, match=what):
        read_recordings(tmp_path / "bad.jsonl")


def test_a_missing_file_and_an_unnamed_one_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no such file"):
        read_recordings(tmp_path / "none.jsonl")
    with pytest.raises(SettingsError, match="nothing to play back"):
        ScriptedExpert.from_file(None)


def test_rules_refuse_a_strategy_that_they_do_not_write(corpus: Path, tmp_path: Path) -> None:
    update = {"expert": ExpertSettings(strategy="lines")}
    chosen = settings(corpus, tmp_path).model_copy(update=update)
    with pytest.raises(SettingsError, match="`rules`"), open_expert(chosen, Materials.load(chosen).graph):
        pass

"""Asking and judging: what is repaired, what is never asked twice, and where a build stops by itself."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.ask import HOPELESS_AFTER
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.build_plan import plan_build
from ccf_pipeline.engine.build_shards import build_shards
from ccf_pipeline.engine.claim import open_build
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.engine.paid_answers import count_lost
from ccf_pipeline.errors import ExpertError, Unfinished
from ccf_pipeline.experts import Take, taking
from ccf_pipeline.experts.rules import RulesExpert
from ccf_pipeline.records import Completion, Prompt, Record, Spend
from ccf_pipeline.settings import (
    BuildSettings,
    CorpusSettings,
    ExpertSettings,
    LimitSettings,
    PriceSettings,
    ShardSettings,
)

Answer = Callable[[Prompt, str], str | None]


class Student:
    """Knows the right answers, gives those it is told to give, and learns from reasons; one at a time."""

    name, model, learns, endpoints = "student", "student/1", True, ()

    def __init__(self, materials: Materials, answer: Answer, *, backwards: bool = False) -> None:
        self._rules = RulesExpert(materials.graph)
        self._answer, self._backwards = answer, backwards
        self.asked: list[Prompt] = []

    def answer(self, take: Take) -> Iterator[tuple[Completion, ...]]:
        while prompts := [prompt for _ in range(7) if (prompt := take()) is not None]:
            self.asked += prompts
            answered = [self._complete(prompt) for prompt in prompts]
            yield from ((one,) for one in (reversed(answered) if self._backwards else answered))

    def _complete(self, prompt: Prompt) -> Completion:
        ((right,),) = self._rules.answer(taking([prompt]))
        text = self._answer(prompt, right.text)
        return Completion(
            prompt_id=prompt.prompt_id,
            expert=self.name,
            model=self.model,
            text=text or "",
            failure=None if text is not None else "the server refused it",
            tokens_in=100,
            tokens_cached=60,
            tokens_out=10,
        )


def right(prompt: Prompt, answer: str) -> str:
    return answer


def wrong_at_first(prompt: Prompt, answer: str) -> str:
    return '{"edits":[]}' if prompt.attempt == 1 else answer


def is_refused(prompt: Prompt) -> bool:
    return zlib.crc32(prompt.plan.plan_id.encode()) % 3 == 0


def refuses_one_in_three(prompt: Prompt, answer: str) -> str | None:
    return None if is_refused(prompt) else answer


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=12, seed=4, images=False)
    return folder


def build(
    corpus: Path, out: Path, answer: Answer, *, backwards: bool = False, **settings: object
) -> tuple[Student, list[Record], Spend]:
    """Build everything with a student; returns it, the rows, and what the journal says was spent."""
    settings.setdefault("expert", ExpertSettings(chosen=False))
    chosen = BuildSettings(
        out=out,
        corpus=CorpusSettings(kind="demo", path=corpus),
        shards=ShardSettings(size=3),
        **settings,  # type: ignore[arg-type]
    )
    materials = Materials.load(chosen)
    student = Student(materials, answer, backwards=backwards)
    with open_build(out, materials.identity) as folder, Journal(folder.journal_path) as journal:
        plan = plan_build(folder, materials)
        missing = [shard for shard in range(plan.shards) if not folder.is_sealed(shard)]
        try:
            build_shards(folder, materials, missing, student, journal)
        finally:
            spent = journal.spent()
        rows = [row for shard in range(plan.shards) for row in folder.records_of(shard)]
    assert len(rows) == plan.plans
    return student, rows, spent


class Leaver(Student):
    """Takes so many prompts, answers them, and goes without a look at whether there are more."""

    takes = 0

    def answer(self, take: Take) -> Iterator[tuple[Completion, ...]]:
        for _ in range(self.takes):
            prompt = take()
            assert prompt is not None
            yield (self._complete(prompt),)


@pytest.mark.parametrize("short_by", [0, 2])
def test_an_expert_that_leaves_early_is_told_how_many_prompts_it_left(
    corpus: Path, tmp_path: Path, short_by: int
) -> None:
    chosen = BuildSettings(
        out=tmp_path / "build",
        corpus=CorpusSettings(kind="demo", path=corpus),
        expert=ExpertSettings(chosen=False),
    )
    materials = Materials.load(chosen)
    leaver = Leaver(materials, right)
    with open_build(chosen.out, materials.identity) as folder, Journal(folder.journal_path) as journal:
        plan = plan_build(folder, materials)
        leaver.takes = plan.plans - short_by
        if short_by:
            with pytest.raises(ExpertError, match=f"left {short_by} prompts unanswered"):
                build_shards(folder, materials, [0], leaver, journal)
        else:
            build_shards(folder, materials, [0], leaver, journal)

        assert folder.is_sealed(0) == (not short_by)


def test_a_refused_answer_goes_back_with_the_reasons_and_the_row_tells_what_it_cost(
    corpus: Path, tmp_path: Path
) -> None:
    student, rows, spent = build(corpus, tmp_path / "build", wrong_at_first)

    assert Counter(row.attempt for row in rows if row.accepted) == {2: len(rows)}
    assert {row.tokens_in for row in rows} == {200}
    assert spent == Spend(
        answers=2 * len(rows),
        tokens_in=200 * len(rows),
        tokens_cached=120 * len(rows),
        tokens_out=20 * len(rows),
    )
    repair = next(prompt for prompt in student.asked if prompt.attempt == 2)
    assert [message.role for message in repair.messages] == ["system", "user", "assistant", "user"]
    assert "Nothing was changed" in repair.messages[-1].content


def test_the_last_answer_stands_when_all_attempts_are_refused(corpus: Path, tmp_path: Path) -> None:
    student, rows, _ = build(
        corpus, tmp_path / "build", lambda *_: '{"edits":[]}', expert=ExpertSettings(repair=1, chosen=False)
    )

    assert len(student.asked) == 2 * len(rows)
    assert {(row.accepted, row.attempt) for row in rows} == {(False, 2)}
    assert {problem.code for row in rows for problem in row.problems} == {"unchanged"}


def test_an_answer_that_cannot_be_applied_is_asked_for_as_a_whole_report(
    corpus: Path, tmp_path: Path
) -> None:
    def no_json(prompt: Prompt, answer: str) -> str:
        if prompt.form == "edits":
            return "Certainly! Here is the report."
        headings = dict.fromkeys(sentence.section.upper() for sentence in prompt.sentences)
        return "\n".join(f"{heading}: Clear lungs." for heading in headings)

    student, rows, _ = build(
        corpus, tmp_path / "build", no_json, expert=ExpertSettings(repair=1, chosen=False)
    )

    assert [prompt.form for prompt in student.asked].count("report") == len(rows)
    assert {row.strategy for row in rows} == {"rewrite"}
    assert all(set(re.split(r": |\n", row.counterfactual_text)[1::2]) == {"Clear lungs."} for row in rows)


def test_a_prompt_without_an_answer_is_a_rejected_row_and_not_asked_again(
    corpus: Path, tmp_path: Path
) -> None:
    student, rows, _ = build(corpus, tmp_path / "build", refuses_one_in_three)

    assert len(student.asked) == len(rows)
    assert [row.accepted for row in rows].count(False) == sum(map(is_refused, student.asked)) > 0
    assert {problem.message for row in rows if not row.accepted for problem in row.problems} == {
        "There is no answer: the server refused it."
    }


@pytest.mark.shows(
    "only empty, cut, refusing or failing answers",
    "the build stops with the reason, exit 1; none is kept as judged",
)
@pytest.mark.parametrize(
    ("answer", "told", "repair"),
    [
        ("I cannot help with medical reports.", "not in the form that was asked for", 2),
        pytest.param("", "empty", 0, marks=pytest.mark.slow),
        pytest.param("", "empty", 2, marks=pytest.mark.slow),
        pytest.param("{" * 2000, "not in the form that was asked for", 0, marks=pytest.mark.slow),
        pytest.param(None, "the server refused it", 2, marks=pytest.mark.slow),
    ],
)
def test_hopeless_answers_stop_the_build_and_are_asked_again_by_the_next_run(
    answer: str | None, told: str, repair: int, corpus: Path, tmp_path: Path
) -> None:
    out, expert = tmp_path / "build", ExpertSettings(chosen=False, repair=repair)

    with pytest.raises(ExpertError, match=rf"student/1: none of \d+ answers in a row .*: {told}") as stopped:
        build(corpus, out, lambda *_: answer, expert=expert)

    folder = BuildFolder(out)
    assert not any(folder.seal_path(shard).exists() for shard in range(8))
    wasted = int(re.findall(r"none of (\d+)", str(stopped.value))[0])
    assert wasted == (24 if repair == 0 or answer is None else HOPELESS_AFTER + 6)  # seven are under way
    assert count_lost(folder) == 0
    student, rows, spent = build(corpus, out, right, expert=expert)
    assert (len(student.asked), spent.answers) == (len(rows), len(rows) + wasted)
    assert all(row.accepted for row in rows)


@pytest.mark.slow
def test_a_model_that_goes_wrong_on_the_way_keeps_what_was_right(corpus: Path, tmp_path: Path) -> None:
    asked: list[str] = []

    def right_at_first(prompt: Prompt, answer: str) -> str:
        asked.append(prompt.prompt_id)
        return answer if len(asked) <= 10 else ""

    with pytest.raises(ExpertError, match="answers in a row"):
        build(corpus, tmp_path / "build", right_at_first)

    seals = [BuildFolder(tmp_path / "build").seal(shard) for shard in range(8)]
    assert [seal.rejected for seal in seals if seal is not None] == [0]
    student, rows, _ = build(corpus, tmp_path / "build", right)
    assert not set(asked[:10]) & {prompt.prompt_id for prompt in student.asked}
    assert all(row.accepted for row in rows)


@pytest.mark.slow
def test_some_answers_that_cannot_be_used_are_rows(corpus: Path, tmp_path: Path) -> None:
    _, rows, _ = build(
        corpus, tmp_path / "build", lambda p, a: "" if is_refused(p) else a, expert=ExpertSettings(repair=0)
    )

    assert {row.accepted for row in rows} == {True, False}


@pytest.mark.slow
def test_the_order_of_arrival_does_not_change_a_row(corpus: Path, tmp_path: Path) -> None:
    _, forwards, _ = build(corpus, tmp_path / "one", wrong_at_first)
    _, backwards, _ = build(corpus, tmp_path / "two", wrong_at_first, backwards=True)

    assert forwards == backwards


def test_a_dialogue_in_the_journal_is_gone_through_again_without_asking(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "build"
    _, rows, spent = build(corpus, out, wrong_at_first)
    folder = BuildFolder(out)
    for path in (*folder.path.glob("accepted/*"), *folder.path.glob("rejected/*")):
        path.unlink()

    student, again, spent_again = build(corpus, out, wrong_at_first)

    assert student.asked == []
    assert again == rows
    assert spent_again == spent


@pytest.mark.parametrize(
    ("limits", "asked"),
    [
        (LimitSettings(requests=5), 5),
        (LimitSettings(tokens=500), 7),
        (LimitSettings(cost=0.000_3), 7),
    ],
)
def test_a_limit_stops_the_build_and_a_higher_one_lets_it_go_on(
    corpus: Path, tmp_path: Path, limits: LimitSettings, asked: int
) -> None:
    prices = PriceSettings(input=1, cached=0.5, output=2)  # 90 for a million answers: 0.00009 each
    out = tmp_path / "build"

    with pytest.raises(Unfinished, match="allowed"):
        build(corpus, out, right, limits=limits, prices=prices)
    with Journal(BuildFolder(out).journal_path) as journal:
        first = journal.spent().answers
    student, rows, spent = build(corpus, out, right)

    assert first == asked  # never more than what was under way, seven at once here
    assert spent.answers == len(rows)
    assert len(student.asked) == len(rows) - first

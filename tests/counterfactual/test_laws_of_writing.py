"""Laws that every answer of the rules keeps, on reports that are dictated by a generator."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from ccf_pipeline.counterfactual.check import check_edit
from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.counterfactual.plan import plan_study
from ccf_pipeline.counterfactual.prompt import write_prompt
from ccf_pipeline.counterfactual.prompt.load_templates import load_template
from ccf_pipeline.experts import taking
from ccf_pipeline.experts.rules import RulesExpert
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import Edit, Plan, Study
from ccf_pipeline.settings import ExpertSettings
from tests.counterfactual.conftest import study_of
from tests.counterfactual.dictation import dictate

Read = Callable[[str], Reading]
Answer = tuple[Study, Plan, Edit, bool]
REPORTS = 150

BLANK = re.compile(r"_{3}")
ALL_CLEAR = re.compile(
    r"\bno (?:acute|active)\b[^,.]*\b(?:disease|process|abnormality|findings)\b", re.IGNORECASE
)
LOST_ITS_NOUN = re.compile(
    r"^(?:no )?(?:[a-z]+(?:ive|ed)|hilar|opacit(?:y|ies)|scarring|otherwise|specifically)\.?$"
)
LEFT_HANGING = re.compile(r"\b(?:of|with|and|or|the|in|is|are|small|to|for|___)\.$")
GLUED = re.compile(r"\bnormal (?:is|are)\b|\bclear is\b|\bthere is otherwise\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def answers(graph: ConceptGraph, read: Read) -> tuple[Answer, ...]:
    return tuple(_answers(graph, read))


def _answers(graph: ConceptGraph, read: Read) -> Iterator[Answer]:
    expert, settings, template = RulesExpert(graph), ExpertSettings(), load_template("edits")
    for seed in range(REPORTS):
        study = study_of(dictate(seed), study_id=str(seed))
        factual = read(study.text)
        for plan in plan_study(study, factual, graph, per_study=4, seed=seed):
            prompt = write_prompt(plan, study, graph, template, settings)
            (completions,) = expert.answer(taking([prompt]))
            edit = read_edit(completions[0], plan, study, prompt.form)
            verdict = check_edit(edit, plan, study, factual, read(edit.text), graph)
            yield study, plan, edit, verdict.accepted


def written(edit: Edit) -> list[str]:
    """The sentences that are not the report's own, without list numbers."""
    new = [s.text for s, origin in zip(edit.sentences, edit.origins, strict=True) if not origin]
    return [re.sub(r"^\d\.\s", "", text) for text in new]


def test_nearly_all_are_accepted(answers: tuple[Answer, ...]) -> None:
    accepted = sum(accepted for *_, accepted in answers)

    assert accepted >= 0.97 * len(answers)


def test_no_section_says_a_sentence_twice_or_that_all_is_clear_twice(answers: tuple[Answer, ...]) -> None:
    for study, plan, edit, _ in answers:
        for section in {sentence.section for sentence in edit.sentences}:
            texts = [s.text.lower() for s in edit.sentences if s.section == section]
            assert max(Counter(texts).values()) == 1, (plan.target, study.text, edit.text)
            before = [s.text for s in study.sentences if s.section == section]
            most = max(1, sum(bool(ALL_CLEAR.search(text)) for text in before))
            assert sum(bool(ALL_CLEAR.search(text)) for text in texts) <= most, (study.text, edit.text)


def test_no_sentence_has_lost_its_noun_its_end_or_its_full_stop(answers: tuple[Answer, ...]) -> None:
    for study, plan, edit, _ in answers:
        for text in written(edit):
            for part in re.split(r"(?<=\.)\s+", text):
                told = (plan.direction, plan.target, study.text, edit.text)
                assert not LOST_ITS_NOUN.match(part.lower()), told
                assert not LEFT_HANGING.search(part), told
                assert not GLUED.search(part), told


def test_every_section_still_says_something(answers: tuple[Answer, ...]) -> None:
    for study, _, edit, _ in answers:
        said = {s.section for s in edit.sentences if re.search(r"[a-z]{2}", BLANK.sub("", s.text))}
        assert said == {sentence.section for sentence in study.sentences}, (study.text, edit.text)


def test_surgery_is_told_whatever_goes_with_it(answers: tuple[Answer, ...]) -> None:
    told = [(edit, study) for study, _, edit, _ in answers if "postoperative changes" in study.text]

    assert told
    for edit, study in told:
        assert "postoperative changes" in edit.text, (study.text, edit.text)


def test_numbers_of_a_list_begin_at_one_and_go_on_by_one(answers: tuple[Answer, ...]) -> None:
    for study, _, edit, _ in answers:
        numbers = [
            int(n) for n in re.findall(r"(?:^|\s)(\d)\. (?=[A-Z_])", edit.text.split("IMPRESSION:")[1])
        ]
        assert numbers == list(range(1, len(numbers) + 1)), (study.text, edit.text)

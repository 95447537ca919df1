"""The walk: study → plan → prompt → completion → edit → verdict → record → shard → dataset.

`plan_build`, `build_shard` and `finish_build` are all there is to a build; the command line loops
over shards, a Prefect flow maps them. State lives in the build folder, so either can go on with
what the other began.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ccf_pipeline import __version__
from ccf_pipeline.concepts import ConceptGraph
from ccf_pipeline.concepts.stats import count_reviews
from ccf_pipeline.errors import ExpertError, StorageError
from ccf_pipeline.io.builds import BuildFolder, open_build
from ccf_pipeline.io.cards import write_card
from ccf_pipeline.io.corpora import corpus_terms, images_root, read_corpus, require_corpus
from ccf_pipeline.io.datasets import write_dataset
from ccf_pipeline.io.disk import file_digest
from ccf_pipeline.io.experts import Expert, open_expert
from ccf_pipeline.io.graphs import load_graph
from ccf_pipeline.io.journal import Journal
from ccf_pipeline.io.prompts import load_template
from ccf_pipeline.io.tally import ranked
from ccf_pipeline.records import (
    FINDING_LABELS,
    BuildSummary,
    Completion,
    ImageRef,
    Lineage,
    Plan,
    PlannedStudy,
    PlanSummary,
    Prompt,
    ReasonCount,
    Record,
    Skipped,
    Study,
    Template,
)
from ccf_pipeline.settings import BuildSettings
from ccf_pipeline.steps.checking import check_edit
from ccf_pipeline.steps.editing import read_edit
from ccf_pipeline.steps.facts import Reading, read_facts
from ccf_pipeline.steps.golden import require_reader
from ccf_pipeline.steps.planning import plan_study
from ccf_pipeline.steps.prompting import write_prompt
from ccf_pipeline.steps.reading import Lexicon
from ccf_pipeline.steps.recording import make_record

WITHOUT_TARGET = "no eligible counterfactual"
SAMPLED_PAIRS = 100

Progress = Callable[[str, int, int | None], None]
"""Told the stage, how far it is, and out of how many where that is known."""


def _silent(stage: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Materials:
    """What every step of a build works with; loaded once."""

    settings: BuildSettings
    graph: ConceptGraph
    template: Template

    @classmethod
    def load(cls, settings: BuildSettings) -> Materials:
        """Read the graph and the prompt; refuse a graph with which reports are not read as they should be."""
        materials = cls(settings, load_graph(settings.graph), load_template(settings.expert.strategy))
        require_reader(materials.lexicon, materials.graph.file)
        return materials

    @cached_property
    def lexicon(self) -> Lexicon:
        return Lexicon.from_graph(self.graph.file)

    @cached_property
    def lineage(self) -> Lineage:
        return Lineage(
            graph_version=f"{self.graph.name} {self.graph.version}",
            graph_digest=self.graph.digest,
            prompt_digest=self.template.digest,
            code_version=__version__,
        )

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that decides the bytes of a build; its folder goes on only under the same."""
        chosen = self.settings.model_dump(mode="json", exclude={"out": True, "graph": True})
        return {**_flat(chosen), **self.lineage.model_dump()}

    def read(self, text: str) -> Reading:
        return read_facts(text, self.lexicon)


def build(settings: BuildSettings, progress: Progress = _silent) -> BuildSummary:
    """Make a data set, or go on with one: plan, build every shard that is not sealed, finish."""
    require_corpus(settings.corpus)
    materials = Materials.load(settings)
    with open_build(settings.out, materials.identity) as folder:
        if folder.is_finished():
            return folder.verify()
        plan = plan_build(folder, materials, progress)
        with Journal(folder.journal_path) as journal, open_expert(settings.expert, materials.graph) as expert:
            for shard in range(plan.shards):
                if not folder.is_sealed(shard):
                    build_shard(folder, materials, shard, expert, journal)
                progress("shards", shard + 1, plan.shards)
        return finish_build(folder, materials, progress)


# --- plan -----------------------------------------------------------------------------------


def plan_build(folder: BuildFolder, materials: Materials, progress: Progress = _silent) -> PlanSummary:
    """Choose the counterfactuals of every study and cut the work into shards; done once per build."""
    planned_before = folder.plan_summary()
    if planned_before is not None:
        return planned_before
    settings = materials.settings
    waiting: list[PlannedStudy] = []
    skipped: list[Skipped] = []
    read = planned = without_target = plans = shards = 0
    for found in read_corpus(settings.corpus):
        read += 1
        progress("studies", read, None)
        if isinstance(found, Skipped):
            skipped.append(found)
            continue
        chosen = plan_one(found, materials)
        if not chosen:
            without_target += 1
            skipped.append(Skipped(study_id=found.study_id, reason=WITHOUT_TARGET))
            continue
        planned += 1
        plans += len(chosen)
        waiting.append(PlannedStudy(study=found, plans=chosen))
        if len(waiting) == settings.shards.size:
            folder.keep_plan_shard(shards, waiting)
            shards, waiting = shards + 1, []
    if waiting:
        folder.keep_plan_shard(shards, waiting)
        shards += 1
    summary = PlanSummary(
        studies_read=read,
        studies_planned=planned,
        studies_without_target=without_target,
        studies_skipped=_counted(entry.reason for entry in skipped if entry.reason != WITHOUT_TARGET),
        plans=plans,
        shards=shards,
    )
    folder.keep_plan_summary(summary, skipped)
    return summary


def plan_one(study: Study, materials: Materials) -> tuple[Plan, ...]:
    """The counterfactuals of one study."""
    chosen = materials.settings.plan
    return plan_study(
        study, materials.read(study.text), materials.graph, per_study=chosen.per_study, seed=chosen.seed
    )


# --- shards ---------------------------------------------------------------------------------


def build_shard(
    folder: BuildFolder, materials: Materials, shard: int, expert: Expert, journal: Journal
) -> None:
    """Ask for a shard's counterfactuals, judge them, and seal accepted and rejected rows."""
    root = images_root(materials.settings.corpus)
    planned = [_with_bound_image(entry, root) for entry in folder.planned_studies(shard)]
    asked = [
        (entry.study, write_prompt(plan, entry.study, materials.graph, materials.template))
        for entry in planned
        for plan in entry.plans
    ]
    completions = ask([prompt for _, prompt in asked], expert, journal)
    factual = {entry.study.study_id: materials.read(entry.study.text) for entry in planned}
    records = [
        judge(study, factual[study.study_id], prompt, completions[prompt.prompt_id], materials)
        for study, prompt in asked
    ]
    folder.seal_shard(shard, records)


def ask(prompts: Sequence[Prompt], expert: Expert, journal: Journal) -> dict[str, Completion]:
    """An answer to every prompt; what the journal holds is not asked again, what comes is kept at once."""
    answered = journal.find((p.prompt_id for p in prompts), expert=expert.name, model=expert.model)
    for completions in expert.answer([p for p in prompts if p.prompt_id not in answered]):
        journal.keep(completions)
        answered |= {completion.prompt_id: completion for completion in completions}
    unanswered = sum(1 for prompt in prompts if prompt.prompt_id not in answered)
    if unanswered:
        raise ExpertError(
            f"the expert `{expert.name}` left {unanswered} of {len(prompts)} prompts unanswered"
        )
    return answered


def judge(
    study: Study, factual: Reading, prompt: Prompt, completion: Completion, materials: Materials
) -> Record:
    """From an answer to a row: apply it, read it back, check, record."""
    plan = prompt.plan
    edit = read_edit(completion, plan, study)
    counterfactual = materials.read(edit.text)
    verdict = check_edit(edit, plan, study, factual, counterfactual, materials.graph)
    return make_record(
        study, plan, prompt, completion, edit, verdict, factual, counterfactual, materials.lineage
    )


def _with_bound_image(planned: PlannedStudy, root: Path) -> PlannedStudy:
    """Bind the image's bytes to the text by their hash; one that has gone or changed is no image."""
    image = planned.study.image
    if image is None:
        return planned
    try:
        digest = file_digest(root / image.path)
    except OSError:
        digest = None
    is_its_own = digest is not None and image.sha256 in (None, digest)
    bound: ImageRef | None = image.model_copy(update={"sha256": digest}) if is_its_own else None
    return planned.model_copy(update={"study": planned.study.model_copy(update={"image": bound})})


# --- finish ---------------------------------------------------------------------------------


def finish_build(folder: BuildFolder, materials: Materials, progress: Progress = _silent) -> BuildSummary:
    """Write the data set and its card, check that no row was lost, and commit."""
    plan = folder.plan_summary()
    if plan is None:
        raise StorageError(f"{folder.path}: the plan is not finished")
    progress("dataset", 0, 1)
    root, chosen = images_root(materials.settings.corpus), materials.settings.dataset
    written = write_dataset(folder, plan.shards, root, chosen)
    tally = written.tally
    summary = BuildSummary(
        plan=plan,
        accepted=tally.accepted,
        rejected=tally.rejected,
        rejected_by_reason=ranked(tally.reasons),
        accepted_by_direction=ranked(tally.directions),
        accepted_by_target=ranked(tally.targets),
        configs=written.configs,
    )
    refuse_lost_rows(summary)
    write_card(
        written,
        summary,
        materials.lineage,
        corpus_terms(materials.settings.corpus),
        chosen,
        _reviews(materials.graph, tally.targets),
    )
    folder.commit(summary)
    progress("dataset", 1, 1)
    return summary


def _reviews(graph: ConceptGraph, targets: Iterable[str]) -> dict[str, int]:
    """The review states of every relation of the targets, the signs and the exclusions alike."""
    wanted = set(targets)
    relations = {
        relation.key: relation
        for finding, label in FINDING_LABELS.items()
        if label in wanted
        for relation in (*graph.relations_of(finding), *graph.exclusions(finding))
    }
    return count_reviews(relations.values())


def refuse_lost_rows(summary: BuildSummary) -> None:
    """What went in must have come out somewhere, by reason."""
    plan = summary.plan
    skipped = sum(entry.count for entry in plan.studies_skipped)
    if plan.studies_read != plan.studies_planned + plan.studies_without_target + skipped:
        raise StorageError(f"{plan.studies_read} studies were read, not all of them are accounted for")
    if plan.plans != summary.accepted + summary.rejected:
        raise StorageError(
            f"{plan.plans} counterfactuals were planned, {summary.accepted + summary.rejected} were judged"
        )


def _counted(reasons: Iterable[str]) -> tuple[ReasonCount, ...]:
    return ranked(Counter(reasons))


def _flat(table: dict[str, Any], above: str = "") -> dict[str, Any]:
    def entries() -> Iterator[tuple[str, Any]]:
        for key, value in table.items():
            if isinstance(value, dict):
                yield from _flat(value, f"{above}{key}.").items()
            else:
                yield f"{above}{key}", value

    return dict(entries())


def sample_pair(out: Path) -> Record | None:
    """The accepted pair of a finished build to show people: short, whole, and with a finding swapped."""
    folder = BuildFolder(out)
    plan = folder.plan_summary()
    accepted = itertools.islice(folder.accepted_records(plan.shards), SAMPLED_PAIRS) if plan else ()

    def shows_more(record: Record) -> tuple[bool, bool, int]:
        sections = record.factual_text.count("\n") + 1
        return record.direction == "swap", sections == 2, -len(record.factual_text)

    return max(accepted, key=shows_more, default=None)

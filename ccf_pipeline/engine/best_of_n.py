"""Keep the one of several accepted wordings that a reader of words alone tells least.

The reader learns from a pilot: what the embedded expert writes for the first studies of the plan. It is the
same for every worker and after every restart, since it depends on the plan alone. Of two readers each learnt
from half of the patients, and a wording is scored by the one that has not seen its patient.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ccf_pipeline.counterfactual.check import check_edit
from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.counterfactual.masking import mask_findings
from ccf_pipeline.counterfactual.prompt import write_prompt
from ccf_pipeline.counterfactual.tells import (
    Discriminator,
    MaskedPair,
    fit_discriminator,
    kind_of_change,
    mask_pair,
    word_features,
)
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.experts.rules import RulesExpert
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import Plan, PlannedStudy, Study

PILOT_STUDIES = 1_000
FEWEST_PAIRS = 100
"""A kind of change with fewer pairs in either half is judged by the reader of all kinds."""
ANY_KIND = "any"


@dataclass(frozen=True)
class Judges:
    """The readers, by the half of the patients that they learnt from and by the kind of change."""

    by_half: Mapping[tuple[int, str], Discriminator]

    def least_told(self, plan: Plan, study: Study, wordings: Sequence[tuple[str, Reading]]) -> int:
        """Return which wording looks least like a counterfactual; the first of equals."""
        other = 1 - half_of(study.subject_id)
        kind = kind_of_change(plan.direction, plan.target)
        judge = self.by_half.get((other, kind)) or self.by_half.get((other, ANY_KIND))
        if judge is None or len(wordings) == 1:
            return 0
        masked = [mask_findings(text, reading.mentions) for text, reading in wordings]
        scores: list[int] = judge.scores(word_features(masked)).tolist()
        return scores.index(min(scores))


def half_of(patient: str) -> int:
    """Return the half that a patient belongs to, 0 or 1."""
    return hashlib.sha256(f"half\x1f{patient}".encode()).digest()[0] % 2


def train_judges(folder: BuildFolder, shards: int, materials: Materials) -> Judges:
    """Write, check and mask the pilot's pairs, and learn from each half of its patients."""
    halves: dict[int, dict[str, list[MaskedPair]]] = {0: defaultdict(list), 1: defaultdict(list)}
    for pair in _make_pilot_pairs(folder, shards, materials):
        for kind in (pair.kind, ANY_KIND):
            halves[half_of(pair.patient)][kind].append(pair)
    judges = {}
    for half, kinds in halves.items():
        for kind, pairs in sorted(kinds.items()):
            if len(pairs) >= FEWEST_PAIRS:
                chosen, rejected = ([getattr(p, side) for p in pairs] for side in ("chosen", "rejected"))
                judges[half, kind] = fit_discriminator(word_features(chosen), word_features(rejected))
    return Judges(judges)


def _make_pilot_pairs(folder: BuildFolder, shards: int, materials: Materials) -> Iterator[MaskedPair]:
    rules = RulesExpert(materials.graph)
    for planned in _read_first_studies(folder, shards):
        study = planned.study
        factual = materials.read(study.text)
        for plan in planned.plans:
            prompt = write_prompt(plan, study, materials.graph, materials.template, materials.settings.expert)
            edit = read_edit(rules.complete(prompt), plan, study, "edits")
            counterfactual = materials.read(edit.text)
            if check_edit(edit, plan, study, factual, counterfactual, materials.graph).accepted:
                kind = kind_of_change(plan.direction, plan.target)
                written, forged = (study.text, factual.mentions), (edit.text, counterfactual.mentions)
                yield mask_pair(plan.plan_id, study.subject_id, kind, written, forged)


def _read_first_studies(folder: BuildFolder, shards: int) -> Iterator[PlannedStudy]:
    left = PILOT_STUDIES
    for shard in range(shards):
        for planned in folder.planned_studies(shard):
            if not left:
                return
            left -= 1
            yield planned

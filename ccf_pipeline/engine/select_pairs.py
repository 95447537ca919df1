"""Selection against artefacts on a build: its pairs are read, and the choice is kept beside them.

`selection.json` is derived, as `quality.json` is: it can be made again at any time, and is in no manifest.
"""

from __future__ import annotations

from collections.abc import Iterable

from ccf_pipeline.counterfactual.tells import kind_of_change, mask_pair
from ccf_pipeline.datasets.adversarial import SEED, Candidate, Selected, select_candidates
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.materials import Progress, silent
from ccf_pipeline.errors import MissingInput
from ccf_pipeline.files.disk import write_text
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.records import Label, Record

SELECTION_FILE = "selection.json"


def select_pairs(
    folder: BuildFolder,
    shards: int,
    lexicon: Lexicon,
    *,
    keep: float,
    seed: int = SEED,
    progress: Progress = silent,
) -> Selected:
    """Choose the accepted pairs of a build that give themselves away least, and keep the choice."""
    selected = select_records(
        folder.accepted_records(shards), lexicon, keep=keep, seed=seed, progress=progress
    )
    write_text(folder.path / SELECTION_FILE, selected.model_dump_json(indent=1) + "\n", private=True)
    return selected


def select_records(
    records: Iterable[Record],
    lexicon: Lexicon,
    *,
    keep: float,
    seed: int = SEED,
    progress: Progress = silent,
) -> Selected:
    """Choose the pairs that give themselves away least from records of anywhere."""
    candidates = []
    for number, record in enumerate(records, 1):
        candidates.append(_make_candidate(record, lexicon))
        if number % 500 == 0:
            progress("select", number, None)
    return select_candidates(candidates, keep=keep, seed=seed)


def read_selected(folder: BuildFolder, shards: int) -> frozenset[str]:
    """Return the ids of the accepted pairs that the last selection kept."""
    path = folder.path / SELECTION_FILE
    if not path.is_file():
        raise MissingInput(f"{path}: nothing was selected yet", hint="Run `ccf-build select` first.")
    dropped = frozenset(Selected.model_validate_json(path.read_text(encoding="utf-8")).dropped)
    return frozenset(record.record_id for record in folder.accepted_records(shards)) - dropped


def _make_candidate(record: Record, lexicon: Lexicon) -> Candidate:
    chosen = record.chosen_text or record.factual_text
    masked = mask_pair(
        record.record_id,
        record.subject_id,
        kind_of_change(record.direction, record.target),
        (chosen, read_facts(chosen, lexicon).mentions),
        (record.counterfactual_text, read_facts(record.counterfactual_text, lexicon).mentions),
    )
    shown, would_show = asserted(record.factual_labels), asserted(record.counterfactual_labels)
    return Candidate(masked, record.study_id, shown, would_show)


def asserted(labels: tuple[Label, ...]) -> frozenset[str]:
    """Return the findings that the labels assert."""
    return frozenset(label.finding for label in labels if label.state == "present")

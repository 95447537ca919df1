"""Selection against artefacts on a finished build: its pairs are read, and the choice is kept beside them.

`selection.json` is derived, as `quality.json` is: it can be made again at any time, and is in no manifest.
"""

from __future__ import annotations

from pathlib import Path

from ccf_pipeline.counterfactual.tells import kind_of_change, mask_pair
from ccf_pipeline.datasets.adversarial import Candidate, Selected, select_candidates
from ccf_pipeline.engine.export import open_finished
from ccf_pipeline.engine.materials import Progress, silent
from ccf_pipeline.errors import MissingInput
from ccf_pipeline.files.disk import write_text
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.records import Label, Record

SELECTION_FILE = "selection.json"


def select_pairs(
    build: Path, *, keep: float, seed: int, graph_path: Path | None = None, progress: Progress = silent
) -> Selected:
    """Choose the accepted pairs of a finished build that give themselves away least, and keep the choice."""
    folder, plan, _ = open_finished(build)
    lexicon = Lexicon.from_graph(load_graph(graph_path).file)
    candidates = []
    for number, record in enumerate(folder.accepted_records(plan.shards), 1):
        candidates.append(_make_candidate(record, lexicon))
        if number % 500 == 0:
            progress("metrics", number, plan.plans)
    progress("select", 0, None)
    selected = select_candidates(candidates, keep=keep, seed=seed)
    write_text(build / SELECTION_FILE, selected.model_dump_json(indent=1) + "\n", private=True)
    return selected


def read_selected(build: Path) -> frozenset[str]:
    """Return the ids of the accepted pairs that the last selection kept."""
    path = build / SELECTION_FILE
    if not path.is_file():
        raise MissingInput(f"{path}: nothing was selected yet", hint="Run `ccf-build select` first.")
    dropped = frozenset(Selected.model_validate_json(path.read_text(encoding="utf-8")).dropped)
    folder, plan, _ = open_finished(build)
    return frozenset(record.record_id for record in folder.accepted_records(plan.shards)) - dropped


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

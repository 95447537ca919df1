"""The prompts of a plan that nobody answered yet, for somebody else to answer.

It is a build whose expert knows the recorded answers only and writes down what it cannot answer, so that
first prompts, repairs and fall-backs are those that a build would ask. Nothing of it is kept but them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from ccf_pipeline.corpora import require_corpus
from ccf_pipeline.engine.ask import Tally
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.build_plan import plan_build
from ccf_pipeline.engine.build_shards import build_shards
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import Materials, Progress, silent
from ccf_pipeline.engine.prompt_lines import write_waiting
from ccf_pipeline.errors import MissingInput
from ccf_pipeline.experts.scripted import ScriptedExpert, read_recordings
from ccf_pipeline.records import Noun, Prompt
from ccf_pipeline.settings import BuildSettings, LimitSettings


class WaitingPrompts(Noun):
    """The prompts of a plan: rows accepted and refused so far, and prompts that still wait."""

    accepted: int
    refused: int
    waiting: int


def collect_prompts(
    settings: BuildSettings,
    out: Path,
    *,
    begun: Path | None = None,
    progress: Progress = silent,
) -> WaitingPrompts:
    """Write the prompts without a recorded answer, those that a recorded answer calls for among them.

    Args:
        begun: a build whose plan stands; the corpus is planned otherwise.
    """
    if begun is None:
        require_corpus(settings.corpus)
    materials = Materials.load(settings.model_copy(update={"limits": LimitSettings()}))
    recorded = settings.expert.recorded
    waiting: list[Prompt] = []
    expert = ScriptedExpert(
        read_recordings(recorded) if recorded else {}, model=settings.expert.model, unanswered=waiting.append
    )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MissingInput(f"{out}: its folder cannot be made") from error
    # Beside the prompts, for reports are in it: it is closed to others, and goes when this ends.
    with tempfile.TemporaryDirectory(prefix=".ccf-prompts-", dir=out.parent) as scratch:
        folder = BuildFolder(Path(scratch))
        if begun is not None:
            (folder.path / "plan").symlink_to((begun / "plan").resolve(), target_is_directory=True)
        plan = plan_build(folder, materials, progress)
        final: list[Tally] = []
        with Journal(folder.journal_path) as journal:
            build_shards(folder, materials, range(plan.shards), expert, journal, watch=final.append)
    # A row whose prompt waits was refused for want of an answer.
    accepted, judged = (final[-1].accepted, final[-1].judged) if final else (0, 0)
    rows_waiting = sum(prompt.strategy != "chosen" for prompt in waiting)
    write_waiting(out, waiting)
    return WaitingPrompts(accepted=accepted, refused=judged - accepted - rows_waiting, waiting=len(waiting))

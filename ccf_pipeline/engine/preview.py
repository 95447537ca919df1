"""A preview: the first studies of a build, made in a folder beside it; the build itself stays free."""

from __future__ import annotations

import re
from pathlib import Path

from ccf_pipeline.engine.audit_log import settings_digest
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.files.locations import store_url
from ccf_pipeline.records import Record
from ccf_pipeline.settings import BuildSettings


def open_preview(settings: BuildSettings, studies: int) -> BuildSettings:
    """Return the settings of a preview; the same settings give the same folder, whose answers are kept.

    Answers of other previews of this build are taken over, so that none is paid for twice.
    """
    place = _find_folder_beside(settings.out)
    few = min(studies, settings.corpus.limit or studies)
    corpus = settings.corpus.model_copy(update={"limit": few})
    trial = settings.model_copy(update={"corpus": corpus})
    digest = settings_digest(Materials.load(trial).identity)[:8]
    out = place.with_name(f"{place.name}.preview-{digest}")
    others = (
        path
        for path in sorted(place.parent.glob(f"{place.name}.preview-*"))
        if path != out and BuildFolder(path).journal_path.is_file()
    )
    return trial.model_copy(update={"out": out, "reuse": (*settings.reuse, *others)})


def read_pairs(preview: Path) -> list[Record]:
    """Return every judged pair of a preview, in the order of its plan."""
    folder = BuildFolder(preview)
    plan = folder.plan_summary()
    return [record for shard in range(plan.shards if plan else 0) for record in folder.records_of(shard)]


def _find_folder_beside(out: Path) -> Path:
    """Return the folder that a preview lies beside; a build in a store has its previews here."""
    url = store_url(out)
    return out if url is None else Path(re.sub(r"\W+", "-", url.rpartition("://")[2]).strip("-"))

"""One config of a finished build, written once more: in another format, with other words, elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ccf_pipeline.corpora import corpus_terms, images_root
from ccf_pipeline.datasets.card import write_card
from ccf_pipeline.datasets.disk_space import bytes_wanted, require_room
from ccf_pipeline.datasets.formats import Export, all_exports
from ccf_pipeline.datasets.split_files import FileFormat
from ccf_pipeline.datasets.write import WrittenDataset, write_configs
from ccf_pipeline.engine.audit_log import attestation_lines
from ccf_pipeline.engine.build_folder import BuildFolder, identity_of
from ccf_pipeline.engine.finish_build import reviews_of
from ccf_pipeline.engine.materials import Progress
from ccf_pipeline.engine.select_pairs import select_records
from ccf_pipeline.errors import BuildConflict, SettingsError
from ccf_pipeline.files.disk import refuse_filled, sealed_folder
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.records import BuildSummary, Lineage, PlanSummary
from ccf_pipeline.settings import BuildSettings, DatasetSettings, settings_of

TEXT_FORMATS = ("json", "jsonl", "csv")


def export_config(
    build: Path,
    config: str,
    out: Path,
    *,
    kind: FileFormat | None = None,
    choices: Mapping[str, Any] | None = None,
    graph: Path | None = None,
    only: frozenset[str] | None = None,
    progress: Progress | None = None,
) -> WrittenDataset:
    """Write one config of a finished build as a data set of its own, with its card.

    Args:
        kind: the format; Parquet, or JSON where a config has no columns.
        choices: settings of `[dataset]` that differ from those of the build; None means not said.
        graph: the concept graph the build was made with, where it is not the default one.
        only: ids of the records to write, where it is not to be all of them.
    """
    export = find_export(config)
    folder, plan, begun = open_finished(build)
    settings = settings_of(begun, out=build, graph=None)
    chosen = _merge_settings(settings.dataset, choices or {}, export, kind)
    refuse_filled(out)
    root, form = images_root(settings.corpus), kind or _choose_format(export)
    require_room(out, bytes_wanted(folder, plan.shards, [export], root, chosen, form))

    def tell(shard: int) -> None:
        if progress is not None:
            progress("dataset", shard, plan.shards)

    with sealed_folder(out) as staged:
        written = write_configs(
            staged,
            [export],
            folder,
            plan.shards,
            root,
            chosen,
            kind=form,
            only=only,
            dropped=_find_dropped(folder, plan, chosen, graph) if export.trains_on else frozenset(),
            progress=tell,
        )
        _write_papers(written, folder, settings, chosen, begun, graph)
    return dataclasses.replace(written, folder=out)


def _find_dropped(
    folder: BuildFolder, plan: PlanSummary, chosen: DatasetSettings, graph: Path | None
) -> frozenset[str]:
    """Return the pairs that `dataset.select` takes out; none where it is not set."""
    if chosen.select is None:
        return frozenset()
    lexicon = Lexicon.from_graph(load_graph(graph).file)
    selected = select_records(folder.accepted_records(plan.shards), lexicon, keep=chosen.select)
    return frozenset(selected.dropped)


def find_export(config: str) -> Export:
    """The config of that name."""
    known = {export.config: export for export in all_exports()}
    if config not in known:
        raise SettingsError(f"`{config}` is not a config", hint=f"Known configs: {', '.join(known)}.")
    return known[config]


def open_finished(build: Path) -> tuple[BuildFolder, PlanSummary, dict[str, Any]]:
    """A build whose manifest stands, with what was planned and what it was begun with."""
    begun = identity_of(build)
    folder = BuildFolder(build)
    plan = folder.plan_summary()
    if plan is None or not folder.is_finished():
        raise BuildConflict(
            f"{build}: is not finished", hint="Finish it with `ccf-build run`, then export it."
        )
    return folder, plan, begun


def _choose_format(export: Export) -> FileFormat:
    return "parquet" if "parquet" in export.formats else "json"


def _merge_settings(
    of_the_build: DatasetSettings, choices: Mapping[str, Any], export: Export, kind: FileFormat | None
) -> DatasetSettings:
    """The settings of the build with what was said now; a text format cannot hold the bytes of an image."""
    said = {key: value for key, value in choices.items() if value is not None}
    if kind is not None and kind not in export.formats:
        raise SettingsError(
            f"config {export.config}: cannot be written as {kind}",
            hint=f"Formats of this config: {', '.join(export.formats)}.",
        )
    if kind in TEXT_FORMATS and export.shows_images:
        if said.get("images") == "embedded":
            raise SettingsError(
                f"{kind} cannot hold the bytes of an image",
                hint="Choose --images paths, or --format parquet.",
            )
        said["images"] = "paths"
    try:
        return DatasetSettings.model_validate({**of_the_build.model_dump(), **said})
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, fault["loc"]))
        raise SettingsError(f"setting `dataset.{key}`: {fault['msg']}") from error


def _write_papers(
    written: WrittenDataset,
    folder: BuildFolder,
    settings: BuildSettings,
    chosen: DatasetSettings,
    begun: Mapping[str, Any],
    graph: Path | None,
) -> None:
    """The card of the whole build, over the one config that was written."""
    whole = folder.verify()
    summary = BuildSummary.model_validate({**whole.model_dump(), "configs": written.configs})
    lineage = Lineage.model_validate({name: begun[name] for name in Lineage.model_fields})
    write_card(
        written,
        summary,
        lineage,
        corpus_terms(settings.corpus),
        chosen,
        _count_reviews_of_rows(written, graph, lineage),
        build=folder.path,
        vouched=attestation_lines(folder.path),
    )


def _count_reviews_of_rows(written: WrittenDataset, graph: Path | None, lineage: Lineage) -> dict[str, int]:
    """The review states of the relations behind the rows; none where another graph is at hand."""
    loaded = load_graph(graph)
    return reviews_of(loaded, written.tally.targets) if loaded.digest == lineage.graph_digest else {}

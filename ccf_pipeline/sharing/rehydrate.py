"""A share and the holder's own copy of the corpus → the data set again, row by row, never a wrong text."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from ccf_pipeline import walk
from ccf_pipeline.corpora import images_root, read_corpus, require_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.materials import Progress, silent
from ccf_pipeline.errors import RowsMissing, SharingRefused
from ccf_pipeline.files.code_version import read_code_version
from ccf_pipeline.files.disk import refuse_filled, sealed_folder
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.records import ReasonCount, Record, Study
from ccf_pipeline.settings import BuildSettings, CorpusSettings, settings_of
from ccf_pipeline.sharing.data import read_phrases, read_rows, write_rebuilt, write_rebuilt_card
from ccf_pipeline.sharing.delta.delta import phrase_text
from ccf_pipeline.sharing.delta.keys import check_value, open_key
from ccf_pipeline.sharing.delta.rows import (
    REPORT_DIFFERS,
    ROW_DIFFERS,
    record_check,
    record_of,
    report_check,
    with_images_of,
)
from ccf_pipeline.sharing.delta.words import words_of
from ccf_pipeline.sharing.folder import MISSING, read_share, write_missing
from ccf_pipeline.sharing.nouns import DeltaRow, MissingRow, Recipe, RecipeRow, RehydrateSummary

NOT_IN_CORPUS = "its study is not in the corpus"
KEY_STAYS_SHUT = "no check value can be read: too many reports are missing or another version"
NOT_REBUILT = "the build does not make it again"
_WORKSHOP = ".rebuild"


def rehydrate(
    shared: Path,
    corpus: CorpusSettings,
    out: Path,
    *,
    graph: Path | None = None,
    progress: Progress = silent,
) -> RehydrateSummary:
    """Make the data set of a share again in `out`; every row that cannot be is listed with its reason."""
    recipe = read_share(shared)
    if recipe.level == "L2":
        raise SharingRefused(f"{shared}: level L2 holds its texts already")
    require_corpus(corpus)
    if recipe.level == "L0":
        _require_same_maker(recipe, graph)
    refuse_filled(out)
    missing: list[MissingRow] = []
    with sealed_folder(out) as staged:
        if recipe.level == "L1":
            rebuilt = _rebuild_from_deltas(shared, recipe, corpus, missing, progress)
        else:
            rebuilt = _rebuild_from_recipe(shared, recipe, corpus, staged, graph, missing, progress)
        configs = write_rebuilt(
            staged,
            rebuilt,
            images_root(corpus),
            recipe,
            lambda: Lexicon.from_graph(load_graph(graph).file),
        )
        shutil.rmtree(staged / _WORKSHOP, ignore_errors=True)
        write_rebuilt_card(staged, recipe, dict(configs))
        if missing:
            write_missing(staged, missing)
    reasons = Counter(row.reason for row in missing)
    return RehydrateSummary(
        level=recipe.level,
        shared=recipe.rows,
        rebuilt=recipe.rows - len(missing),
        missing=tuple(ReasonCount(reason=reason, count=count) for reason, count in reasons.most_common()),
        configs=tuple(configs),
        remarks=_list_remarks(recipe),
    )


def require_all(summary: RehydrateSummary, out: Path) -> None:
    """Refuse to call it done while rows are missing."""
    if summary.rebuilt < summary.shared:
        reasons = ", ".join(f"{entry.reason} ({entry.count})" for entry in summary.missing)
        raise RowsMissing(
            f"{summary.shared - summary.rebuilt} of {summary.shared} rows could not be made again: {reasons}",
            hint=f"{out / MISSING} names each row with its reason.",
        )


# --- from deltas --------------------------------------------------------------------------------


def _rebuild_from_deltas(
    shared: Path, recipe: Recipe, corpus: CorpusSettings, missing: list[MissingRow], progress: Progress
) -> Iterator[Record]:
    phrase_book = list(read_phrases(shared))
    wanted = {row.study_id for row in read_rows(shared, DeltaRow)}
    wanted |= {place.study_id for phrase in phrase_book for place in phrase.places}
    reports = _read_reports(corpus, wanted, progress)
    key = open_key(recipe.slips, recipe.key_check, reports)
    phrases: dict[int, str] = {}
    for phrase in phrase_book if key is not None else ():
        for place in phrase.places:
            keys = words_of(reports.get(place.study_id, "")).keys[place.first : place.first + phrase.words]
            text = phrase_text(keys)
            if key is not None and check_value(key, "phrase", text) == phrase.check:
                phrases[phrase.number] = text
                break
    for done, row in enumerate(read_rows(shared, DeltaRow), 1):
        progress("rebuild", done, recipe.rows)
        found = _rebuild_row(row, reports, phrases, key)
        if isinstance(found, Record):
            yield found
        else:
            missing.append(MissingRow(record_id=row.record_id, study_id=row.study_id, reason=found))


def _rebuild_row(
    row: DeltaRow, reports: Mapping[str, str], phrases: Mapping[int, str], key: bytes | None
) -> Record | str:
    report = reports.get(row.study_id)
    if report is None:
        return NOT_IN_CORPUS
    if key is None:
        return KEY_STAYS_SHUT
    return record_of(row, report, phrases, key)


# --- from a recipe ------------------------------------------------------------------------------


def _require_same_maker(recipe: Recipe, graph: Path | None) -> None:
    """A recipe is followed only with the expert and the graph that it names."""
    if recipe.expert != "rules":
        raise SharingRefused(
            f"a recipe holds no answers, and those of `{recipe.expert}` cannot be had again",
            hint="Ask for level L1, which holds them.",
        )
    loaded = load_graph(graph)
    if loaded.digest != recipe.lineage.graph_digest:
        raise SharingRefused(
            f"the share was made with the graph {recipe.lineage.graph_version}, not with"
            f" {loaded.name} {loaded.version} as it is here",
            hint="Give that graph with --graph, or install the version of ccf_pipeline that carries it.",
        )


def _rebuild_from_recipe(
    shared: Path,
    recipe: Recipe,
    corpus: CorpusSettings,
    out: Path,
    graph: Path | None,
    missing: list[MissingRow],
    progress: Progress,
) -> Iterator[Record]:
    """Build once more from the recipe's settings, and keep what comes out the same."""
    settings = _make_settings(recipe, corpus, out / _WORKSHOP, graph)
    summary = walk.build(settings, progress)
    built = {
        record.record_id: record for record in BuildFolder(settings.out).accepted_records(summary.plan.shards)
    }
    wanted = {row.study_id for row in read_rows(shared, RecipeRow)}
    reports = _read_reports(corpus, wanted, progress)
    key = open_key(recipe.slips, recipe.key_check, reports)
    for done, row in enumerate(read_rows(shared, RecipeRow), 1):
        progress("rebuild", done, recipe.rows)
        found = _match_row(row, built.get(row.record_id), reports, key)
        if isinstance(found, Record):
            yield found
        else:
            missing.append(MissingRow(record_id=row.record_id, study_id=row.study_id, reason=found))


def _match_row(
    row: RecipeRow, built: Record | None, reports: Mapping[str, str], key: bytes | None
) -> Record | str:
    report = reports.get(row.study_id)
    if report is None:
        return NOT_IN_CORPUS
    if key is None:
        return KEY_STAYS_SHUT
    if report_check(key, row.study_id, report) != row.source_check:
        return REPORT_DIFFERS
    if built is None:
        return NOT_REBUILT
    record = with_images_of(built, row)
    return record if record_check(key, record) == row.record_check else ROW_DIFFERS


def _make_settings(recipe: Recipe, corpus: CorpusSettings, out: Path, graph: Path | None) -> BuildSettings:
    """The recipe's settings, with the corpus where its holder keeps it."""
    told = settings_of(recipe.settings, out=out, graph=graph)
    own = {name: getattr(corpus, name) for name in corpus.model_fields_set}
    return told.model_copy(update={"corpus": told.corpus.model_copy(update=own | {"path": corpus.path})})


def _list_remarks(recipe: Recipe) -> tuple[str, ...]:
    if recipe.lineage.code_version == read_code_version():
        return ()
    return (f"made by ccf_pipeline {recipe.lineage.code_version}; this is {read_code_version()}",)


def _read_reports(corpus: CorpusSettings, wanted: set[str], progress: Progress) -> dict[str, str]:
    """The holder's reports of these studies, as they are read here."""
    reports = {}
    for number, found in enumerate(read_corpus(corpus), 1):
        progress("studies", number, None)
        if isinstance(found, Study) and found.study_id in wanted:
            reports[found.study_id] = found.text
    return reports

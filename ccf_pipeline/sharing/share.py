"""From a finished build to a share that may leave, and from a share to the data set again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ccf_pipeline.corpora import corpus_terms
from ccf_pipeline.datasets.card.body import METHOD
from ccf_pipeline.engine.build_folder import BuildFolder, identity_of
from ccf_pipeline.engine.materials import Progress, silent
from ccf_pipeline.errors import LeakFound, MissingInput, SharingRefused
from ccf_pipeline.records import BuildSummary, CorpusTerms, Lineage, ReasonCount, Record
from ccf_pipeline.settings import settings_of
from ccf_pipeline.sharing.cards import write_share_card
from ccf_pipeline.sharing.data import (
    CONFIGS,
    copy_dataset,
    footers_that_tell,
    planned_texts,
    strings_to_leave,
    write_phrases,
    write_rows,
)
from ccf_pipeline.sharing.delta.delta import phrase_text
from ccf_pipeline.sharing.delta.keys import REPORTS_PER_SLIP, check_value, make_key, seals_well, write_slips
from ccf_pipeline.sharing.delta.leaks import (
    FOOTER_STATISTICS,
    UNREADABLE,
    LeakScan,
    Told,
    identifiers,
    invents_a_person,
    paths,
)
from ccf_pipeline.sharing.delta.rows import borrowed_runs, delta_row, foreign_to_report, recipe_row
from ccf_pipeline.sharing.delta.words import Shingle, words_of
from ccf_pipeline.sharing.folder import (
    list_files,
    scratch_folder,
    staged_folder,
    write_manifest,
    write_recipe,
)
from ccf_pipeline.sharing.nouns import (
    DeltaRow,
    LeakReport,
    Phrase,
    Place,
    Recipe,
    RecipeRow,
    Setting,
    ShareLevel,
    ShareSummary,
)
from ccf_pipeline.sharing.permission import SUBMISSION_NAME, refuse_submission, refuse_texts
from ccf_pipeline.sharing.physionet import write_submission

INVENTED_PERSON = "names, dates or ages someone"
PLACES_PER_PHRASE = 3
# Settings that say where something lies rather than what is made.
_PLACE_WORDS = (
    "path",
    "images",
    "url",
    "endpoint",
    "host",
    "socket",
    "key",
    "token",
    "file",
    "folder",
    "out",
)


@dataclass(frozen=True)
class FinishedBuild:
    """A build whose files are all as its manifest says, with what is known around it."""

    folder: BuildFolder
    summary: BuildSummary
    settings: Mapping[str, Setting]
    terms: CorpusTerms

    @classmethod
    def open(cls, path: Path) -> FinishedBuild:
        folder = BuildFolder(path)
        if not path.is_dir():
            raise MissingInput(f"{path}: there is no such build folder")
        if not folder.is_finished():
            raise MissingInput(
                f"{path}: is not a finished build", hint="Finish it with `ccf-build run`, then share it."
            )
        summary = folder.verify()
        begun = identity_of(path)
        terms = corpus_terms(settings_of(begun, out=path, graph=None).corpus)
        return cls(folder, summary, begun, terms)

    def records(self) -> Iterator[Record]:
        """The accepted rows that name nobody whom the report does not name."""
        return (record for record in self._read_accepted() if not invents_a_person(record))

    def count_left_out(self) -> tuple[ReasonCount, ...]:
        count = sum(1 for record in self._read_accepted() if invents_a_person(record))
        return (ReasonCount(reason=INVENTED_PERSON, count=count),) if count else ()

    def reports(self) -> Iterator[tuple[str, str]]:
        return planned_texts(self.folder, self.summary.plan.shards)

    def _read_accepted(self) -> Iterator[Record]:
        return self.folder.accepted_records(self.summary.plan.shards)


def share(
    build: Path,
    out: Path,
    *,
    level: ShareLevel = "L0",
    permission: str = "",
    submission: str | None = None,
    progress: Progress = silent,
) -> ShareSummary:
    """Write what may leave of a finished build at one level; refuses, and writes nothing, when it leaks.

    Args:
        permission: under whose written permission it is shared, to be told on the card.
        submission: the name of a PhysioNet submission to make of it; level L2 only.
    """
    finished = FinishedBuild.open(build)
    if submission is not None:
        refuse_submission(submission, level, finished.terms)
    with staged_folder(out) as staged:
        summary = _write_staged_share(finished, staged, level, permission, submission, progress)
        if summary.scan.leaks:
            raise LeakFound(f"{out}: not written: {tell_leaks(summary.scan)}")
    return summary


def submission_name(build: Path) -> str:
    """Return what a PhysioNet submission of this build is called unless its authors say otherwise."""
    return SUBMISSION_NAME.get(FinishedBuild.open(build).terms.kind, SUBMISSION_NAME["mimic"])


def preview(
    build: Path, *, level: ShareLevel = "L0", permission: str = "", progress: Progress = silent
) -> ShareSummary:
    """Return what sharing would write and what its scan would find; nothing is kept."""
    finished = FinishedBuild.open(build)
    with scratch_folder(build) as staged:
        return _write_staged_share(finished, staged, level, permission, None, progress)


def tell_leaks(scan: LeakReport, most: int = 5) -> str:
    """The first leaks, by kind and place."""
    told = [f"{leak.kind} in {leak.file} ({leak.place}, {leak.count})" for leak in scan.leaks[:most]]
    rest = len(scan.leaks) - len(told)
    return "; ".join(told) + (f"; and {rest} more" if rest > 0 else "")


def _write_staged_share(
    finished: FinishedBuild,
    staged: Path,
    level: ShareLevel,
    permission: str,
    submission: str | None,
    progress: Progress,
) -> ShareSummary:
    refuse_texts(level, finished.terms, permission)
    recipe, key = _make_recipe(finished, level, permission)
    phrases = 0
    if level == "L2":
        copy_dataset(finished.folder, staged)
    else:
        phrases = _write_keyed(finished, staged, level, recipe, key, progress)
    write_recipe(staged, recipe)
    if submission is not None:
        write_submission(staged, submission, recipe)
    write_manifest(staged)
    return ShareSummary(
        level=level,
        rows=recipe.rows,
        studies=recipe.studies,
        phrases=phrases,
        left_out=recipe.left_out,
        files=list_files(staged),
        scan=scan_folder(staged, finished, recipe, progress),
    )


# --- what is written ------------------------------------------------------------------------------


def _make_recipe(finished: FinishedBuild, level: ShareLevel, permission: str) -> tuple[Recipe, bytes]:
    texts: dict[str, str] = {}
    rows = 0
    first: Record | None = None
    for record in finished.records():
        first = first or record
        rows += 1
        texts[record.study_id] = record.factual_text
    if first is None:
        raise SharingRefused(
            "there is no accepted row to share", hint="See why with the build's config `rejected`."
        )
    left_out = finished.count_left_out()
    if level == "L2" and left_out:
        raise LeakFound(
            f"{left_out[0].count} accepted counterfactuals {INVENTED_PERSON} whom their reports do not",
            hint="Judge the answers again with `ccf-build recheck --write`; levels L0 and L1 leave them out.",
        )
    if level != "L2" and finished.terms.sensitivity == "credentialed" and not seals_well(texts):
        raise SharingRefused(
            f"{len(set(texts.values()))} reports are too few: check values of so few could be guessed",
            hint=f"Share a build of {REPORTS_PER_SLIP} different reports at least.",
        )
    key = make_key(texts)
    recipe = Recipe(
        level=level,
        terms=finished.terms,
        permission=permission,
        settings=_drop_places(finished.settings),
        lineage=Lineage(
            **{name: getattr(first, name) for name in Lineage.model_fields}  # of all rows the same
        ),
        expert=first.expert,
        model=first.model,
        rows=rows,
        studies=len(texts),
        left_out=left_out,
        summary=finished.summary,
        key_check="" if level == "L2" else check_value(key, "key"),
        slips=() if level == "L2" else write_slips(key, texts),
    )
    return recipe, key


def _drop_places(settings: Mapping[str, Setting]) -> dict[str, Setting]:
    """The settings that decide what is made; where things lie on this machine is nobody's business."""
    return {
        name: value
        for name, value in settings.items()
        if not isinstance(value, list | dict)
        and not any(word in name.rpartition(".")[2].split("_") for word in _PLACE_WORDS)
    }


def _write_keyed(
    finished: FinishedBuild, staged: Path, level: ShareLevel, recipe: Recipe, key: bytes, progress: Progress
) -> int:
    """The rows of L0 or L1, and the phrases of L1; returns how many phrases."""
    sizes: Counter[str] = Counter(record.split for record in finished.records())
    if level == "L0":

        def recipe_rows(split: str) -> Iterator[RecipeRow]:
            return (recipe_row(record, key) for record in finished.records() if record.split == split)

        splits = write_rows(staged, recipe_rows, sizes, RecipeRow)
        write_share_card(staged, recipe, {CONFIGS[RecipeRow]: splits})
        return 0
    places = _find_phrase_places(finished, progress)
    checks = {run: check_value(key, "phrase", phrase_text(run)) for run in places}
    numbers = {run: number for number, run in enumerate(sorted(places, key=checks.__getitem__))}

    def delta_rows(split: str) -> Iterator[DeltaRow]:
        for done, record in enumerate(finished.records(), 1):
            progress("deltas", done, recipe.rows)
            if record.split == split:
                yield delta_row(record, numbers, key)

    splits = write_rows(staged, delta_rows, sizes, DeltaRow)
    write_share_card(staged, recipe, {CONFIGS[DeltaRow]: splits})
    return write_phrases(
        staged,
        (
            Phrase(
                number=number,
                words=len(shingle),
                check=checks[shingle],
                places=places[shingle],
            )
            for shingle, number in numbers.items()
        ),
    )


def _find_phrase_places(finished: FinishedBuild, progress: Progress) -> dict[Shingle, tuple[Place, ...]]:
    """Words in a row that experts wrote and reports hold, with the first few places of each.

    Only what experts wrote is remembered; the reports go by. A sentence may be borrowed from a report that
    nothing was planned for, and of which no more is known than the sentence.
    """
    wanted: dict[Shingle, list[Place]] = {}
    for record in finished.records():
        for run, study_id, first in borrowed_runs(record):
            place, places = Place(study_id=study_id, first=first), wanted.setdefault(run, [])
            if place not in places and len(places) < PLACES_PER_PHRASE:
                places.append(place)
        for shingle in foreign_to_report(record):
            wanted.setdefault(shingle, [])
    for done, (study_id, report) in enumerate(finished.reports(), 1):
        progress("phrases", done, finished.summary.plan.studies_planned)
        for first, shingle in words_of(report).runs():
            found = wanted.get(shingle)
            if found is not None and len(found) < PLACES_PER_PHRASE:
                is_told = any(place.study_id == study_id for place in found)
                found += [] if is_told else [Place(study_id=study_id, first=first)]
    return {
        run: tuple(sorted(places, key=lambda place: (place.study_id, place.first)))
        for run, places in wanted.items()
        if places
    }


# --- what is looked for before it leaves ------------------------------------------------------------


def scan_folder(staged: Path, finished: FinishedBuild, recipe: Recipe, progress: Progress) -> LeakReport:
    """Look at every string of every file, and compare it with every report of the build."""
    everything = recipe.level == "L2"
    known = set(identifiers(json.dumps(recipe.model_dump(mode="json"), ensure_ascii=False)))
    known |= identifiers(METHOD)  # a citation has a year
    if everything:
        for _, report in finished.reports():
            known |= identifiers(report) | paths(report)
    scan = LeakScan(ids=_collect_ids(finished), known=frozenset(known), reports_are_shared=everything)
    progress("scan", 0, None)
    try:
        scan.take(Told(*told) for told in strings_to_leave(staged))
        for file, column in footers_that_tell(staged):
            scan.take_finding(FOOTER_STATISTICS, file, column)
    except ValueError as unreadable:
        scan.take_finding(UNREADABLE, str(unreadable), "the whole file")
    scan.compare(report for _, report in finished.reports())
    if not everything:
        scan.compare(phrase_text(run) for record in finished.records() for run, _, _ in borrowed_runs(record))
    return scan.report()


def _collect_ids(finished: FinishedBuild) -> frozenset[str]:
    """Return what the corpus itself calls its studies, patients and images."""
    ids: set[str] = {study_id for study_id, _ in finished.reports()}
    for record in finished.records():
        ids |= {record.subject_id, record.record_id}
        ids |= {name for name in (record.image_id, record.image_path, record.image_sha256) if name}
        if record.matched_image is not None:
            matched = record.matched_image
            ids |= {matched.study_id, matched.image_id, matched.path}
    return frozenset(ids)

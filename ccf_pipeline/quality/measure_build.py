"""The quality of a build: read through io, measured by quality, written back beside the data set.

`quality.json` and `report.html` are derived: they can be made again at any time, and are in no manifest.
The data set's card tells the gates, and is written again when they were measured.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from ccf_pipeline.corpora import corpus_terms, images_root
from ccf_pipeline.corpora.thumbnails import thumbnail
from ccf_pipeline.datasets.card import tell_quality
from ccf_pipeline.datasets.counts import film_of
from ccf_pipeline.datasets.formats.select import has_mirror, named_apart
from ccf_pipeline.datasets.wrapper import answer, load_wrapper
from ccf_pipeline.engine.build_folder import BuildFolder, identity_of
from ccf_pipeline.engine.claim import open_build
from ccf_pipeline.engine.materials import Progress, silent
from ccf_pipeline.engine.select_pairs import read_selected
from ccf_pipeline.errors import MissingInput, UnreadableInput
from ccf_pipeline.files.arrow import read_columns
from ccf_pipeline.files.disk import write_text
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.quality.figures import VERSION, MadeWith, Quality
from ccf_pipeline.quality.measuring import Opinion, Rules, Training, measure
from ccf_pipeline.quality.mix_files import read_mix
from ccf_pipeline.quality.other_labels import LabelSource, write_texts
from ccf_pipeline.quality.page import write_page
from ccf_pipeline.quality.sampling import Sample, StratifiedSample
from ccf_pipeline.quality.tally import Tally, ranked
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.records import PlanSummary, ReasonCount, Record
from ccf_pipeline.settings import BuildSettings, DatasetSettings, settings_of

QUALITY_FILE = "quality.json"
REPORT_FILE = "report.html"
SAMPLED_PAIRS = 10_000
SEED = 7
ACCEPTED_OF_A_KIND = 16
REJECTED_FOR_A_REASON = 24
MOST_PAIRS = 700
_REPORTS = ["study.study_id", "study.text"]
MOST_THUMBNAIL_BYTES = 1_200_000


@dataclass(frozen=True)
class Sampling:
    """How many pairs are read again, the seed that draws them, and whether an encoder reads them as well."""

    pairs: int = SAMPLED_PAIRS
    seed: int = SEED
    encoder: bool = False


def measure_build(
    path: Path,
    sampling: Sampling = Sampling(),
    *,
    graph_path: Path | None = None,
    sources: Sequence[LabelSource] = (),
    progress: Progress = silent,
) -> Quality:
    """Measure a finished build, write `quality.json` into its folder and the gates onto its card.

    Rows stream by; what needs texts read again is measured on a sample, whose size the figures tell.
    """
    folder, plan = finished_build(path)
    quality = _measure(
        folder, plan, range(plan.shards), sampling, graph_path=graph_path, sources=sources, progress=progress
    )
    write_text(path / QUALITY_FILE, quality.model_dump_json(indent=1) + "\n", private=True)
    _tell_on_the_card(path)
    return quality


def _measure(
    folder: BuildFolder,
    plan: PlanSummary,
    shards: Sequence[int],
    sampling: Sampling,
    *,
    graph_path: Path | None,
    sources: Sequence[LabelSource] = (),
    progress: Progress,
) -> Quality:
    """Measure the rows of these shards, which are sealed."""
    path = folder.path
    graph = load_graph(graph_path)
    tally, sample = Tally(graph), Sample[Record](sampling.pairs, sampling.seed)
    films: Counter[str] = Counter()
    made_with: MadeWith | None = None
    settings = build_settings(path)
    is_selected = settings.dataset.select is not None and folder.is_finished()
    trained_on = read_selected(folder, plan.shards) if is_selected else None
    for number, record in enumerate(_read_records(folder, shards), 1):
        tally.add(record)
        if record.accepted:
            films[film_of(record)] += 1
            if trained_on is None or record.record_id in trained_on:
                sample.add(record.record_id, record)
        made_with = made_with or _describe_makers(record)
        if number % 500 == 0 or number == plan.plans:
            progress("rows", number, plan.plans)
    sampled = sample.values()
    wrapper = load_wrapper(settings.dataset)
    # Both sides of a pair show the same headings or none; here they stay as the report has them.
    as_it_stands = wrapper.model_copy(update={"findings": "FINDINGS:", "impression": "IMPRESSION:"})
    wrap = partial(answer, wrapper=as_it_stands)
    rules = Rules(graph, Lexicon.from_graph(graph.file), wrap, wrapper.question, sampling.seed)
    opinions = [_read_opinion(source, sampled, path) for source in sources]
    return measure(
        tally,
        sampled,
        plan,
        made_with or _describe_no_maker(graph),
        rules,
        opinions,
        progress,
        training=_collect_training(folder, plan, sampled, ranked(films), settings.dataset, sampling),
    )


def _collect_training(
    folder: BuildFolder,
    plan: PlanSummary,
    sampled: Sequence[Record],
    films: tuple[ReasonCount, ...],
    chosen: DatasetSettings,
    sampling: Sampling,
) -> Training:
    """Return what is trained on: the texts of the written rows, and the reports of the matched films."""
    if not folder.is_finished():
        return Training(films=films)  # no row is written before all of them are judged
    mirrored = [
        record
        for record in sampled
        if has_mirror(record, chosen.match) and (chosen.same_diagnosis or named_apart(record))
    ]
    wanted = {record.matched_image.study_id for record in mirrored if record.matched_image}
    planned = (
        row["study"] for n in range(plan.shards) for row in read_columns(folder.plan_path(n), _REPORTS)
    )
    return Training(
        mix=read_mix(folder.dataset_path, 2 * sampling.pairs, seed=sampling.seed),
        films=films,
        mirrored=mirrored,
        reports={study["study_id"]: study["text"] for study in planned if study["study_id"] in wanted},
        encoder=sampling.encoder,
    )


def _tell_on_the_card(path: Path) -> None:
    with open_build(path, identity_of(path)) as folder:
        card = folder.dataset_path / "README.md"
        told = card.read_text(encoding="utf-8")
        if (telling := tell_quality(told, path)) != told:
            folder.rewrite(card, telling)


def read_quality(path: Path) -> Quality | None:
    """Return the figures of a build; None if it was not measured, or by another version of the program."""
    file = path / QUALITY_FILE
    if not file.is_file():
        return None
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        return Quality.model_validate(raw) if raw.get("version") == VERSION else None
    except (OSError, ValueError, AttributeError, ValidationError) as error:
        raise UnreadableInput(
            f"{file}: cannot be read", hint="Run `ccf-build metrics` to measure the build anew."
        ) from error


def write_report(
    path: Path,
    out: Path | None = None,
    *,
    graph_path: Path | None = None,
    seed: int = SEED,
    progress: Progress = silent,
) -> Path:
    """Write the page that shows a build; it is measured first if it was not.

    Of a build that is not finished it shows what is sealed so far, and says so.
    The page holds report text: it is for those who may see the build.
    """
    folder, plan = begun_build(path)
    shards = [shard for shard in range(plan.shards) if folder.is_sealed(shard)]
    if folder.is_finished():
        quality = read_quality(path) or measure_build(path, graph_path=graph_path, progress=progress)
    else:
        quality = _measure(folder, plan, shards, Sampling(), graph_path=graph_path, progress=progress)
    accepted = StratifiedSample[Record](ACCEPTED_OF_A_KIND, seed)
    rejected = StratifiedSample[Record](REJECTED_FOR_A_REASON, seed)
    for number, record in enumerate(_read_records(folder, shards), 1):
        if record.accepted:
            accepted.add((record.direction, record.target), record.record_id, record)
        else:
            reasons = sorted({problem.code for problem in record.problems if problem.level == "block"})
            rejected.add(reasons[0] if reasons else "", record.record_id, record)
        if number % 500 == 0 or number == plan.plans:
            progress("report", number, plan.plans)
    shown = list(_take_in_turns(rejected.in_turns(), accepted.in_turns()))[:MOST_PAIRS]
    settings = build_settings(path, graph_path)
    page = write_page(
        quality,
        load_graph(graph_path),
        shown,
        _make_thumbnails(shown, images_root(settings.corpus)),
        notice=_describe_progress(shards, plan) + _describe_terms(settings),
        pairs_in_build=plan.plans,
    )
    target = out or path / REPORT_FILE
    write_text(target, page, private=True)
    return target


def _take_in_turns(one: Iterable[Record], other: Iterable[Record]) -> Iterator[Record]:
    for pair in itertools.zip_longest(one, other):
        yield from (record for record in pair if record is not None)


def _make_thumbnails(records: Sequence[Record], root: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    room = MOST_THUMBNAIL_BYTES
    for record in records:
        for path, sha256 in _list_films(record):
            small = thumbnail(root / path, sha256) if room > 0 and path not in found else None
            if small is not None:
                found[path] = small
                room -= len(small)
    return found


def _list_films(record: Record) -> Iterator[tuple[str, str | None]]:
    """Yield the path and digest of a pair's own film and of the matched one."""
    if record.image_path is not None:
        yield record.image_path, record.image_sha256
    if record.matched_image is not None:
        yield record.matched_image.path, record.matched_image.sha256


def _describe_progress(sealed: Sequence[int], plan: PlanSummary) -> str:
    if len(sealed) == plan.shards:
        return ""
    return f"Not finished: {len(sealed)} of {plan.shards} shards are sealed, and this page tells of those. "


def _describe_terms(settings: BuildSettings) -> str:
    terms = corpus_terms(settings.corpus)
    if terms.sensitivity == "open":
        return f"Made from {terms.name}. Not for clinical use."
    return (
        f"Holds text derived from credentialed reports ({terms.name}): only for those who have signed the"
        " source's data use agreement. It may not be published or sent to others. Not for clinical use."
    )


def build_settings(path: Path, graph_path: Path | None = None) -> BuildSettings:
    """The settings that a build was begun with."""
    return settings_of(identity_of(path), out=path, graph=graph_path)


def write_sampled_texts(path: Path, out: Path, sampling: Sampling = Sampling()) -> int:
    """The texts that another labeler is to judge, as JSON lines; `metrics --labels` takes its table back."""
    folder, plan = finished_build(path)
    sample = Sample[Record](sampling.pairs, sampling.seed)
    for record in folder.accepted_records(plan.shards):
        sample.add(record.record_id, record)
    return write_texts(out, _iter_texts(sample.values()))


def finished_build(path: Path) -> tuple[BuildFolder, PlanSummary]:
    """A build whose data set stands; only a whole one is measured."""
    folder, plan = begun_build(path)
    if not folder.is_finished():
        raise MissingInput(
            f"{path}: is not finished",
            hint="Finish it: `ccf-build run` with its settings goes on.",
        )
    return folder, plan


def begun_build(path: Path) -> tuple[BuildFolder, PlanSummary]:
    """Return a build that is planned, finished or not."""
    folder = BuildFolder(path)
    plan = folder.plan_summary() if path.is_dir() else None
    if plan is None:
        raise MissingInput(f"{path}: is not a build folder", hint="Name the folder given to --out.")
    return folder, plan


def _read_records(folder: BuildFolder, shards: Iterable[int]) -> Iterator[Record]:
    for shard in shards:
        yield from folder.records_of(shard)


def _iter_texts(records: Iterable[Record]) -> Iterator[tuple[tuple[str, str], str]]:
    for record in records:
        yield (record.record_id, "factual"), record.chosen_text or record.factual_text
        yield (record.record_id, "counterfactual"), record.counterfactual_text


def _read_opinion(source: LabelSource, sampled: Sequence[Record], folder: Path) -> Opinion:
    judged = source.judge(dict(_iter_texts(sampled)), folder)
    return Opinion(source.name, judged.labels, judged.entities)


def _describe_makers(record: Record) -> MadeWith:
    return MadeWith(
        graph=record.graph_version,
        graph_digest=record.graph_digest,
        code=record.code_version,
        expert=record.expert,
    )


def _describe_no_maker(graph: ConceptGraph) -> MadeWith:
    return MadeWith(graph=f"{graph.name} {graph.version}", graph_digest=graph.digest, code="", expert="")

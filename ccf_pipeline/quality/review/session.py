"""A build before a reader's eyes: which pairs are shown, where judgements are kept, what they come to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ccf_pipeline.corpora import images_root
from ccf_pipeline.corpora.thumbnails import bound_image
from ccf_pipeline.engine.materials import Progress, silent
from ccf_pipeline.errors import MissingInput, SettingsError
from ccf_pipeline.quality.agreement import ReaderStudy, plausible_records, reader_study
from ccf_pipeline.quality.measure_build import build_settings, finished_build
from ccf_pipeline.quality.review.app import Item, Sheet
from ccf_pipeline.quality.review.judgements import JudgementBook, read_judgements, write_judgements
from ccf_pipeline.quality.review.serving import serve_review
from ccf_pipeline.quality.sampling import StratifiedSample, draw
from ccf_pipeline.quality.visible import made_visible
from ccf_pipeline.records import Record, ReviewMode, Shown

LONGEST_NAME = 80


def review(
    build: Path,
    reader: str,
    *,
    mode: ReviewMode,
    pairs: int,
    seed: int,
    port: int,
    tell: Callable[[str], None],
    open_browser: bool,
    progress: Progress = silent,
) -> int:
    """Let a reader judge in a browser until it is stopped; returns how many judgements of theirs hold."""
    reader = " ".join(reader.split())
    if not reader or len(reader) > LONGEST_NAME:
        raise SettingsError("--name: say who judges", hint='For example: --name "A. Reader".')
    sheet = Sheet(reader, mode, tuple(_list_items(build, mode, pairs, seed, progress)))
    if not sheet.items:
        raise MissingInput(f"{build}: holds no accepted pair to judge", hint="See its card for the reasons.")
    with JudgementBook(_name_book(build)) as book:
        try:
            serve_review(sheet, book, port=port, tell=tell, open_browser=open_browser)
        finally:
            write_judgements(_name_table(build), book.holding())
        return len(book.of_reader(reader, mode))


def study(build: Path) -> ReaderStudy:
    """The figures of all readers so far; the table beside them is made anew from the book."""
    finished_build(build)
    if not _name_book(build).is_file():
        read_judgements(_name_table(build))
    with JudgementBook(_name_book(build)) as book:
        holding = book.holding()
    write_judgements(_name_table(build), holding)
    return reader_study(holding)


def reviewed_plausible(build: Path) -> frozenset[str]:
    """The records that readers found plausible, for an export of nothing else."""
    study(build)
    return plausible_records(read_judgements(_name_table(build)))


def _list_items(build: Path, mode: ReviewMode, pairs: int, seed: int, progress: Progress) -> list[Item]:
    """Pairs of every direction and target in turns: the same for every reader who gives the same seed."""
    folder, plan = finished_build(build)
    sample = StratifiedSample[Record](pairs, seed)
    for number, record in enumerate(folder.accepted_records(plan.shards), 1):
        sample.add((record.direction, record.target), record.record_id, record)
        if number % 500 == 0:
            progress("review", number, None)
    chosen = [record for _, record in zip(range(pairs), sample.in_turns(), strict=False)]
    chosen.sort(key=lambda record: draw(seed, record.record_id))
    root = images_root(build_settings(build).corpus)
    return [_make_item(record, mode, root, seed) for record in chosen]


def _make_item(record: Record, mode: ReviewMode, root: Path, seed: int) -> Item:
    shown: Shown = "counterfactual"
    if mode == "blind" and draw(seed, f"side {record.record_id}") % 2:
        shown = "factual"
    made = made_visible(record.counterfactual_text)
    given = made_visible(record.factual_text)
    return Item(
        record_id=record.record_id,
        shown=shown,
        direction=record.direction,
        target=record.target,
        question="Could a radiologist have written this report?"
        if mode == "blind"
        else _describe_request(record),
        text=made if shown == "counterfactual" else given,
        beside=given if mode == "side_by_side" else None,
        # Beside its own image a counterfactual is known at once for what it is: the blind reader sees none.
        image=_find_image(record, root) if mode == "side_by_side" else None,
    )


def _find_image(record: Record, root: Path) -> Callable[[], bytes | None] | None:
    if record.image_path is None:
        return None
    return partial(bound_image, root / record.image_path, record.image_sha256)


def _describe_request(record: Record) -> str:
    lost = ", ".join(record.swap_from)
    change = {
        "add": f"{record.target} was to be added",
        "swap": f"{record.target} was to take the place of {lost}",
        "remove": f"{record.target} was to go",
    }.get(record.direction, f"one thing about {record.target} was to change")
    return f"{change}: is the new report plausible?"


def _name_book(build: Path) -> Path:
    return build / "review" / "judgements.sqlite"


def _name_table(build: Path) -> Path:
    return build / "review" / "judgements.parquet"

"""Write the published layout: data/<config>/<split>-00000-of-000NN.parquet.

The shards are read twice: once to choose the pairs to train on, which depends on all of them, and once to
write every config.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ccf_pipeline.datasets.counts import Tally, ranked
from ccf_pipeline.datasets.disk_space import bytes_below, bytes_wanted, require_room
from ccf_pipeline.datasets.formats import Export, StudyPairs, shipped_exports
from ccf_pipeline.datasets.formats.images import LeftOut, StudyImages
from ccf_pipeline.datasets.formats.llamafactory import dataset_info
from ccf_pipeline.datasets.formats.select import BY_CHOICE, HAS_MIRROR, NO_MIRROR, USES, Selection
from ccf_pipeline.datasets.judged_rows import JudgedRows
from ccf_pipeline.datasets.split_files import FileFormat, SplitFiles
from ccf_pipeline.datasets.wrapper import load_wrapper
from ccf_pipeline.files.disk import remove_folder, write_text
from ccf_pipeline.records import ConfigSummary, Record, Split
from ccf_pipeline.settings import DatasetSettings

# The Hub's word for MIMIC's "validate".
SPLIT_FILES: dict[Split, str] = {"train": "train", "validate": "validation", "test": "test"}

Progress = Callable[[int], None]
Batch = tuple[Literal["accepted", "rejected"], Iterable[Record]]


@dataclass(frozen=True)
class WrittenDataset:
    """The contents of a data set's folder, and the counts made while it was written."""

    folder: Path
    configs: tuple[ConfigSummary, ...]
    tally: Tally


def write_dataset(
    build: JudgedRows,
    shards: int,
    images_root: Path,
    chosen: DatasetSettings,
    *,
    dropped: frozenset[str] = frozenset(),
) -> WrittenDataset:
    """Write every config of the settings anew, reading each sealed shard twice."""
    wanted = chosen_exports(chosen)
    refuse_small_disk(build, shards, images_root, chosen)
    remove_folder(build.dataset_path)
    return write_configs(build.dataset_path, wanted, build, shards, images_root, chosen, dropped=dropped)


def chosen_exports(chosen: DatasetSettings) -> list[Export]:
    """The configs that the settings name."""
    exports = {export.config: export for export in shipped_exports()}
    return [exports[config] for config in chosen.configs]


def refuse_small_disk(build: JudgedRows, shards: int, images_root: Path, chosen: DatasetSettings) -> None:
    """Refuse what would run out of disk at its end, before it begins; a plan is enough to know that."""
    wanted = bytes_wanted(build, shards, chosen_exports(chosen), images_root, chosen)
    require_room(build.dataset_path, wanted, freed=bytes_below(build.dataset_path))


def write_configs(
    folder: Path,
    exports: Sequence[Export],
    build: JudgedRows,
    shards: int,
    images_root: Path,
    chosen: DatasetSettings,
    *,
    kind: FileFormat = "parquet",
    only: frozenset[str] | None = None,
    dropped: frozenset[str] = frozenset(),
    progress: Progress | None = None,
) -> WrittenDataset:
    """Write some configs below `folder`; every record is counted, whatever is written of it.

    Args:
        only: ids of the records to look at, where it is not to be all of the build.
        dropped: ids of those that are looked at and not trained on.
    """

    def wanted(records: Iterable[Record]) -> Iterator[Record]:
        return (record for record in records if only is None or record.record_id in only)

    def batches() -> Iterator[Batch]:
        for shard in range(shards):
            yield "accepted", wanted(build.accepted_of(shard))
            yield "rejected", wanted(build.rejected_of(shard))
            if progress is not None:
                progress(shard + 1)

    return write_records(folder, exports, batches, images_root, chosen, kind=kind, dropped=dropped)


def write_records(
    folder: Path,
    exports: Sequence[Export],
    batches: Callable[[], Iterable[Batch]],
    images_root: Path,
    chosen: DatasetSettings,
    *,
    kind: FileFormat = "parquet",
    dropped: frozenset[str] = frozenset(),
) -> WrittenDataset:
    """Write some configs of records from anywhere; those of a study lie together.

    Args:
        batches: gives the records anew each time it is called.
    """
    uses = choose_uses(batches(), chosen, dropped)
    tally, study_pairs = Tally(), _StudyReader(images_root, chosen, uses)
    with contextlib.ExitStack() as cleaning:
        outputs = [_Output(folder, export, kind) for export in exports]
        for output in outputs:
            cleaning.callback(output.discard)
        for of, records in batches():
            fed = [output for output in outputs if output.export.of == of]
            for together in _split_by_study(records):
                study = study_pairs.of(together)
                tally.add_study(study)
                for output in fed:
                    output.add(study)
        configs = tuple(output.seal() for output in outputs)
        splits = {output.export.config: output.splits for output in outputs}
    if "llamafactory" in splits:
        write_text(folder / "dataset_info.json", dataset_info(splits), private=True)
    return WrittenDataset(folder, configs, tally)


@dataclass
class _Output:
    """One config while it is written."""

    folder: Path
    export: Export
    kind: FileFormat
    files: dict[str, SplitFiles] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    splits: list[str] = field(default_factory=list)

    def add(self, study: StudyPairs) -> None:
        uses = self.export.trains_on
        if uses is not None:
            self.left_out.update(study.left_out)
            self.left_out[NO_MIRROR] += 0 if "unmirrored" in uses else len(study.unmirrored)
            self.left_out[HAS_MIRROR] += 0 if "mirrored" in uses else len(study.mirrored)
        for row in self.export.rows(study):
            if isinstance(row, LeftOut):
                self.left_out[row.reason] += 1
            else:
                self._split(study.all_records[0].split).add(row)

    def seal(self) -> ConfigSummary:
        self.splits = [split for split in SPLIT_FILES.values() if split in self.files]
        for split in self.splits:
            self.files[split].seal()
        return ConfigSummary(
            config=self.export.config,
            rows=sum(files.rows for files in self.files.values()),
            left_out=tuple(sorted(ranked(+self.left_out), key=lambda entry: entry.reason)),
        )

    def discard(self) -> None:
        for files in self.files.values():
            files.discard()

    def _split(self, split: Split) -> SplitFiles:
        name = SPLIT_FILES[split]
        if name not in self.files:
            folder = self.folder / "data" / self.export.config
            self.files[name] = SplitFiles(folder, name, self.export.schema, self.kind)
        return self.files[name]


def choose_uses(
    batches: Iterable[Batch], chosen: DatasetSettings, dropped: frozenset[str] = frozenset()
) -> Mapping[str, str]:
    """Return for every accepted record what it is used for, or why it is not trained on."""
    selection = Selection(chosen, dropped)
    for of, records in batches:
        for together in _split_by_study(records) if of == "accepted" else ():
            selection.add(together)
    return selection.settle()


def _split_by_study(records: Iterable[Record]) -> Iterator[tuple[Record, ...]]:
    """Yield records by study, in their order; a study's records lie beside each other in a shard."""
    for _, group in itertools.groupby(records, key=lambda record: (record.corpus, record.study_id)):
        yield tuple(group)


class _StudyReader:
    """Puts the records of a study together with what the configs need to make rows of them."""

    def __init__(self, images_root: Path, chosen: DatasetSettings, uses: Mapping[str, str]) -> None:
        self._images_root, self._chosen, self._uses = images_root, chosen, uses
        self._wrapper = load_wrapper(chosen)

    def of(self, together: Sequence[Record]) -> StudyPairs:
        by_use: dict[str, list[Record]] = {}
        for record in together:
            if record.accepted:
                by_use.setdefault(self._uses[record.record_id], []).append(record)
        dropped = {record.record_id for record in by_use.get(BY_CHOICE, ())}
        return StudyPairs(
            all_records=together,
            records=[record for record in together if record.record_id not in dropped],
            mirrored=by_use.get("mirrored", ()),
            unmirrored=by_use.get("unmirrored", ()),
            left_out={use: len(records) for use, records in by_use.items() if use not in USES},
            images=StudyImages(self._images_root, self._chosen.images),
            wrapper=self._wrapper,
            perception_weight=self._chosen.perception_weight,
        )

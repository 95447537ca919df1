"""A finished demo build whose records also name another patient's image, for tests of the data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ccf_pipeline import walk
from ccf_pipeline.datasets.formats import all_exports
from ccf_pipeline.datasets.write import WrittenDataset, write_configs
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.records import Aspect, MatchedImage, Record
from ccf_pipeline.settings import BuildSettings, CorpusSettings, DatasetSettings, ShardSettings

SHARD_SIZE = 20
CLOSE: tuple[Aspect, ...] = ("findings", "side", "degree", "place", "rest")


def paired_build(folder: Path, *, studies: int = 50, seed: int = 11) -> BuildFolder:
    """Build the demo, then match every accepted record that has an image with the next patient's."""
    write_demo_corpus(folder / "corpus", studies=studies, seed=seed)
    settings = BuildSettings(
        out=folder / "build",
        corpus=CorpusSettings(kind="demo", path=folder / "corpus"),
        shards=ShardSettings(size=SHARD_SIZE),
        dataset=DatasetSettings(configs=("ccf",)),
    )
    walk.build(settings)
    build = BuildFolder(folder / "build")
    for shard in range(shards_of(build)):
        build.seal_shard(shard, _matched(list(build.records_of(shard))))
    return build


def shards_of(build: BuildFolder) -> int:
    plan = build.plan_summary()
    assert plan is not None
    return plan.shards


def corpus_of(build: BuildFolder) -> Path:
    return build.path.parent / "corpus"


def written(build: BuildFolder, out: Path, *configs: str, **chosen: Any) -> WrittenDataset:
    """Some configs of a build, written anew below `out`."""
    kind = chosen.pop("kind", "parquet")
    exports = [export for export in all_exports() if not configs or export.config in configs]
    return write_configs(
        out,
        exports,
        build,
        shards_of(build),
        corpus_of(build),
        DatasetSettings(**chosen),
        kind=kind,
    )


def rows_of(written_data: WrittenDataset, config: str) -> list[dict[str, Any]]:
    """Every row of a config, whatever its split."""
    import pyarrow.parquet as pq

    paths = sorted((written_data.folder / "data" / config).glob("*.parquet"))
    return [row for path in paths for row in pq.read_table(path).to_pylist()]


def _matched(records: list[Record]) -> list[Record]:
    pictured = [record for record in records if record.image_path is not None]

    def other_than(record: Record) -> Record:
        place = pictured.index(record)
        following = (*pictured[place + 1 :], *pictured)
        return next(one for one in following if one.subject_id != record.subject_id)

    return [
        record.model_copy(update={"matched_image": _image_of(other_than(record), record)})
        if record.image_path is not None
        else record
        for record in records
    ]


def _image_of(record: Record, shown: Record) -> MatchedImage:
    """The image of one record, four times of five told to show the counterfactual of another one."""
    assert record.image_id is not None
    assert record.image_path is not None
    return MatchedImage(
        study_id=record.study_id,
        image_id=record.image_id,
        path=record.image_path,
        sha256=record.image_sha256,
        shows="has the target",
        quality=0.9,
        findings=tuple(one.finding for one in shown.counterfactual_labels if one.state == "present"),
        agrees=CLOSE if int(shown.record_id, 16) % 5 else CLOSE[:1],
    )

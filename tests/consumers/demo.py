"""Write the data set that the consumers are to read, and beside it what they must find in it.

`expected.json` comes from the records and the corpus's image files, not from the Parquet.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from ccf_pipeline.corpora.images import training_image
from ccf_pipeline.corpora.terms import TERMS
from ccf_pipeline.datasets.card import write_card
from ccf_pipeline.datasets.counts import ranked
from ccf_pipeline.datasets.formats import shipped_exports
from ccf_pipeline.datasets.formats.select import has_mirror, named_apart
from ccf_pipeline.datasets.wrapper import chosen_answer, load_wrapper, pair_answers
from ccf_pipeline.datasets.write import SPLIT_FILES
from ccf_pipeline.engine.finish_build import reviews_of
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.records import BuildSummary, Lineage, Record
from ccf_pipeline.settings import DatasetSettings
from tests.paired_build import corpus_of, paired_build, shards_of, written


def main(folder: Path) -> None:
    """Build the demo, write every config with its card, and say what must be found."""
    shutil.rmtree(folder, ignore_errors=True)
    build = paired_build(folder, studies=80)
    data = written(build, folder / "dataset", *[export.config for export in shipped_exports()], even=False)
    plan, graph, tally = build.plan_summary(), load_graph(None), data.tally
    assert plan is not None
    summary = BuildSummary(
        plan=plan,
        accepted=tally.accepted,
        rejected=tally.rejected,
        rejected_by_reason=ranked(tally.reasons),
        accepted_by_direction=ranked(tally.directions),
        accepted_by_target=ranked(tally.targets),
        configs=data.configs,
    )
    lineage = Lineage(
        graph_version=graph.version, graph_digest=graph.digest, prompt_digest="demo", code_version="demo"
    )
    write_card(data, summary, lineage, TERMS["demo"], DatasetSettings(), reviews_of(graph, tally.targets))
    records = list(build.accepted_records(shards_of(build)))
    mirrored = [record for record in records if has_mirror(record, "attributes") and _is_trained_on(record)]
    pairs, mirror = _pairs(mirrored, corpus_of(build), folder / "images")
    expected = {
        "rows": {one.config: one.rows for one in data.configs},
        "pairs": pairs,
        "mirror": mirror,
        "mix": {
            split: [row for two in zip(pairs[split], mirror[split], strict=True) for row in two]
            for split in pairs
        },
        "perception": _perception(records, corpus_of(build), folder / "images"),
    }
    (folder / "expected.json").write_text(json.dumps(expected, indent=1), encoding="utf-8")
    print(f"{folder / 'dataset'}: {sum(expected['rows'].values())} rows in {len(data.configs)} configs")


def _is_trained_on(record: Record) -> bool:
    return record.image_path is not None and named_apart(record)


def _pairs(
    records: list[Record], corpus: Path, images: Path
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, list[dict[str, Any]]]]:
    """By split, in the order of the rows: the words of both sides and the digest of their image.

    First of the pairs over their own film, then of their mirrors over the other one.
    """
    wrapper = load_wrapper(DatasetSettings())
    pairs: dict[str, list[dict[str, Any]]] = {}
    mirrors: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        assert record.image_path is not None
        assert record.matched_image is not None
        sides, split = pair_answers(record, wrapper), SPLIT_FILES[record.split]
        own, other = (_kept(corpus / path, images) for path in (record.image_path, record.matched_image.path))
        pairs.setdefault(split, []).append(
            {"chosen": sides.chosen, "rejected": sides.rejected, "image": own, "other": own}
        )
        mirrors.setdefault(split, []).append(
            {"chosen": sides.rejected, "rejected": sides.chosen, "image": other, "other": other}
        )
    return pairs, mirrors


def _perception(records: list[Record], corpus: Path, images: Path) -> dict[str, list[dict[str, Any]]]:
    """The same of perception pairs: one text on both sides, and each two images once."""
    wrapper = load_wrapper(DatasetSettings())
    pairs: dict[str, list[dict[str, Any]]] = {}
    shown = set()
    # Of a study those with a mirror come first.
    first_of = {one.study_id: place for place, one in reversed(list(enumerate(records)))}
    for record in sorted(
        records, key=lambda one: (first_of[one.study_id], not has_mirror(one, "attributes"))
    ):
        if not _is_trained_on(record) or record.image_path is None or record.matched_image is None:
            continue
        two = (record.image_path, record.matched_image.path)
        if two in shown:
            continue
        shown.add(two)
        said = chosen_answer(record, wrapper)
        image, other = (_kept(corpus / path, images) for path in two)
        pairs.setdefault(SPLIT_FILES[record.split], []).append(
            {"chosen": said, "rejected": said, "image": image, "other": other}
        )
    return pairs


def _kept(path: Path, images: Path) -> str:
    """The digest of what is trained on of an image of the corpus; its bytes are kept under it."""
    content = training_image(path)
    name = hashlib.sha256(content).hexdigest()
    images.mkdir(exist_ok=True)
    (images / name).write_bytes(content)
    return name


if __name__ == "__main__":
    main(Path(sys.argv[1]))

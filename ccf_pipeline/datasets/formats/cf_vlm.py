"""`cf_vlm`: a report with all its counterfactuals, in the columns of CF-VLM's data file."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from ccf_pipeline.datasets.formats import Export, Row, StudyPairs
from ccf_pipeline.datasets.formats.columns import TEXT, TEXT_FEATURE, table
from ccf_pipeline.datasets.formats.images import LeftOut
from ccf_pipeline.datasets.wrapper import reasoning, sections
from ccf_pipeline.records import Record


def rows(study: StudyPairs) -> Iterator[Row | LeftOut]:
    """One row per study; `cf_image_path` is a matched patient's image, empty where there is none."""
    record = study.all_records[0]
    if record.image_path is None:
        yield LeftOut("no frontal image")
        return
    factual = record.chosen_text or record.factual_text
    texts = [factual, *(one.counterfactual_text for one in study.records)]
    headings = len({sections(text) for text in texts}) == 1
    spelt = [reasoning(text, study.wrapper, headings=headings) for text in texts]
    yield {
        "orig_input": f"CXR Yes: <|vision_start|>{record.image_path}<|vision_end|>",
        "orig_output": spelt[0],
        "cf_samples": [
            {"cf_text": text, "cf_image_path": _get_matched_path(one)}
            for text, one in zip(spelt[1:], study.records, strict=True)
        ],
    }


def _get_matched_path(record: Record) -> str:
    return record.matched_image.path if record.matched_image else ""


EXPORT = Export(
    config="cf_vlm",
    purpose="a report with all its counterfactuals and the paths of their images, for CF-VLM",
    schema=table(
        orig_input=(TEXT, TEXT_FEATURE),
        orig_output=(TEXT, TEXT_FEATURE),
        cf_samples=(
            pa.list_(pa.struct([("cf_text", TEXT), ("cf_image_path", TEXT)])),
            [{"cf_text": TEXT_FEATURE, "cf_image_path": TEXT_FEATURE}],
        ),
    ),
    rows=rows,
    unit="study",
    images_of=(),
)

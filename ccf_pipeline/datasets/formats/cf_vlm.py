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
    """One row per study; `cf_image_path` is a matched patient's image.

    CF-VLM opens every path it is given: what it could not open (none at all, DICOM) is left out.
    """
    record = study.all_records[0]
    own = study.images.by_path.own(record)
    if isinstance(own, LeftOut):
        yield own
        return
    shown: list[tuple[Record, str]] = []
    for one in study.records:
        film = study.images.by_path.matched(one)
        if isinstance(film, LeftOut):
            yield LeftOut(f"counterfactual: {film.reason}")
        else:
            shown.append((one, film["path"]))
    if not shown:
        yield LeftOut("no counterfactual with a film")
        return
    factual = record.chosen_text or record.factual_text
    texts = [factual, *(one.counterfactual_text for one, _ in shown)]
    headings = len({sections(text) for text in texts}) == 1
    spelt = [reasoning(text, study.wrapper, headings=headings) for text in texts]
    yield {
        "orig_input": f"CXR Yes: <|vision_start|>{own['path']}<|vision_end|>",
        "orig_output": spelt[0],
        "cf_samples": [
            {"cf_text": text, "cf_image_path": path} for text, (_, path) in zip(spelt[1:], shown, strict=True)
        ],
    }


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

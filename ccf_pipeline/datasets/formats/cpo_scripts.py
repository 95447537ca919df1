"""`cpo_scripts`: JSON for CPO's own scripts, such that they write the same wrapper on both sides."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from ccf_pipeline.datasets.formats import Export, Row, StudyPairs
from ccf_pipeline.datasets.formats.images import LeftOut
from ccf_pipeline.datasets.wrapper import diagnosed, diagnosis, reasoning, sections


def rows(study: StudyPairs) -> Iterator[Row | LeftOut]:
    """One object per study.

    The scripts look for `dicom_id`.jpg and, where there is none, take the film of the row before.

    The scripts write `</think>` + `diagnose` on one side and `</think> The disease of this patient is ` +
    the key + `.` on the other: `diagnose` therefore begins with the blank and the words that they lack.
    """
    record = study.all_records[0]
    film = study.images.by_path.own(record)
    if isinstance(film, LeftOut) or record.image_id is None:
        yield film if isinstance(film, LeftOut) else LeftOut("no frontal image")
        return
    if not film["path"].lower().endswith(f"{record.image_id}.jpg".lower()):
        yield LeftOut("image is no dicom_id.jpg")
        return
    factual = record.chosen_text or record.factual_text
    texts = [factual, *(one.counterfactual_text for one in study.records)]
    headings = len({sections(text) for text in texts}) == 1
    counterfact: dict[str, str] = {}
    for one in study.records:
        named = diagnosis(diagnosed(one).counterfactual, study.wrapper)
        if named in counterfact:
            yield LeftOut("another counterfactual leads to the same diagnosis")
        else:
            counterfact[named] = reasoning(one.counterfactual_text, study.wrapper, headings=headings)
    yield {
        "dicom_id": record.image_id,
        "sid": record.study_id,
        "pid": record.subject_id,
        "report": reasoning(factual, study.wrapper, headings=headings),
        "diagnose": f" The disease of this patient is {diagnosis(diagnosed(record).factual, study.wrapper)}.",
        "counterfact": counterfact,
    }


EXPORT = Export(
    config="cpo_scripts",
    purpose="the JSON that CPO's own scripts read",
    # The keys of `counterfact` are diagnoses, not columns: there is no table of it.
    schema=pa.schema([(name, pa.string()) for name in ("dicom_id", "sid", "pid", "report", "diagnose")]),
    rows=rows,
    unit="study",
    images_of=(),
    formats=("json", "jsonl"),
)

"""`grpo`, `trl_grpo` and `verl`: a question over a film, and what rewards judge its answers by."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa

from ccf_pipeline.counterfactual.plan.films import FilmReader
from ccf_pipeline.counterfactual.shown import describe_findings
from ccf_pipeline.datasets.formats import Export, Row, StudyPairs
from ccf_pipeline.datasets.formats.columns import (
    DECODED_IMAGES,
    IMAGES,
    MESSAGES,
    MESSAGES_FEATURE,
    PLAIN_IMAGES,
    TEXT,
    TEXT_FEATURE,
    table,
    turn,
)
from ccf_pipeline.datasets.formats.images import ImageCell, LeftOut
from ccf_pipeline.datasets.wrapper import Wrapper
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.records import FINDING_LABELS, Label, Record

Solution = list[dict[str, Any]]
RowOf = Callable[[Wrapper, ImageCell, Solution, Record], Row]

_IDS = {label: finding for finding, label in FINDING_LABELS.items()}


def ask(row: RowOf) -> Callable[[StudyPairs], Iterator[Row | LeftOut]]:
    """Make a row of a study's own film, and one of each film that mirrors one of its pairs.

    A matched film is known to have the findings of the counterfactual text, and the side and degree of its
    target where it agrees in both; of the rest no side or degree is claimed.
    """

    def rows(study: StudyPairs) -> Iterator[Row | LeftOut]:
        first = study.all_records[0]
        own = study.images.own(first)
        if isinstance(own, LeftOut):
            yield own
            return
        shown = solve(first.factual_text, first.factual_labels, FINDING_LABELS)
        yield row(study.wrapper, own, shown, first)
        for record in study.mirrored:
            matched, film = study.images.matched(record), record.matched_image
            if isinstance(matched, LeftOut):
                yield matched
                continue
            is_close = film is not None and {"side", "degree"} <= set(film.agrees)
            detailed = [_IDS[record.target]] if is_close else []
            shown = solve(record.counterfactual_text, record.counterfactual_labels, detailed)
            yield row(study.wrapper, matched, shown, record)

    return rows


def solve(text: str, labels: Sequence[Label], detailed: Sequence[str] | dict[str, str]) -> Solution:
    """Return what a film shows: the record's labels, with sides and degrees as its text tells them."""
    lexicon, films = _open_reader()
    states = {_IDS[label.finding]: label.state for label in labels}
    told = describe_findings(read_facts(text, lexicon), states, films, detailed=detailed)
    return [one.model_dump() for one in told]


@lru_cache(maxsize=1)
def _open_reader() -> tuple[Lexicon, FilmReader]:
    graph = load_graph()
    lexicon = Lexicon.from_graph(graph.file)
    return lexicon, FilmReader(graph, lexicon)


def swift_row(wrapper: Wrapper, film: ImageCell, solution: Solution, record: Record) -> Row:
    asked = [turn("user", wrapper.asked(tag=True))]
    return {"messages": asked, "images": [film], "solution": solution, "record_id": record.record_id}


def trl_row(wrapper: Wrapper, film: ImageCell, solution: Solution, record: Record) -> Row:
    asked = [turn("user", wrapper.asked(tag=False))]
    return {"prompt": asked, "images": [film], "solution": solution, "record_id": record.record_id}


def verl_row(wrapper: Wrapper, film: ImageCell, solution: Solution, record: Record) -> Row:
    return {
        "data_source": "ccf",
        "prompt": [turn("user", wrapper.asked(tag=True))],
        "images": [film],
        "ability": "radiology",
        "reward_model": {"style": "rule", "ground_truth": json.dumps(solution)},
        "extra_info": {"record_id": record.record_id},
    }


def _name_fields(*names: str) -> tuple[pa.DataType, dict[str, object]]:
    return pa.struct([(name, TEXT) for name in names]), dict.fromkeys(names, TEXT_FEATURE)


_MESSAGES = (MESSAGES, MESSAGES_FEATURE)
_SHOWN, _SHOWN_FEATURE = _name_fields("finding", "state", "side", "degree")
_REST = {"solution": (pa.list_(_SHOWN), [_SHOWN_FEATURE]), "record_id": (TEXT, TEXT_FEATURE)}

SWIFT = Export(
    config="grpo",
    purpose="a question over a film with the findings, sides and degrees it shows, for ms-swift's GRPO",
    schema=table(messages=_MESSAGES, images=(IMAGES, PLAIN_IMAGES), **_REST),
    rows=ask(swift_row),
    images_of=("own", "matched"),
)
TRL = Export(
    config="trl_grpo",
    purpose="the same for TRL's GRPOTrainer",
    schema=table(prompt=_MESSAGES, images=(IMAGES, DECODED_IMAGES), **_REST),
    rows=ask(trl_row),
    images_of=("own", "matched"),
)
VERL = Export(
    config="verl",
    purpose="the same for verl, the findings as JSON in `reward_model.ground_truth`",
    schema=table(
        data_source=(TEXT, TEXT_FEATURE),
        prompt=_MESSAGES,
        images=(IMAGES, PLAIN_IMAGES),
        ability=(TEXT, TEXT_FEATURE),
        reward_model=_name_fields("style", "ground_truth"),
        extra_info=_name_fields("record_id"),
    ),
    rows=ask(verl_row),
    images_of=("own", "matched"),
)

"""A verdict on every row of a data set that anybody made."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from pathlib import Path

from ccf_pipeline.concepts import ConceptGraph
from ccf_pipeline.io.graphs import load_graph
from ccf_pipeline.io.pairs import read_pairs
from ccf_pipeline.records import AuditedPair, Pair
from ccf_pipeline.steps.auditing import report_pair
from ccf_pipeline.steps.reading import Lexicon


def audit(path: Path, columns: Mapping[str, str], graph_path: Path | None) -> Iterator[AuditedPair]:
    """A verdict for every row of a data set; a row that is no pair is told as `not_a_pair`."""
    graph: ConceptGraph = load_graph(graph_path)
    lexicon = Lexicon.from_graph(graph.file)
    gc.freeze()  # what is loaded stays to the end: to search it for garbage takes a twentieth of the time
    try:
        for found in read_pairs(path, columns):
            if isinstance(found, Pair):
                yield report_pair(found, graph, lexicon)
            else:
                yield AuditedPair(id=found.study_id, accepted=False, reasons=("not_a_pair",))
    finally:
        gc.unfreeze()

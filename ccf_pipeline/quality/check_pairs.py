"""A verdict on every row of a data set that anybody made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ccf_pipeline.counterfactual.check.foreign_pairs import report_pair
from ccf_pipeline.files.garbage_collector import seldom_collected
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.quality.pair_files import read_pairs
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.records import AuditedPair, Pair


def audit(path: Path, columns: Mapping[str, str], graph_path: Path | None) -> Iterator[AuditedPair]:
    """A verdict for every row of a data set; a row that is no pair is told as `not_a_pair`."""
    with seldom_collected():
        graph: ConceptGraph = load_graph(graph_path)
        lexicon = Lexicon.from_graph(graph.file)
        for found in read_pairs(path, columns):
            if isinstance(found, Pair):
                yield report_pair(found, graph, lexicon)
            else:
                yield AuditedPair(id=found.study_id, accepted=False, reasons=("not_a_pair",))

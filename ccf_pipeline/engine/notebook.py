"""Offer what a notebook or another program calls; `from ccf_pipeline import …` leads here.

Findings may be named as the graph (`disease_pneumothorax`), CheXpert (`Pneumothorax`) or a person names them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ccf_pipeline.counterfactual.check.foreign_pairs import audit_pair, study_of
from ccf_pipeline.counterfactual.plan import Change, plan_as_asked, plan_study
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.place import open_place
from ccf_pipeline.errors import MissingInput
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.graph.names import find_concept
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.records import (
    FINDING_LABELS,
    BuildCheck,
    BuildStatus,
    Direction,
    Mention,
    Pair,
    Plan,
    Polarity,
    Record,
    Study,
    Verdict,
)
from ccf_pipeline.settings import PriceSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

__all__ = ["Build", "ReadReport", "check", "load_graph", "open_build", "plan", "read_report"]

Rows = Literal["accepted", "rejected", "all"]


@dataclass(frozen=True)
class ReadReport:
    """The findings of one report, by their CheXpert names, and the mentions behind them."""

    findings: dict[str, Polarity]
    mentions: tuple[Mention, ...]

    @property
    def present(self) -> list[str]:
        """The findings that the report asserts."""
        return [finding for finding, state in self.findings.items() if state == "present"]


def read_report(text: str, *, graph: ConceptGraph | None = None) -> ReadReport:
    """Read a report: which of the fourteen findings it asserts, denies or doubts, and by which words.

    >>> read_report("There is a small left pleural effusion. No pneumothorax.").present
    ['Pleural Effusion']
    """
    reading = read_facts(text, _compile_lexicon(graph or _load_shipped_graph()))
    findings = {
        FINDING_LABELS[name]: state for name, state in reading.states.items() if name in FINDING_LABELS
    }
    return ReadReport(findings, reading.mentions)


def plan(
    text: str,
    target: str | None = None,
    *,
    direction: Direction = "add",
    instead_of: tuple[str, ...] = (),
    count: int = 1,
    seed: int = 0,
    graph: ConceptGraph | None = None,
) -> tuple[Plan, ...]:
    """Plan counterfactuals of a report.

    Args:
        target: the finding to add, remove or swap in; without it, `count` targets are drawn by the seed.
        instead_of: for a swap, the findings that the target replaces.
    """
    chosen = graph or _load_shipped_graph()
    study, reading = _make_study(text), read_facts(text, _compile_lexicon(chosen))
    if target is None:
        return plan_study(study, reading, chosen, per_study=count, seed=seed)
    replaced = tuple(_find_finding(name, chosen) for name in instead_of)
    return (
        plan_as_asked(study, reading, chosen, Change(direction, _find_finding(target, chosen), replaced)),
    )


def check(
    factual: str,
    counterfactual: str,
    target: str | None = None,
    *,
    direction: Direction = "add",
    instead_of: tuple[str, ...] = (),
    graph: ConceptGraph | None = None,
) -> Verdict:
    """Judge a counterfactual report by the graph: was the change made, and nothing else?

    Args:
        target: what was asked for; without it, the change is worked out from the two texts.
    """
    chosen = graph or _load_shipped_graph()
    pair = Pair(
        pair_id="pair",
        factual=factual,
        candidate=counterfactual,
        target=None if target is None else _find_finding(target, chosen),
        direction=direction,
        swap_from=tuple(_find_finding(name, chosen) for name in instead_of),
    )
    return audit_pair(pair, chosen, _compile_lexicon(chosen))


class Build:
    """A build, finished or still under way, as a notebook looks at it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place = open_place(path)
        self.status()

    def status(self) -> BuildStatus:
        """Say how far the build is and what it cost."""
        return self._place.status(PriceSettings())

    def verify(self) -> BuildCheck:
        """Compare every file with what the manifest says."""
        return self._place.check(lambda stage, done, total: None)

    def rows(self, which: Rows = "accepted") -> pd.DataFrame:
        """Return one row per counterfactual, with the columns of the `ccf` data set."""
        from ccf_pipeline.engine.pandas_tables import read_rows

        return read_rows(self.path, which)

    def problems(self, which: Rows = "all") -> pd.DataFrame:
        """Return what the checker found: a row per reason, warnings among them."""
        from ccf_pipeline.engine.pandas_tables import read_problems

        return read_problems(self.path, which)

    def labels(self, which: Rows = "accepted") -> pd.DataFrame:
        """Return both sides' findings in CheXpert's codes, a row per report."""
        from ccf_pipeline.engine.pandas_tables import read_labels as read_label_table

        return read_label_table(self.path, which)

    def pairs(self) -> Iterator[Record]:
        """Yield the accepted pairs, shard by shard."""
        folder = BuildFolder(self.path)
        planned = folder.plan_summary()
        for shard in range(planned.shards if planned else 0):
            if folder.is_sealed(shard):
                yield from folder.accepted_of(shard)


def open_build(path: Path | str) -> Build:
    """Open a build folder to look at it."""
    if not Path(path).exists() and ":" not in str(path):
        raise MissingInput(f"{path}: is not a build folder", hint="Name the folder given to --out.")
    return Build(Path(path))


@lru_cache(maxsize=1)
def _load_shipped_graph() -> ConceptGraph:
    return load_graph()


_LEXICONS: dict[str, Lexicon] = {}


def _compile_lexicon(graph: ConceptGraph) -> Lexicon:
    """Compile the words of a graph once for all calls."""
    if graph.digest not in _LEXICONS:
        _LEXICONS[graph.digest] = Lexicon.from_graph(graph.file)
    return _LEXICONS[graph.digest]


def _find_finding(name: str, graph: ConceptGraph) -> str:
    return find_concept(name, graph.file.concepts).id


def _make_study(text: str) -> Study:
    return study_of(Pair(pair_id="report", factual=text, candidate="", target=None, direction="add"))

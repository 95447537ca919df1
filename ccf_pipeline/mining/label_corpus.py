"""From reports to labels: one text explained, or a file or a corpus of reports in parallel and in order."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import ValidationError

from ccf_pipeline.corpora import read_corpus, require_corpus
from ccf_pipeline.corpora.report_lines import BadLine, ReportText
from ccf_pipeline.engine.materials import Progress, silent
from ccf_pipeline.errors import SettingsError, StorageError
from ccf_pipeline.files.worker_pool import in_portions, map_in_order
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.mining.label_files import LabelledReport, WriteRows
from ccf_pipeline.reader import CCF, CHEXPERT, NEGEX, Lexicon, ReadingConventions, read_report
from ccf_pipeline.reader.golden import check_reader, require_reader
from ccf_pipeline.reader.strict_labels import read_strict_labels
from ccf_pipeline.records import FINDING_LABELS, Mention, Polarity, ReasonCount, Skipped
from ccf_pipeline.settings import CorpusSettings

CODES: dict[Polarity, int] = {"present": 1, "absent": 0, "uncertain": -1}
# A finding that is not spoken of has neither a state nor a code.
_NOT_SPOKEN_OF: dict[str, int | None] = dict.fromkeys(FINDING_LABELS.values())
REPORTS_AT_ONCE = 500  # small enough for a bar that moves, large enough that passing them costs nothing
BAD_LINES_KEPT = 12


@dataclass(frozen=True)
class ReadingRules:
    """The conventions of a reading, and whether labels are strict."""

    conventions: ReadingConventions = CHEXPERT
    strict: bool = False


NAMED_RULES = {
    "chexpert": ReadingRules(CHEXPERT),
    "ccf": ReadingRules(CCF),
    "strict": ReadingRules(CCF, strict=True),
    "negex": ReadingRules(NEGEX),
}


def rules_named(spoken: str) -> ReadingRules:
    """`strict`, or a name and what differs from it: `chexpert,no_new=absent`."""
    base, *changes = (part.strip() for part in spoken.split(","))
    if base not in NAMED_RULES:
        raise SettingsError(
            f"--conventions {spoken}: `{base}` is not a set of conventions",
            hint=f"Known: {', '.join(NAMED_RULES)}; changes follow after a comma: chexpert,no_new=absent.",
        )
    rules = NAMED_RULES[base]
    said = dict(change.partition("=")[::2] for change in changes)
    try:
        chosen = ReadingConventions.model_validate({**rules.conventions.model_dump(), **said})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise SettingsError(
            f"--conventions {spoken}: `{fault['loc'][0]}`: {fault['msg']}",
            hint=f"Known: {', '.join(ReadingConventions.model_fields)}. `ccf-build help reading` explains.",
        ) from error
    return ReadingRules(chosen, rules.strict)


# --- one text -------------------------------------------------------------------------------


@dataclass(frozen=True)
class TextReading:
    """The mentions of a text, and its labels in CheXpert's codes by their CheXpert names."""

    mentions: tuple[Mention, ...]
    codes: dict[str, int | None]


@dataclass(frozen=True)
class Reader:
    """Read texts with the words of a graph and the rules for labels."""

    lexicon: Lexicon
    rules: ReadingRules

    @classmethod
    def of(cls, graph: ConceptGraph, rules: ReadingRules = NAMED_RULES["chexpert"]) -> Reader:
        return cls(Lexicon.from_graph(graph.file), rules)

    def read(self, text: str) -> TextReading:
        conventions = self.rules.conventions
        mentions, states = read_report(text, self.lexicon, conventions)
        if self.rules.strict:
            states = read_strict_labels(mentions, self.lexicon, conventions)
        codes = _NOT_SPOKEN_OF.copy()
        for finding, state in states.items():
            if finding in FINDING_LABELS:
                codes[FINDING_LABELS[finding]] = CODES[state]
        return TextReading(mentions, codes)


# --- many reports ---------------------------------------------------------------------------


@dataclass
class LineCounts:
    """The lines of a file: read = labelled + bad. The first bad lines are kept by number."""

    labelled: int = 0
    bad: int = 0
    kept: list[BadLine] = field(default_factory=list)

    @property
    def read(self) -> int:
        return self.labelled + self.bad


@dataclass(frozen=True)
class CorpusCounts:
    """The studies of a corpus: read = labelled + skipped, by reason."""

    read: int
    labelled: int
    skipped: tuple[ReasonCount, ...]


@dataclass(frozen=True)
class Labelling:
    """The settings of a labelling, as they travel between processes."""

    graph: ConceptGraph
    rules: ReadingRules = NAMED_RULES["chexpert"]
    mentions: bool = True
    workers: int = 1

    def require_reader(self) -> None:
        """Refuse a graph with which reports are not read as they should be."""
        require_reader(Lexicon.from_graph(self.graph.file), self.graph.file)


def label_lines(
    lines: Iterable[ReportText | BadLine],
    labelling: Labelling,
    write: WriteRows,
    progress: Progress = silent,
) -> LineCounts:
    """Label the reports of a file in its order; workers change nothing but time."""
    labelling.require_reader()
    counts = LineCounts()

    def good() -> Iterator[ReportText]:
        for line in lines:
            if isinstance(line, ReportText):
                yield line
                continue
            counts.bad += 1
            if len(counts.kept) < BAD_LINES_KEPT:
                counts.kept.append(line)

    for labelled in _label_reports(good(), labelling):
        write(labelled)
        counts.labelled += len(labelled)
        progress("labels", counts.labelled, None)
    return counts


def label_corpus(
    corpus: CorpusSettings, labelling: Labelling, write: WriteRows, progress: Progress = silent
) -> CorpusCounts:
    """Label every study of a corpus in its order; workers change nothing but time."""
    require_corpus(corpus)
    labelling.require_reader()
    skipped: Counter[str] = Counter()
    read = labelled = 0

    def usable() -> Iterator[ReportText]:
        nonlocal read
        for study in read_corpus(corpus):
            read += 1
            if isinstance(study, Skipped):
                skipped[study.reason] += 1
            else:
                yield ReportText(study.study_id, study.text, study.subject_id)

    for reports in _label_reports(usable(), labelling):
        write(reports)
        labelled += len(reports)
        progress("labels", labelled, corpus.limit)
    if read != labelled + skipped.total():
        raise StorageError(f"{read} studies were read, not all of them are accounted for")
    ranked = sorted(skipped.items(), key=lambda entry: (-entry[1], entry[0]))
    return CorpusCounts(
        read, labelled, tuple(ReasonCount(reason=reason, count=count) for reason, count in ranked)
    )


def _label_reports(reports: Iterator[ReportText], labelling: Labelling) -> Iterator[list[LabelledReport]]:
    portions = in_portions(reports, REPORTS_AT_ONCE)
    yield from map_in_order(portions, _prepare, labelling, workers=labelling.workers)


def _prepare(labelling: Labelling) -> Callable[[list[ReportText]], list[LabelledReport]]:
    """Make a process ready: once each, since a lexicon does not travel between processes."""
    reader = Reader.of(labelling.graph, labelling.rules)

    def label(reports: list[ReportText]) -> list[LabelledReport]:
        return [_label_report(report, reader, labelling.mentions) for report in reports]

    return label


def _label_report(report: ReportText, reader: Reader, with_mentions: bool) -> LabelledReport:
    reading = reader.read(report.text)
    mentions = json.dumps([vars(mention) for mention in reading.mentions]) if with_mentions else ""
    return LabelledReport(report.report_id, report.subject_id, tuple(reading.codes.values()), mentions)


# --- can it read at all ---------------------------------------------------------------------


def misreadings(graph: ConceptGraph) -> tuple[str, ...]:
    """Return what the reader gets wrong of its golden sentences with a graph, each in a line."""
    return tuple(map(str, check_reader(Lexicon.from_graph(graph.file), graph.file)))

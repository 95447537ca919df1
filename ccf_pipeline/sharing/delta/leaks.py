"""Find what may not leave: words of a report, persons, keys, and paths of a machine.

A find is told by its kind and place, never by its text.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import NamedTuple

from ccf_pipeline.counterfactual.check.privacy import IDENTIFIER
from ccf_pipeline.records import Record
from ccf_pipeline.sharing.delta.disguises import glued_runs, undisguise
from ccf_pipeline.sharing.delta.words import Words
from ccf_pipeline.sharing.nouns import Leak, LeakReport

REPORT_TEXT = "words of a report"
IDENTIFYING = "identifier"
SECRET = "key or token"
MACHINE_PATH = "path on a machine"
FOOTER_STATISTICS = "text in a Parquet footer"
UNREADABLE = "file that the scan cannot read"

_SECRET = re.compile(
    r"""\bhf_[A-Za-z0-9]{16,} | \bsk-[A-Za-z0-9_-]{16,} | \bgh[pousr]_[A-Za-z0-9]{20,} | \bglpat-[\w-]{16,}
      | \bAKIA[0-9A-Z]{16}\b | \bAIza[\w-]{30,} | \bxox[abprs]-[\w-]{10,} | \bpypi-[\w-]{16,}
      | \beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+ | -----BEGIN\s[A-Z ]*PRIVATE\sKEY
      | \b[Bb]earer\s+[\w.~+/-]{16,} | ://[^\s/:@]+:[^\s/@]+@
      | (?i:\b(?:api[_-]?key|secret|passw(?:or)?d|(?:access|auth)[_-]?token)\b)["']?\s*[:=]\s*["']?\S{8,}""",
    re.VERBOSE,
)
_PATH = re.compile(
    r"""(?<![\w:/.<)~-])/(?:[\w.@+-]+/)+[\w.@+-]* | (?<![\w/])~[\w-]*/[\w.-]+ | \bfile:/
      | (?<![\w/])/(?:home|root|Users|mnt|data|tmp|srv|scratch)\b
      | \b[A-Za-z]:[\\/](?![\\/])[\w.-] | \\\\[\w.-]+\\[\w$.-]+""",
    re.VERBOSE,
)
_DIGEST = re.compile(r"[0-9a-f]{16,}\Z")
# Where rows stand, three telling words are a report's; in our own prose they may be anybody's.
_ROWS = frozenset({".parquet", ".jsonl", ".ndjson", ".csv", ".tsv"})


class Told(NamedTuple):
    """A string that is to leave, and where it stands; an id is one that the corpus gave out itself."""

    file: str
    place: str
    text: str


class LeakScan:
    """Takes in every string that is to leave, then every report it could have come from.

    Args:
        ids: strings that are ids of the corpus as a whole; a long number is no medical record number there.
        known: identifiers that are ours, such as the year of a citation, or, where the reports themselves are
            shared, theirs.
        reports_are_shared: at level L2 words of the reports are no leak.
    """

    def __init__(
        self, *, ids: frozenset[str], known: frozenset[str] = frozenset(), reports_are_shared: bool = False
    ) -> None:
        self._ids = ids
        self._known = known
        self._reports_are_shared = reports_are_shared
        self._files: set[str] = set()
        self._found: Counter[tuple[str, str, str]] = Counter()
        self._told: dict[int, tuple[str, str]] = {}
        self._kinds_of: dict[bytes, tuple[str, ...]] = {}
        self._strings = self._reports = 0

    def take(self, strings: Iterable[Told]) -> None:
        """Look at strings as they are; remember their words for the reports to come."""
        for told in strings:
            self._strings += 1
            self._files.add(told.file)
            # Many columns repeat one string in every row: each is looked at once.
            digest = hashlib.blake2b(told.text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
            kinds = self._kinds_of.get(digest)
            if kinds is None:
                kinds = self._kinds_of[digest] = tuple(self._find_kinds(told.text))
                if not self._reports_are_shared and not _DIGEST.match(told.text):
                    self._remember(told)
            for kind in kinds:
                self._found[kind, told.file, told.place] += 1

    def take_finding(self, kind: str, file: str, place: str) -> None:
        """Something that a file holds beside its strings."""
        self._files.add(file)
        self._found[kind, file, place] += 1

    def compare(self, reports: Iterable[str]) -> None:
        """Look for telling runs of words of any report among all that is to leave."""
        for report in reports:
            self._reports += 1
            for run in {run for _, run in Words(report).runs()} if self._told else ():
                # Found once is enough: the place is told, and the other reports that hold the same run would
                # only repeat it.
                where = self._told.pop(hash("".join(run)), None)
                if where is not None:
                    self._found[REPORT_TEXT, *where] += 1

    def _remember(self, told: Told) -> None:
        """Keep the hashes of all runs that a report's words could hide in, as they stand and disguised."""
        in_rows = PurePath(told.file).suffix in _ROWS
        for text in (told.text, *undisguise(told.text)):
            for run in glued_runs(text, in_rows=in_rows):
                # Only hashes are held: all runs of a large share would take gigabytes as text. A chance
                # agreement costs a look at a place that holds no report, never a leak that is missed.
                self._told.setdefault(hash(run), (told.file, told.place))

    def report(self) -> LeakReport:
        return LeakReport(
            files=len(self._files),
            strings=self._strings,
            source_reports=self._reports,
            leaks=tuple(
                Leak(kind=kind, file=file, place=place, count=count)
                for (kind, file, place), count in sorted(self._found.items())
            ),
        )

    def _find_kinds(self, text: str) -> Iterator[str]:
        if _SECRET.search(text):
            yield SECRET
        if not paths(text) <= self._known:
            yield MACHINE_PATH
        if not self._is_id(text) and not identifiers(text) <= self._known:
            yield IDENTIFYING

    def _is_id(self, text: str) -> bool:
        """An id of the corpus, a file named after one, or a digest that happens to have no letter."""
        stem = text.rpartition("/")[2].rpartition(".")[0]
        return text in self._ids or stem in self._ids or bool(_DIGEST.match(text))


def identifiers(text: str) -> frozenset[str]:
    """Names, dates, times, ages and numbers of a person, in lower case."""
    return frozenset(" ".join(found.lower().split()) for found in IDENTIFIER.findall(text))


def paths(text: str) -> frozenset[str]:
    """Return what reads as a place on a machine."""
    return frozenset(_PATH.findall(text))


def invents_a_person(record: Record) -> bool:
    """True if a text that the expert wrote names, dates or ages someone and the report does not."""
    written = [record.counterfactual_text, record.chosen_text or "", *(step.text for step in record.steps)]
    given = identifiers(record.factual_text)
    return any(not identifiers(text) <= given for text in written)

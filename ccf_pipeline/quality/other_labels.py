"""Other judges of texts: a table of labels that somebody made, or a command that makes them.

A command runs in its own process and its own environment, so that CheXbert, RadGraph and what they need stay
out of ours. It is given two paths: JSON lines `{"report_id": "ID:SIDE", "text": …}` to read, and a file to
write JSON lines `{"report_id": …, "labels": {"Edema": 1, …}, "entities": […]}` to, either key optional.
"""

from __future__ import annotations

import csv
import gzip
import json
import shlex
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from ccf_pipeline.errors import MissingInput, SettingsError, UnreadableInput
from ccf_pipeline.files.disk import sealed_file
from ccf_pipeline.files.hostile import read_json
from ccf_pipeline.records import FINDING_LABELS, Polarity

SIDES = ("factual", "counterfactual")
TextId = tuple[str, str]
"""A record's id and the side the text stands on."""
_STATES: dict[int, Polarity] = {1: "present", 0: "absent", -1: "uncertain"}


@dataclass
class Judged:
    """The labels and entities of a judge, by record and side."""

    labels: dict[TextId, dict[str, Polarity]] = field(default_factory=dict)
    entities: dict[TextId, frozenset[str]] = field(default_factory=dict)


class LabelSource(Protocol):
    """Anything that can judge texts."""

    @property
    def name(self) -> str:
        """The judge's name in the figures."""

    def judge(self, texts: Mapping[TextId, str], folder: Path) -> Judged:
        """Return its labels for these texts; a text without labels is not measured.

        Args:
            folder: where temporary files may lie: they hold report text.
        """


@dataclass(frozen=True)
class LabelTable:
    """Labels in CheXpert's codes, from a CSV by `report_id` (ID:SIDE), or by `record_id` and `side`."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    def judge(self, texts: Mapping[TextId, str], folder: Path) -> Judged:
        judged = Judged()
        try:
            with _open_labels(self.path) as file:
                rows = csv.DictReader(file)
                columns = set(rows.fieldnames or ())
                self._refuse_other_columns(columns)
                for row in rows:
                    name = (
                        _parse_text_id(row["report_id"] or "")
                        if "report_id" in columns
                        else (row["record_id"] or "", row["side"] or "")
                    )
                    if name in texts:
                        judged.labels[name] = _read_states(row)
        except FileNotFoundError as error:
            raise MissingInput(f"{self.path}: there is no such file") from error
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise UnreadableInput(f"{self.path}: cannot be read ({error.__class__.__name__})") from error
        if not judged.labels:
            raise UnreadableInput(
                f"{self.path}: no row belongs to this build",
                hint="Write the texts with --write-texts and label that file; ids are RECORD:SIDE.",
            )
        return judged

    def _refuse_other_columns(self, columns: set[str]) -> None:
        if "report_id" not in columns and not {"record_id", "side"} <= columns:
            raise UnreadableInput(
                f"{self.path}: has no column report_id, nor record_id and side",
                hint="A report_id is RECORD:factual or RECORD:counterfactual, as --write-texts writes it.",
            )
        if columns.isdisjoint(FINDING_LABELS.values()):
            raise UnreadableInput(
                f"{self.path}: has no column of the fourteen findings",
                hint=f"They are called {', '.join(FINDING_LABELS.values())}.",
            )


@dataclass(frozen=True)
class LabelCommand:
    """A command that reads texts and writes what it thinks of them."""

    command: str

    @property
    def name(self) -> str:
        words = shlex.split(self.command)
        return Path(words[-1] if len(words) > 1 else words[0]).name if words else ""

    def judge(self, texts: Mapping[TextId, str], folder: Path) -> Judged:
        words = shlex.split(self.command)
        if not words:
            raise SettingsError("--label-command: is empty")
        # Inside the build folder, which only its owner enters: the texts are reports.
        with tempfile.TemporaryDirectory(prefix=".opinion-", dir=folder) as temporary:
            asked, answered = Path(temporary) / "texts.jsonl", Path(temporary) / "labels.jsonl"
            write_texts(asked, texts.items())
            try:
                outcome = subprocess.run([*words, str(asked), str(answered)], check=False)
            except OSError as error:
                raise MissingInput(f"--label-command: {words[0]} cannot be run ({error.strerror})") from error
            if outcome.returncode:
                raise UnreadableInput(
                    f"--label-command: {words[0]} ended with exit code {outcome.returncode}",
                    hint="It is given two paths: JSON lines to read, and a file to write JSON lines to.",
                )
            return _read_answers(answered, texts)


def write_texts(path: Path, texts: Iterable[tuple[TextId, str]]) -> int:
    """Texts as JSON lines under ids that lead back to their records; returns how many."""
    count = 0
    with (
        sealed_file(path, private=True) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as file,
    ):
        for (record, side), text in texts:
            file.write(json.dumps({"report_id": f"{record}:{side}", "text": text}) + "\n")
            count += 1
    return count


def _read_answers(path: Path, texts: Mapping[TextId, str]) -> Judged:
    judged = Judged()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableInput("--label-command: wrote no file of JSON lines") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            answer: dict[str, Any] = read_json(line)
            name = _parse_text_id(str(answer["report_id"]))
            labels, entities = answer.get("labels"), answer.get("entities")
            if name not in texts:
                continue
            if labels is not None:
                judged.labels[name] = _read_states(labels)
            if entities is not None:
                judged.entities[name] = frozenset(map(str, entities))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnreadableInput(
                f"--label-command: line {number} of its answer is not what it should be",
                hint='Each line is {"report_id": …, "labels": {"Edema": 1, …}} with 1, 0, -1 or null.',
            ) from error
    return judged


def _parse_text_id(spoken: str) -> TextId:
    record, _, side = spoken.rpartition(":")
    return record, side


def _read_states(row: Mapping[str, Any]) -> dict[str, Polarity]:
    states: dict[str, Polarity] = {}
    for label in FINDING_LABELS.values():
        code = row.get(label)
        if code is None or code == "" or code != code:
            continue
        try:
            states[label] = _STATES[int(float(code))]
        except (ValueError, KeyError, OverflowError) as error:
            raise UnreadableInput(
                f"a label of {label} is not 1, 0, -1 or blank",
                hint="CheXpert's codes: 1 present, 0 absent, -1 uncertain, blank where nothing is said.",
            ) from error
    return states


def _open_labels(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")

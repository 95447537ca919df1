"""Answers that other builds paid for: looked up by what is asked, and taken over where they fit.

Other builds are only read, also while somebody works on them. Reports stay under the rules that they came
under: answers go over only between builds whose corpora are equally sensitive, and whoever vouched for a host
that they came from is named in the audit log, and so on the card, of the build that takes them.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccf_pipeline.engine.audit_log import append_audit, verify_audit, verify_every_audit
from ccf_pipeline.engine.build_folder import BuildFolder, identity_of, repair_hint
from ccf_pipeline.engine.journal_file import FIND, WAIT_SECONDS, answer_in, damage_of
from ccf_pipeline.engine.journal_salvage import READING_FAULTS, lenient_text
from ccf_pipeline.errors import EndpointRefused, MissingInput, SettingsError
from ccf_pipeline.records import Completion, Sensitivity

REUSE = "reuse"
WHOSE = ("endpoints", "attestations", "attested")
"""What an audit log says of where answers came from."""

log = logging.getLogger(__name__)


@dataclass
class EarlierBuild:
    """Another build, whose answers may be taken over."""

    path: Path
    facts: dict[str, Any]
    database: sqlite3.Connection

    def find(self, asked: tuple[str, str, str]) -> Completion | None:
        """Its answer; one that failed, or cannot be read any more, is none."""
        try:
            row = self.database.execute(FIND, asked).fetchone()
            found = answer_in(row, asked) if row is not None else None
        except READING_FAULTS:
            return None
        return found if found is not None and found.failure is None else None


class EarlierAnswers:
    """The answers of other builds, beside those of the build in `out`."""

    def __init__(self, out: Path, builds: Iterable[EarlierBuild] = ()) -> None:
        self._out, self._builds = out, tuple(builds)

    def find(self, prompt_id: str, *, expert: str, model: str) -> Completion | None:
        """The first answer among the other builds, in the order they were named in."""
        for build in self._builds:
            found = build.find((prompt_id, expert, model))
            if found is not None:
                self._note(build)
                return found
        return None

    def _note(self, build: EarlierBuild) -> None:
        """Before the first answer of a build is used, its log says where that came from."""
        if not build.facts:
            return
        facts, build.facts = build.facts, {}
        told = (entry for entry in verify_audit(self._out) if entry["event"] == REUSE)
        if not any(all(entry.get(name) == facts[name] for name in ("build", *WHOSE)) for entry in told):
            append_audit(self._out, REUSE, facts)


@contextlib.contextmanager
def earlier_answers(out: Path, paths: Iterable[Path], sensitivity: Sensitivity) -> Iterator[EarlierAnswers]:
    """Open other builds to take over what they answered, if they may serve this one.

    Args:
        out: the folder of the build that takes over.
        sensitivity: how its reports are to be treated.
    """
    with contextlib.ExitStack() as opened:
        builds = []
        for path in paths:
            facts = _read_audit_facts(path, out, sensitivity)
            database = opened.enter_context(contextlib.closing(_read_only(_find_journal(path))))
            builds.append(EarlierBuild(path, facts, database))
        yield EarlierAnswers(out, builds)


def look_through(out: Path, paths: Iterable[Path], sensitivity: Sensitivity) -> None:
    """Refuse builds that may not serve this one, and tell what is damaged in those that may.

    It reads their journals whole: once at the start of a run, since a damaged index hides answers silently.
    """
    for path in paths:
        _read_audit_facts(path, out, sensitivity)
        journal = _find_journal(path)
        with contextlib.closing(_read_only(journal)) as database:
            damage = damage_of(database)
        if damage is not None:
            log.warning(
                "%s: %s; what cannot be read of it is asked again. %s", journal, damage, repair_hint(path)
            )


def _read_audit_facts(path: Path, out: Path, sensitivity: Sensitivity) -> dict[str, Any]:
    """Return where the answers of a build came from, by its audit log; refused where other rules hold."""
    if path.resolve() == out.resolve():
        raise SettingsError(
            f"{path}: a build cannot take over its own answers",
            hint="Leave it out of --reuse; they are kept.",
        )
    if not BuildFolder(path).journal_path.exists():
        identity_of(path)  # says so where this is no build folder
    entries = verify_every_audit(path)
    begun = [entry for entry in entries if entry["event"] == "begin"]
    if not begun:
        raise MissingInput(
            f"{path}: its audit log does not say where its answers came from",
            hint="Name a build folder that was asked in, with its audit.jsonl.",
        )
    theirs = sorted({str(entry.get("sensitivity")) for entry in begun})
    if theirs != [sensitivity]:
        raise EndpointRefused(
            f"{path}: its reports are {' and '.join(theirs)}, those of this build are {sensitivity}",
            hint="Answers are taken over only between builds whose reports are under the same rules.",
        )
    facts: dict[str, Any] = {"build": str(path), "audit": entries[-1]["hash"]}
    for name in WHOSE:
        told = [one for entry in entries for one in entry.get(name, ())]
        facts[name] = [one for place, one in enumerate(told) if one not in told[:place]]
    return facts


def _find_journal(path: Path) -> Path:
    journal = BuildFolder(path).journal_path
    if not journal.is_file():
        raise MissingInput(f"{journal}: there is no such journal", hint="Name a build folder that has one.")
    return journal


def _read_only(journal: Path) -> sqlite3.Connection:
    """A journal opened beside whoever is writing to it; on a disk that is only read, nobody is."""
    still = not os.access(journal.parent, os.W_OK) and not journal.with_name(f"{journal.name}-wal").exists()
    options = "mode=ro&immutable=1" if still else "mode=ro"
    database = sqlite3.connect(
        f"{journal.absolute().as_uri()}?{options}", uri=True, timeout=WAIT_SECONDS, check_same_thread=False
    )
    database.text_factory = lenient_text
    return database

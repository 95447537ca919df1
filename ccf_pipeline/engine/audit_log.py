"""audit.jsonl: who ran what, against which endpoint, at what cost; each line sealed by the one before.

It names counts and ids and never holds a word of a report, an answer or a key. A line that was changed,
taken out or put in breaks the chain. Lines cut off the end do not: the ledger beside the journal knows how
many there were. Against somebody who changes both, keep a copy of the last hash that `verify` prints.
"""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import hashlib
import json
import os
import shlex
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.journal_ledger import raise_ledger, read_ledger
from ccf_pipeline.errors import StorageError
from ccf_pipeline.experts.guard import Endpoint
from ccf_pipeline.files.disk import disk_error
from ccf_pipeline.records import Spend

AUDIT = "audit.jsonl"
OTHERS = "audit/"
"""Below it lie the logs of those who worked on a build by way of an object store, each under its own name."""
BEGINNING = "0" * 64
AUDIT_HINT = (
    "Somebody changed the log, or the disk did: look into it, and bring it back from a copy. The next run"
    " begins a new one where it is moved aside."
)


@contextlib.contextmanager
def audited_run(folder: Path, facts: Mapping[str, Any], spent: Callable[[], Spend]) -> Iterator[None]:
    """Write down that a run begins, and how it ended, with what its answers cost."""
    before = spent()
    append_audit(folder, "begin", facts)
    outcome = "stopped"
    try:
        yield
        outcome = "done"
    except BaseException as error:
        outcome = error.__class__.__name__
        raise
    finally:
        after = spent()
        paid = {
            name: getattr(after, name) - getattr(before, name)
            for name in ("answers", "tokens_in", "tokens_cached", "tokens_out")
        }
        append_audit(folder, "end", {**facts, "outcome": outcome, "paid": paid})


def append_audit(folder: Path, event: str, facts: Mapping[str, Any]) -> None:
    """Add a line and wait until it is on the disk; a chain that does not hold is not gone on with.

    Where the log was moved away, the first line of the new one says how long the other was.
    """
    path, journal = folder / AUDIT, BuildFolder(folder).journal_path
    try:
        was_there = path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _drop_torn_line(file)
            entries, ledger = verify_audit(folder), read_ledger(journal)
            if was_there and (gone := describe_missing_lines(folder, entries)) is not None:
                raise StorageError(f"{path}: {gone}", hint=AUDIT_HINT)
            if not entries and ledger.audit_lines:
                facts = {**facts, "follows": {"lines": ledger.audit_lines, "hash": ledger.audit_seal}}
            entry = {
                "entry": len(entries) + 1,
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "event": event,
                "user": _get_user_name(),
                "host": socket.gethostname(),
                "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
                **facts,
                "previous": entries[-1]["hash"] if entries else BEGINNING,
            }
            sealed = _hash(entry)
            file.write(json.dumps({**entry, "hash": sealed}).encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())
            if journal.parent.is_dir():
                raise_ledger(journal, audit_lines=entry["entry"], audit_seal=sealed)
    except OSError as error:
        raise disk_error(path, error) from error


def describe_missing_lines(folder: Path, entries: list[dict[str, Any]]) -> str | None:
    """Say which lines of a log that holds together are gone, by what the ledger of the journal knows."""
    ledger = read_ledger(BuildFolder(folder).journal_path)
    missing = ledger.audit_lines - len(entries)
    if missing > 0:
        return f"{missing} of {ledger.audit_lines} lines are gone"
    if ledger.audit_lines and entries[ledger.audit_lines - 1]["hash"] != ledger.audit_seal:
        return f"line {ledger.audit_lines} is not the one that was written: it is another log"
    return None


def verify_audit(folder: Path) -> list[dict[str, Any]]:
    """Every line, if the chain holds; the first that does not is named."""
    return _read_verified_lines(folder / AUDIT)


def verify_every_audit(folder: Path) -> list[dict[str, Any]]:
    """The same of all who worked on a build, on this machine or elsewhere."""
    logs = [folder / AUDIT, *sorted((folder / OTHERS).glob("*.jsonl"))]
    return [entry for log in logs for entry in _read_verified_lines(log)]


def _read_verified_lines(path: Path) -> list[dict[str, Any]]:
    return verify_lines(str(path), _read_lines(path))


def verify_lines(place: str, lines: list[str]) -> list[dict[str, Any]]:
    """Return the entries of a log, if its chain holds; the first line that does not is named."""
    entries: list[dict[str, Any]] = []
    previous = BEGINNING
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            sealed = entry.pop("hash")
            stands = entry["previous"] == previous and entry["entry"] == number and _hash(entry) == sealed
        except (ValueError, KeyError, AttributeError, TypeError):
            stands, sealed, entry = False, "", {}
        if not stands:
            raise StorageError(
                f"{place}: line {number} is not as it was written",
                hint=AUDIT_HINT,
            )
        previous = sealed
        entries.append({**entry, "hash": sealed})
    return entries


def endpoint_facts(endpoints: tuple[Endpoint, ...]) -> dict[str, Any]:
    """Return where reports went, as the log names it, and who vouched for it."""
    return {
        "endpoints": [
            {"url": one.name, "addresses": list(one.addresses), "zone": one.zone} for one in endpoints
        ],
        "attestations": sorted({one.attestation.digest for one in endpoints if one.attestation}),
        "attested": sorted({one.attestation.line for one in endpoints if one.attestation}),
    }


def attestation_lines(folder: Path) -> tuple[str, ...]:
    """Return whoever vouched for a host that a build's reports went to, in words for the card."""
    told = {line for entry in verify_every_audit(folder) for line in entry.get("attested", ())}
    return tuple(sorted(told))


def settings_digest(identity: Mapping[str, Any]) -> str:
    """Names everything that decided a build's bytes."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _read_lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise disk_error(path, error) from error
    except UnicodeDecodeError as error:
        raise StorageError(f"{path}: is damaged") from error
    return text.removesuffix("\n").split("\n") if text else []


def _drop_torn_line(file: BinaryIO) -> None:
    """Take away what a machine that stopped in the middle of a line left behind."""
    written = file.read()
    if not written.endswith(b"\n"):
        file.truncate(written.rfind(b"\n") + 1)


def _hash(entry: Mapping[str, Any]) -> str:
    said = json.dumps({key: value for key, value in entry.items() if key != "hash"}, sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def _get_user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"

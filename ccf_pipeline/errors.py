"""All errors that a build can end with, each with what to do next.

CcfError                      exit 1: the user can mend it
├── SettingsError             an unknown key, or a value that does not fit
├── MissingInput              a path that is not there
├── UnreadableInput           a file that is there and cannot be read as what it should be
├── PatientLeakage            a patient in two splits
├── GraphError                a concept graph that does not hold together
├── ReaderError               with this graph, reports are not read as they should be
├── MissingExtra              a package of an optional extra is not installed
├── ExpertError               the expert cannot go on answering
├── EndpointRefused           an endpoint that reports may not be sent to
├── WorkerLost                a process that reads reports died
├── GatesFailed               a data set is not as good as its gates ask
├── BuildConflict             the build folder belongs to another build, or to a running one
├── LeakFound                 a file that is to be shared holds what may not leave
├── SharingRefused            this level may not go there, or cannot be made from this build
├── RowsMissing               rows of a share could not be made again
├── HubRefused                the Hub does not allow it, or the repository is not private and gated
├── RemoteChanged             the repository holds changes that another made
├── Unfinished                exit 3: stopped before the end; the same command goes on
└── StorageError              exit 74: the disk refused, or what it holds is damaged
    └── StoreSilent           an object store does not answer just now
"""

from __future__ import annotations

from typing import ClassVar


class CcfError(Exception):
    """Base of every error that a user can act on: `what` happened and a `hint` what to do next."""

    exit_code: ClassVar[int] = 1
    hint: str = "Run the command again with --debug to see where it happened."

    def __init__(self, what: str, *, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        if hint is not None:
            self.hint = hint


class SettingsError(CcfError):
    """A setting is unknown or its value does not fit."""

    hint = "See `ccf-build init --help` for the settings, or write a fresh build.toml with `ccf-build init`."


class MissingInput(CcfError):
    """A file or folder that the command needs is not there."""

    hint = "Check the path; it is taken relative to the folder you are in."


class UnreadableInput(CcfError):
    """A file is there but cannot be read as what it should be."""

    hint = "Check that the file is complete and that you may read it."


class PatientLeakage(CcfError):
    """A patient's studies lie in two splits: what is tested on would have been trained on."""

    hint = "Put all studies of a patient into one split; MIMIC-CXR's own split table does."


class GraphError(CcfError):
    """The concept graph does not hold together."""

    hint = "Correct the file where it is named; `ccf-build graph lint` lists everything at once."


class ReaderError(CcfError):
    """With this graph, reports are not read as they should be."""

    hint = "Correct the forms of the concepts that are named; `ccf-build read` shows how a text is read."


class MissingExtra(CcfError):
    """An optional package is needed and not installed."""

    hint = "Install the extra that the message names."


class ExpertError(CcfError):
    """The expert cannot go on answering."""

    hint = "Answers that were paid for are kept; mend the cause and run the same command again."


class EndpointRefused(CcfError):
    """An endpoint that reports may not be sent to."""

    hint = (
        "Serve the model on this machine (http://127.0.0.1:8000/v1 or unix:/run/model.sock);"
        " `ccf-build help experts` tells when a server elsewhere may be asked."
    )


class WorkerLost(CcfError):
    """A process that reads reports died."""

    hint = "Run again with --workers 1; each worker needs about 150 MB of memory."


class GatesFailed(CcfError):
    """A data set is not as good as its gates ask for."""

    hint = "`ccf-build help quality` says what each gate measures and what helps; report.html shows the rows."


class BuildConflict(CcfError):
    """The build folder belongs to another build, or to one that is running."""

    hint = "Choose another --out."


class LeakFound(CcfError):
    """A file that is to be shared holds what may not leave."""

    hint = "Nothing was written. Mend or leave out what is named, then run the command again."


class SharingRefused(CcfError):
    """A level that may not go where it was to go, or cannot be made from this build."""

    hint = "`ccf-build help sharing` says what each level holds and where it may go."


class RowsMissing(CcfError):
    """Rows of a share could not be made again."""

    hint = "missing.jsonl names each row with its reason; the usual one is another version of the corpus."


class HubRefused(CcfError):
    """The Hub does not let this account do it, or the repository is not as private as it must be."""

    hint = "Log in with `hf auth login`, or set HF_TOKEN to a token that may write to the namespace."


class RemoteChanged(CcfError):
    """The repository holds changes that another made; nothing of them is overwritten."""

    hint = "Look at the repository's history; push to another repository, or undo the change there."


class Unfinished(CcfError):
    """The build stopped before its end and can be continued."""

    exit_code = 3
    hint = "Run the same command again: what is done stays done."


class StorageError(CcfError):
    """The disk refused, or what it holds is damaged."""

    exit_code = 74
    hint = "Free some space or check the disk, then run the same command again."


class StoreSilent(StorageError):
    """An object store does not answer just now; the same request may go through later."""

    hint = (
        "Check the network, and AWS_ENDPOINT_URL where the store is not Amazon's. What was answered is kept"
        " on this machine: run the same command again."
    )

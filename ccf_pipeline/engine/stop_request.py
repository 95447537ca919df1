"""Asking whoever holds a build folder to stop."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path

from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.locks import holder_of
from ccf_pipeline.errors import MissingInput
from ccf_pipeline.records import Holder


def ask_to_stop(path: Path) -> Holder | None:
    """Leave word in the build folder, and knock at the holder's door if it is on this machine.

    The word is enough; the signal lets a second call end a holder that does not listen any more.
    """
    folder = BuildFolder(path)
    if not folder.identity_path.exists():
        raise MissingInput(f"{path}: is not a build folder", hint="Name the folder given to --out.")
    holder = holder_of(path)
    if holder is None:
        return None
    folder.ask_to_stop()
    if holder.listens and holder.host == socket.gethostname():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(holder.pid, signal.SIGTERM)
    return holder


def is_held(path: Path) -> bool:
    return holder_of(path) is not None

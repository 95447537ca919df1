"""Keep what a process leaves behind to its owner: files closed to others, and no image of its memory."""

from __future__ import annotations

import os
import resource

CLOSED_UMASK = 0o077


def close_process() -> None:
    """Make new files and folders the owner's alone, and leave no core dumps."""
    os.umask(CLOSED_UMASK)
    leave_no_core_dumps()


def leave_no_core_dumps() -> None:
    """A process that crashes would leave its memory, reports and all, in a file."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))

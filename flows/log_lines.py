"""Show the build's own lines on Prefect's pages: counts, ids and reasons, never a word of a report."""

from __future__ import annotations

import contextlib
import logging

from prefect import get_run_logger
from prefect.exceptions import MissingContextError


class _ToTheRun(logging.Handler):
    """Hands each line to the logger of the flow or task run that wrote it."""

    def emit(self, record: logging.LogRecord) -> None:
        # A line of a thread that belongs to no run has no page to stand on.
        with contextlib.suppress(MissingContextError):
            get_run_logger().log(record.levelno, "%s", record.getMessage())


_handler = _ToTheRun(logging.INFO)


def show_lines_on_pages() -> None:
    """From now on, send this process's lines to the runs they belong to; calling it twice changes nothing."""
    logger = logging.getLogger("ccf_pipeline")
    logger.addHandler(_handler)
    logger.setLevel(logging.INFO)

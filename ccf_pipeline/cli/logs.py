"""Send the lines of a run to standard error or a file, as words or JSON. None holds report text."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, TextIO

import typer

from ccf_pipeline.cli.places import on_disk
from ccf_pipeline.errors import SettingsError, StorageError
from ccf_pipeline.settings import LOG_VARIABLE

LEVELS = ("debug", "info", "warning", "error")
Level = Literal["debug", "info", "warning", "error"]
Form = Literal["text", "json"]

LogFile = Annotated[
    Path | None,
    typer.Option("--log-file", help="Write the lines of the run to this file as well.", callback=on_disk),
]
LogFormat = Annotated[
    Form, typer.Option("--log-format", help="How a line looks: plain words, or a JSON object.")
]
LogLevel = Annotated[
    Level | None,
    typer.Option(
        "--log-level",
        help=f"The least important lines to write; info, or what {LOG_VARIABLE} says.",
        show_default=False,
    ),
]


@contextlib.contextmanager
def logging_to(
    screen: TextIO | None, file: Path | None, form: Form = "text", level: Level | None = None
) -> Iterator[None]:
    """Send the package's lines to a stream, a file, or both.

    Args:
        screen: where nobody draws progress; None keeps the screen free.
    """
    chosen = (level or _read_level()).upper()
    handlers: list[logging.Handler] = [] if screen is None else [logging.StreamHandler(screen)]
    if file is not None:
        handlers.append(_open_log(file))
    logger = logging.getLogger("ccf_pipeline")
    before, passed_on = logger.level, logger.propagate
    for handler in handlers:
        handler.setFormatter(_JsonLines() if form == "json" else _TextLines())
        handler.setLevel(chosen)
        logger.addHandler(handler)
    if handlers:
        logger.setLevel(chosen)
        logger.propagate = False
    try:
        yield
    finally:
        logger.setLevel(before)
        logger.propagate = passed_on
        for handler in handlers:
            logger.removeHandler(handler)
            if isinstance(handler, logging.FileHandler):
                handler.close()


def draws_progress(*, quiet: bool) -> bool:
    """True if somebody looks at standard error: bars are drawn for people, lines written for job logs."""
    return not quiet and sys.stderr.isatty()


def _read_level() -> str:
    level = os.environ.get(LOG_VARIABLE, "").strip().lower() or "info"
    if level not in LEVELS:
        raise SettingsError(
            f"the environment: {LOG_VARIABLE} is `{level}`, which is not a level",
            hint=f"Set it to one of {', '.join(LEVELS)}, or unset it.",
        )
    return level


def _open_log(file: Path) -> logging.FileHandler:
    try:
        file.touch(mode=0o600)
        return logging.FileHandler(file, encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"{file}: cannot be written ({error.strerror})",
            hint="Name a file in a folder that you may write to.",
        ) from error


class _TextLines(logging.Formatter):
    """`10:42:03 shard 1 of 3 is done`; only what is not information says its level."""

    def format(self, record: logging.LogRecord) -> str:
        told = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        return f"{time.strftime('%H:%M:%S', time.localtime(record.created))} {told}{record.getMessage()}"


class _JsonLines(logging.Formatter):
    """One object a line: time, level, logger, message."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        return json.dumps(
            {
                "time": moment,
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": record.getMessage(),
            },
            ensure_ascii=False,
        )

"""The command line, run inside the test's own process: what a user types, and what comes back."""

from __future__ import annotations

import contextlib
import io
import os
import re
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from ccf_pipeline.cli.app import run_command

LOGGED = re.compile(r"\d\d:\d\d:\d\d ")
"""What a line of a running build begins with."""


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The first of the two lines of a refusal, without its label."""
        return self._lines()[0].removeprefix("error: ")

    @property
    def hint(self) -> str:
        """The second of the two lines of a refusal, without its label."""
        return self._lines()[1].removeprefix("hint:  ")

    def _lines(self) -> list[str]:
        *before, error, hint = self.err.strip().splitlines()
        assert all(LOGGED.match(line) for line in before), self.err
        lines = [error, hint]
        assert lines[0].startswith("error: "), self.err
        assert lines[1].startswith("hint:  "), self.err
        return lines


class Terminal(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


def ccf_build(
    *words: object,
    folder: Path,
    environment: dict[str, str] | None = None,
    typed: str = "",
    terminal: bool = False,
) -> Outcome:
    """Run `ccf-build` with these words in a folder, as `main` does.

    Args:
        typed: what a person answers to questions.
        terminal: a person looks at the output and has a keyboard.
    """
    stream = Terminal if terminal else io.StringIO
    out, err, keyboard = stream(), stream(), stream(typed)
    plain = {"NO_COLOR": "1", "COLUMNS": "120", **(environment or {})}
    with (
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, plain),
        mock.patch("sys.stdin", keyboard),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = run_command([str(word) for word in words])
    return Outcome(code, out.getvalue(), err.getvalue())

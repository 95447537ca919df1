"""Errors on their way to Prefect's database, which others may read: what happened and where, no values."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator
from pathlib import Path

from ccf_pipeline.errors import CcfError


@contextlib.contextmanager
def without_text() -> Iterator[None]:
    """Let no error carry what was being worked on: those of other packages quote values."""
    try:
        yield
    except CcfError as error:
        raise type(error)(f"{error.what}. {error.hint}") from None
    except Exception as error:  # noqa: BLE001  it is raised again, by its name and place alone
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise RuntimeError(f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}") from None

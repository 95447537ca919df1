"""Find out how this program was installed, so that hints name a command that works here."""

from __future__ import annotations

import importlib.util
import json
import shlex
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ccf_pipeline import __version__

PACKAGE = Path(__file__).parents[1]


def install_command(extra: str) -> str:
    """Return the command that installs an optional extra into this environment.

    The package is on no index: it comes from a checkout or from a wheel.
    """
    pip = f"{shlex.quote(sys.executable)} -m pip install"
    if importlib.util.find_spec("pip") is None:
        pip = f"uv pip install --python {shlex.quote(sys.executable)}"
    return f"{pip} {shlex.quote(f'{_find_source()}[{extra}]')}"


def _find_source() -> str:
    """The checkout, as `.` where one stands in it, or the wheel that this was installed from."""
    checkout = PACKAGE.parent
    if (checkout / "pyproject.toml").is_file():
        return "." if Path.cwd() == checkout else str(checkout)
    return _find_wheel() or f"PATH/TO/ccf_pipeline-{__version__}-py3-none-any.whl"


def _find_wheel() -> str | None:
    """Return where the installer says that it took the package from (PEP 610)."""
    try:
        told = json.loads(distribution("ccf-pipeline").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return None
    url = urlsplit(str(told.get("url", "")))
    return unquote(url.path) if url.scheme == "file" else None

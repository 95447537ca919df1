"""Tell which code made a record: the version and the commit."""

from __future__ import annotations

import subprocess
from functools import lru_cache
from pathlib import Path

from ccf_pipeline import __version__
from ccf_pipeline.files.plugins import plugin_packages

PACKAGE = Path(__file__).parents[1]


@lru_cache(maxsize=1)
def read_code_version() -> str:
    """Return version and commit, such as `0.2.0+1a2b3c4d5e6f`.

    The commit comes from the wheel, where it was baked in, or from git in a checkout; a checkout with changes
    says `-dirty`. An archive has no commit, and tells its version alone. Packages whose checks take part in
    every verdict are named behind it: `0.2.0+1a2b3c4d5e6f with our-lab 1.0`.
    """
    baked = PACKAGE / "carried" / "commit.txt"
    commit = baked.read_text(encoding="ascii").strip() if baked.is_file() else _ask_git()
    version = f"{__version__}+{commit}" if commit else __version__
    return " with ".join((version, *plugin_packages("ccf_pipeline.checks")))


def _ask_git() -> str:
    root = PACKAGE.parent
    if not (root / ".git").exists():
        return ""
    try:
        described = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return described.stdout.strip() if described.returncode == 0 else ""

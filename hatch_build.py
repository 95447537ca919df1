"""Bake the commit into the wheel, so that records say which code made them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CommitHook(BuildHookInterface):  # type: ignore[type-arg]
    """Write `carried/commit.txt` where the wheel is built in a checkout; an archive has no commit to tell."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        described = subprocess.run(
            ["git", "-C", self.root, "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"],
            capture_output=True,
            text=True,
            check=False,
        )
        if described.returncode == 0:
            path = Path(self.directory) / "commit.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(described.stdout, encoding="ascii")
            build_data["force_include"][str(path)] = "ccf_pipeline/carried/commit.txt"

"""build.toml: written with every setting's purpose beside it, and read back before it counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from ccf_pipeline.errors import BuildConflict
from ccf_pipeline.files.disk import sealed_file
from ccf_pipeline.settings import load_settings, setting_fields

HEAD = """\
# What `ccf-build run` makes, and how: every setting there is.
# Stronger than this file are the environment (CCF_PLAN__SEED=8) and, above all, the command line.
"""


def write_settings(path: Path, said: Mapping[str, Any], *, force: bool = False) -> None:
    """Write a build.toml that says what was said; it only takes its place if it loads.

    Args:
        said: dotted keys, as `setting_fields` names them; what is None or left out keeps its default.
    """
    if path.exists() and not force:
        raise BuildConflict(f"{path}: is there already", hint="Choose another --file, or add --force.")
    with sealed_file(path) as temporary:
        temporary.write_text(settings_text(said), encoding="utf-8", newline="\n")
        load_settings(temporary)


def settings_text(said: Mapping[str, Any]) -> str:
    """A whole build.toml as text."""
    blocks = [HEAD]
    for table, fields in groupby(setting_fields(), key=lambda field: field[0].rpartition(".")[0]):
        lines = [f"[{table}]"] if table else []
        for key, default, purpose in fields:
            value = said.get(key)
            lines += _render_setting(
                key.rpartition(".")[2], default if value is None else value, default, purpose
            )
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _render_setting(name: str, value: Any, default: Any, purpose: str) -> list[str]:
    if value is None:
        return [f"# {purpose}", f"# {name} ="]
    usual = f" Default: {_render_toml(default)}." if value != default and default is not None else ""
    return [f"# {purpose}{usual}", f"{name} = {_render_toml(value)}"]


def _render_toml(value: Any) -> str:
    # JSON spells strings, numbers, booleans and lists as TOML does.
    return json.dumps(value, ensure_ascii=False, default=str)

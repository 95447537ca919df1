"""Find what a lab adds by a package of its own, a corpus, an expert, a format or a check, by entry points.

The package's pyproject.toml names them, for example:

    [project.entry-points."ccf_pipeline.experts"]
    ward_model = "our_lab.ward_model:EXPERT"
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Literal, TypeVar

from ccf_pipeline.errors import SettingsError

Group = Literal["ccf_pipeline.corpora", "ccf_pipeline.experts", "ccf_pipeline.formats", "ccf_pipeline.checks"]
T = TypeVar("T")


def plugin_names(group: Group) -> tuple[str, ...]:
    """Return the names that installed packages add to a group, without importing them."""
    return tuple(sorted(point.name for point in _list_entry_points(group, tuple(sys.path))))


def plugin_packages(group: Group) -> tuple[str, ...]:
    """Return the packages that add to a group, with their versions."""
    packages = {point.dist for point in _list_entry_points(group, tuple(sys.path)) if point.dist is not None}
    return tuple(sorted(f"{package.name} {package.version}" for package in packages))


def load_plugins(group: Group, kind: type[T]) -> dict[str, T]:
    """Import what installed packages add to a group, by name."""
    found = {}
    for point in _list_entry_points(group, tuple(sys.path)):
        try:
            row = point.load()
        except (ImportError, AttributeError) as error:
            raise SettingsError(
                f"the plug-in `{point.name}` ({point.value}) cannot be imported: {error}",
                hint="Mend or remove the package that adds it: `pip list` shows what is installed.",
            ) from error
        if not isinstance(row, kind):
            raise SettingsError(
                f"the plug-in `{point.name}` ({point.value}) is not a {kind.__name__}",
                hint="docs/extending.md shows a package that adds one.",
            )
        found[point.name] = row
    return found


@cache
def _list_entry_points(group: Group, where: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Read the metadata of every installed package once; `where` they lie is what may change."""
    return tuple(entry_points(group=group))

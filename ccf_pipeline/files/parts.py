"""List the packages that the core is made of, as they are installed: for an SBOM and a licence report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import Any, NamedTuple

from ccf_pipeline import __version__

OURS = "ccf-pipeline"
_SHORT = 60
_STRONG_COPYLEFT = re.compile(r"(?<!L)GPL|(?<!LESSER )GENERAL PUBLIC|AFFERO", re.IGNORECASE)


class Part(NamedTuple):
    """One installed package."""

    name: str
    version: str
    licence: str

    @property
    def is_strong_copyleft(self) -> bool:
        """True if every licence that it offers asks that what is made with it be under the same one."""
        offered = re.split(r" / | OR ", self.licence)
        return all(_STRONG_COPYLEFT.search(licence) for licence in offered)


def list_core_parts() -> tuple[Part, ...]:
    """Return every package that the core needs, directly or not, without optional extras, by name."""
    found: dict[str, Part] = {}
    waiting = [(OURS, frozenset[str]())]
    seen = set(waiting)
    while waiting:
        name, extras = waiting.pop()
        try:
            installed = distribution(name)
        except PackageNotFoundError:  # asked for on other systems only
            continue
        if name != OURS:
            found[name] = Part(installed.metadata["Name"], installed.version, _read_licence(installed))
        for needed in _list_needed(installed, extras):
            if needed not in seen:
                seen.add(needed)
                waiting.append(needed)
    return tuple(sorted(found.values(), key=lambda part: part.name.lower()))


def make_sbom() -> dict[str, Any]:
    """Return the core's parts in the form of CycloneDX 1.5."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": OURS,
                "version": __version__,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": [
            {
                "type": "library",
                "name": part.name,
                "version": part.version,
                "purl": f"pkg:pypi/{_normalize(part.name)}@{part.version}",
                "licenses": [{"license": {"name": part.licence}}],
            }
            for part in list_core_parts()
        ],
    }


def _list_needed(installed: Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    from packaging.requirements import Requirement

    for line in installed.requires or ():
        needed = Requirement(line)
        holds = needed.marker is None or any(
            needed.marker.evaluate({"extra": extra}) for extra in extras or {""}
        )
        if holds:
            yield _normalize(needed.name), frozenset(needed.extras)


def _read_licence(installed: Distribution) -> str:
    """The licence as the package tells it: an expression, classifiers, or a short line."""
    metadata = installed.metadata
    expression = " ".join(metadata.get_all("License-Expression") or ())
    classified = [
        line.rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier") or ()
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    line = "".join(metadata.get_all("License") or ()).strip().partition("\n")[0]
    return expression or " / ".join(classified) or line[:_SHORT] or "not told"


def _normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

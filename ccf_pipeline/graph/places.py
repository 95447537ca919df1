"""Compare places in the chest by their sides and the part-of tree of regions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from ccf_pipeline.graph.model import Region
from ccf_pipeline.records import Side

Place = tuple[Side | None, str | None]
"""A side and a region; None where nothing is said of one."""

Seam = frozenset[str]
"""The ground that two regions, neither part of the other, are declared to share."""


@dataclass(frozen=True)
class Ground:
    """The parts that a region covers."""

    parts: frozenset[str]
    seams: frozenset[Seam]
    wider_seams: frozenset[Seam]
    """The seams of what the region is part of: it may lie on them."""


class RegionTree:
    """The regions of a graph file, with what lies inside and across each."""

    def __init__(self, regions: Iterable[Region]) -> None:
        self.regions = {region.id: region for region in regions}

    def overlap(self, place_a: Place, place_b: Place) -> bool:
        """A place without a known region covers the chest, one without a side covers both sides."""
        if not _is_same_side(self._find_side(place_a), self._find_side(place_b)):
            return False
        a, b = self._ground.get(place_a[1] or ""), self._ground.get(place_b[1] or "")
        return a is None or b is None or _share_ground(a, b)

    def lies_within(self, region: str, regions: Iterable[str]) -> bool:
        """True if a region is one of these or a part of one."""
        return any(whole in self._ground and region in self._ground[whole].parts for whole in regions)

    def _find_side(self, place: Place) -> str | None:
        side, region = place
        known = self.regions.get(region or "")
        # "right lower lobe" is on the right, whatever side a sentence seems to give it.
        return known.sides if known and known.sides in ("left", "right") else side

    @cached_property
    def _ground(self) -> dict[str, Ground]:
        wholes = {region.id: set(region.part_of) for region in self.regions.values()}
        parts: dict[str, set[str]] = {}
        seams: dict[str, set[Seam]] = {}
        for region in self.regions.values():
            for whole in region.part_of:
                parts.setdefault(whole, set()).add(region.id)
            for other in region.overlaps:
                for end in (region.id, other):
                    seams.setdefault(end, set()).add(frozenset((region.id, other)))
        return {region: _collect_ground(region, parts, wholes, seams) for region in self.regions}


def _collect_ground(
    region: str,
    parts: Mapping[str, set[str]],
    wholes: Mapping[str, set[str]],
    seams: Mapping[str, set[Seam]],
) -> Ground:
    below, above = _collect_reached(region, parts), _collect_reached(region, wholes)
    return Ground(
        parts=below,
        seams=frozenset(seam for part in below for seam in seams.get(part, ())),
        wider_seams=frozenset(seam for whole in above for seam in seams.get(whole, ())),
    )


def _collect_reached(start: str, onwards: Mapping[str, set[str]]) -> frozenset[str]:
    reached, waiting = {start}, [start]
    while waiting:
        fresh = onwards.get(waiting.pop(), set()) - reached
        reached |= fresh
        waiting.extend(fresh)
    return frozenset(reached)


def _share_ground(a: Ground, b: Ground) -> bool:
    # The base overlaps the lower lobe, so it meets the right lower lobe too. Two parts of two
    # overlapping regions need not meet: the apex and the lingula lie in zone and lobe that do.
    return not (
        a.parts.isdisjoint(b.parts)
        and a.seams.isdisjoint(b.seams)
        and a.seams.isdisjoint(b.wider_seams)
        and a.wider_seams.isdisjoint(b.seams)
    )


def _is_same_side(a: str | None, b: str | None) -> bool:
    return a == b or a not in ("left", "right") or b not in ("left", "right")

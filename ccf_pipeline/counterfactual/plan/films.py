"""Describe a film by its own report: its findings with sides, degrees and places, and its devices.

Everything is a small whole number, so that hundreds of thousands of films are compared as columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import CCF, Lexicon
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.reader.labels import label_table
from ccf_pipeline.records import FINDING_LABELS, SUPPORT_DEVICES, Mention, Plan, Polarity, Statement

FINDINGS = tuple(FINDING_LABELS)
COLUMNS = {finding: number for number, finding in enumerate(FINDINGS)}
BITS = {finding: 1 << number for finding, number in COLUMNS.items()}
NOTHING = (0,) * len(FINDINGS)

LEFT, RIGHT, BOTH = 1, 2, 3
_SIDES = {None: 0, "left": LEFT, "right": RIGHT, "bilateral": BOTH}
_UNKNOWN_DEGREE = 7


Details = tuple[int, int, int]
"""Side, degree and place of one finding."""


@dataclass(frozen=True)
class Film:
    """The findings and devices that one film shows, or has to show.

    Args:
        present, denied, doubted: a bit for each finding.
        sides: of each finding 0 where no side is named, else the bits of left and right.
        degrees: of each finding a bit for each grade that is named.
        places: of each finding the number of the set of regions that are named.
        devices: a bit for each kind of device.
    """

    present: int
    denied: int = 0
    doubted: int = 0
    sides: Sequence[int] = NOTHING
    degrees: Sequence[int] = NOTHING
    places: Sequence[int] = NOTHING
    devices: int = 0


@dataclass
class FilmReader:
    """Read films from the readings of their reports; sets of regions are numbered as they are met."""

    graph: ConceptGraph
    lexicon: Lexicon
    _regions: dict[frozenset[str], int] = field(default_factory=lambda: {frozenset(): 0})
    _names: list[frozenset[str]] = field(default_factory=lambda: [frozenset()])
    _known: dict[tuple[str | None, ...], Details] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._findings = label_table(self.lexicon, CCF).asserted
        kinds = sorted(
            c for c, set_ in self._findings.items() if SUPPORT_DEVICES in set_ and c != SUPPORT_DEVICES
        )
        self._devices = {concept: 1 << number for number, concept in enumerate(kinds)}

    def read(self, reading: Reading) -> Film:
        """Return what the film of a report shows."""
        return self._with_details(
            Film(
                present=mask(reading.states, "present"),
                denied=mask(reading.states, "absent"),
                doubted=mask(reading.states, "uncertain"),
            ),
            reading.assertions,
        )

    def foresee(self, plan: Plan, film: Film) -> Film:
        """Return what a film has to show for the counterfactual of a plan to be its report.

        What the plan leaves alone keeps its details; a finding that comes has those of the plan.
        """
        changed = {plan.target, *plan.gained, *plan.lost}
        gone = sum(BITS[finding] for finding in plan.lost)
        present = (film.present & ~gone) | sum(BITS[finding] for finding in plan.gained)
        stays = present & ~sum(BITS[finding] for finding in changed)

        def kept(details: Sequence[int]) -> tuple[int, ...]:
            return tuple(
                detail if stays & bit else 0 for detail, bit in zip(details, BITS.values(), strict=True)
            )

        told = [statement for statement in plan.must_appear if statement.polarity == "present"]
        keeps_devices = present & BITS[SUPPORT_DEVICES]
        return self._with_details(
            replace(
                film,
                present=present,
                denied=film.denied & ~present,
                doubted=film.doubted & ~present,
                sides=kept(film.sides),
                degrees=kept(film.degrees),
                places=kept(film.places),
                devices=film.devices if keeps_devices else 0,
            ),
            told,
            only=changed,
        )

    def regions_of(self, film: Film, column: int) -> frozenset[str]:
        """Return the regions that are named of one finding."""
        return self._names[film.places[column]]

    def details_of(self, statement: Statement, finding: str) -> Details:
        """Return what a statement of one finding says besides that it is there."""
        key = statement.concept, statement.side, statement.region, statement.severity, finding
        if key not in self._known:
            film = self._with_details(Film(present=BITS[finding]), [statement])
            column = COLUMNS[finding]
            self._known[key] = film.sides[column], film.degrees[column], film.places[column]
        return self._known[key]

    def _number_regions(self, regions: frozenset[str]) -> int:
        if regions not in self._regions:
            self._regions[regions] = len(self._names)
            self._names.append(regions)
        return self._regions[regions]

    def _with_details(
        self, film: Film, told: Iterable[Mention | Statement], only: Iterable[str] = FINDINGS
    ) -> Film:
        sides, degrees, devices = list(film.sides), list(film.degrees), film.devices
        regions: dict[int, set[str]] = {}
        wanted = frozenset(only)
        for statement in told:
            devices |= self._devices.get(statement.concept, 0)
            for finding in self._findings.get(statement.concept, ()):
                column = COLUMNS[finding]
                if finding not in wanted or not film.present & BITS[finding]:
                    continue
                sides[column] |= _SIDES[statement.side]
                if statement.severity is not None:
                    grade = self.graph.severity_grade(statement.severity)
                    degrees[column] |= 1 << (_UNKNOWN_DEGREE if grade is None else grade)
                if statement.region is not None:
                    regions.setdefault(column, set()).add(statement.region)
        places = list(film.places)
        for column, named in regions.items():
            places[column] = self._number_regions(frozenset(named))
        return replace(
            film, sides=tuple(sides), degrees=tuple(degrees), places=tuple(places), devices=devices
        )


def mask(states: Mapping[str, Polarity], polarity: Polarity) -> int:
    """Return a bit for each finding that is in this state."""
    return sum(BITS[finding] for finding, state in states.items() if state == polarity and finding in BITS)

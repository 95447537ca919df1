"""Find for a counterfactual the film of another patient that shows it.

A film is matched by its own report: the nearest one has the same findings, the same side, degree and place
of the target, the same devices, and nothing that contradicts what the pair leaves alone.

An index holds of each study some hundred bytes and its image's names. Studies that may stand in for each
other, of one corpus, split and view, lie in lists by what they show, in the order of lots that depend on the
seed and the study alone. A study is compared with so many that follow its own lot, so that neither the
order nor the shards in which studies come change a match.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ccf_pipeline.counterfactual.plan.changes import Change
from ccf_pipeline.counterfactual.plan.choose import lot
from ccf_pipeline.counterfactual.plan.films import (
    BITS,
    COLUMNS,
    FINDINGS,
    Details,
    Film,
    FilmReader,
)
from ccf_pipeline.records import (
    FINDING_LABELS,
    NO_FINDING,
    SUPPORT_DEVICES,
    Aspect,
    MatchedImage,
    Plan,
    Statement,
    Study,
)

AGE_SPAN_YEARS = 40
WEIGHTS = {"findings": 40, "details": 20, "age": 25, "sex": 15}
"""In hundredths."""
CANDIDATES = 256
DETAILS: tuple[Aspect, ...] = ("side", "degree", "place")
UNKNOWN_AGE = -1

Shows = Literal["has the target", "lacks the finding"]

_WIDTH = len(FINDINGS)
_DEGREE_AT, _PLACE_AT = 2, 10
_SIDE_BITS, _DEGREE_BITS, _PLACE_BITS = 0x3, 0xFF << _DEGREE_AT, 0x3FFFFF << _PLACE_AT
_COUNTED = sum(BITS.values()) & ~BITS[NO_FINDING]
_ONES = np.array([number.bit_count() for number in range(1 << _WIDTH)], dtype=np.int64)


@dataclass(frozen=True)
class Wanted:
    """The finding that another film must show or lack to contradict the factual text."""

    finding: str
    shows: Shows


def wanted_of(plan: Plan) -> Wanted:
    """Return what contradicts the factual text: the target where it is gained, or else its absence."""
    return Wanted(plan.target, "has the target" if plan.target in plan.gained else "lacks the finding")


@dataclass
class ImageIndex:
    """The studies with an image of a known view; `add` them all, then `match`."""

    seed: int
    names: list[tuple[str, str, str, str | None]] = field(default_factory=list)
    lots: array[int] = field(default_factory=lambda: array("Q"))
    subjects: array[int] = field(default_factory=lambda: array("I"))
    pools: array[int] = field(default_factory=lambda: array("H"))
    present: array[int] = field(default_factory=lambda: array("H"))
    doubted: array[int] = field(default_factory=lambda: array("H"))
    details: array[int] = field(default_factory=lambda: array("I"))
    devices: array[int] = field(default_factory=lambda: array("I"))
    ages: array[int] = field(default_factory=lambda: array("h"))
    sexes: array[int] = field(default_factory=lambda: array("B"))
    _subject_numbers: dict[str, int] = field(default_factory=dict)
    _pool_numbers: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _sex_numbers: dict[str | None, int] = field(default_factory=lambda: {None: 0})

    def add(self, study: Study, film: Film) -> None:
        """Take a study in; one without an image, or of which the view is not known, matches nothing."""
        image = study.image
        if image is None or image.view is None:
            return
        self.names.append((study.study_id, image.image_id, image.path, image.sha256))
        # Told as a lot of its own and not by position: a study that is added or left out moves nobody else's
        # match.
        self.lots.append(_draw_lot(self.seed, study.study_id))
        subjects, pools, sexes = self._subject_numbers, self._pool_numbers, self._sex_numbers
        self.subjects.append(subjects.setdefault(study.subject_id, len(subjects)))
        self.pools.append(pools.setdefault((study.corpus, study.split, image.view), len(pools)))
        self.present.append(film.present)
        self.doubted.append(film.doubted)
        self.details.extend([_pack_details(film, column) for column in range(_WIDTH)])
        self.devices.append(film.devices)
        self.ages.append(UNKNOWN_AGE if study.age is None else study.age)
        self.sexes.append(sexes.setdefault(study.sex, len(sexes)))
        # A table made before is out of date with every study that comes.
        self.__dict__.pop("_table", None)

    def match(self, study: Study, shown: Film, wanted: Wanted) -> MatchedImage | None:
        """Return the nearest film of another patient that shows what is wanted, if there is one.

        Args:
            shown: what the film would have to show for the counterfactual to be its report.
        """
        image = study.image
        if image is None or image.view is None:
            return None
        rows = self._find_candidates(study, (study.corpus, study.split, image.view), shown, wanted)
        if not len(rows):
            return None
        agreement = self._compare_details(shown, wanted.finding, rows)
        rank = agreement.rank
        highest = np.flatnonzero(rank == rank.max())
        qualities = self._compare_qualities(study, shown, rows[highest])
        # Of equals the one that comes first after the study's own lot: the rows stand in that order.
        first = int(np.argmax(qualities))
        best = int(highest[first])
        row = int(rows[best])
        study_id, image_id, path, sha256 = self.names[row]
        return MatchedImage(
            study_id=study_id,
            image_id=image_id,
            path=path,
            sha256=sha256,
            shows=wanted.shows,
            quality=int(qualities[first]) / 10_000,
            findings=tuple(
                label for finding, label in FINDING_LABELS.items() if self.present[row] & BITS[finding]
            ),
            agrees=tuple(aspect for aspect in _ASPECTS if getattr(agreement, aspect)[best]),
        )

    def closeness(self, study: Study, present: int, finding: str, details: Details) -> int:
        """Return how closely some film of these findings agrees in the details of one of them."""
        view = study.image.view if study.image else None
        number = self._pool_numbers.get((study.corpus, study.split, view or ""))
        return 0 if number is None else self._table.closeness(number, present, COLUMNS[finding], details)

    def _find_candidates(self, study: Study, pool: tuple[str, str, str], shown: Film, wanted: Wanted) -> Rows:
        """Return films that agree in details of the target, then in all findings, or else show it."""
        number = self._pool_numbers.get(pool)
        if number is None:
            return _NOBODY
        table, column = self._table, COLUMNS[wanted.finding]
        alike = table.alike(number, shown.present)
        found = self._find_following(study, alike)
        if len(alike[0]) > CANDIDATES:
            close = self._find_following(study, table.alike_in_detail(number, shown, column))
            # Of so many that agree in the target one will contradict nothing: the others need no look.
            found = close if len(close) >= CANDIDATES // 2 else np.concatenate([close, found])
        return found if len(found) else self._find_following(study, table.showing(number, wanted))

    def _find_following(self, study: Study, listed: Listed) -> Rows:
        """Return the films of other patients that follow the study's own lot in a list."""
        rows, lots = listed
        if not len(rows):
            return rows
        begin = int(np.searchsorted(lots, np.uint64(_draw_lot(self.seed, study.study_id))))
        subject = self._subject_numbers.get(study.subject_id, -1)
        # Most lists are long enough, and a part of a list costs a fifth of numbers looked up in it.
        ahead = rows[begin : begin + CANDIDATES]
        if len(ahead) < CANDIDATES:
            ahead = rows[_count_in_circle(begin, CANDIDATES, len(rows))]
        others = self._drop_own(ahead, subject)
        # One patient may fill the whole stretch; then there is time to look at everybody.
        return (
            others
            if len(others)
            else self._drop_own(rows[_count_in_circle(begin, len(rows), len(rows))], subject)
        )

    def _drop_own(self, rows: Rows, subject: int) -> Rows:
        others: Rows = rows[self._table.subjects[rows] != subject]
        return others

    def _compare_details(self, shown: Film, target: str, rows: Rows) -> Agreement:
        """Compare what each film shows with what is wanted; a film has no details of what it lacks."""
        table = self._table
        findings = table.present[rows] == np.uint16(shown.present)
        # Differences are taken bit by bit: what is nought after the exclusive or agrees.
        of_target = table.details[rows, COLUMNS[target]] ^ np.uint32(_pack_details(shown, COLUMNS[target]))
        denied = shown.denied | (BITS[target] & ~shown.present)
        rest = findings & ((table.doubted[rows] & np.uint16(denied)) == 0)
        if shown.devices:
            # Every device that the text names has to be on the film; one more on the film does no harm.
            rest &= (np.uint32(shown.devices) & ~table.devices[rows]) == 0
        for column, side in enumerate(shown.sides):
            if side and column != COLUMNS[target]:
                named = table.details[rows, column] & _SIDE_BITS
                # A film whose report names no side may be of either: only the other side contradicts.
                rest &= (named == 0) | ((named & np.uint32(side)) > 0)
        return Agreement(
            findings,
            findings & ((of_target & _SIDE_BITS) == 0),
            findings & ((of_target & _DEGREE_BITS) == 0),
            findings & ((of_target & _PLACE_BITS) == 0),
            rest,
        )

    def _share_of_details(self, shown: Film, rows: Rows) -> npt.NDArray[np.int64]:
        """Return in how many details of the findings each film agrees, in ten-thousandths."""
        columns = np.array([n for n, bit in enumerate(BITS.values()) if shown.present & bit], dtype=np.int64)
        wanted = np.array([_pack_details(shown, column) for column in columns], dtype=np.uint32)
        differing = self._table.details[rows[:, None], columns] ^ wanted
        alike = sum(((differing & part) == 0).sum(axis=1) for part in (_SIDE_BITS, _DEGREE_BITS, _PLACE_BITS))
        shares: npt.NDArray[np.int64] = alike * 10_000 // max(1, 3 * len(columns))
        return shares

    def _compare_qualities(self, study: Study, shown: Film, rows: Rows) -> npt.NDArray[np.int64]:
        """Return how near each is, in ten-thousandths; what is not known counts half."""
        table, total = self._table, _COUNTED.bit_count()
        differing = _ONES[(table.present[rows] ^ np.uint16(shown.present)) & np.uint16(_COUNTED)]
        score: npt.NDArray[np.int64] = WEIGHTS["findings"] * ((total - differing) * 10_000 // total)
        score += WEIGHTS["details"] * self._share_of_details(shown, rows)
        if study.age is None:
            score += WEIGHTS["age"] * 5_000
        else:
            ages = table.ages[rows]
            near = AGE_SPAN_YEARS - np.minimum(np.abs(ages.astype(np.int64) - study.age), AGE_SPAN_YEARS)
            score += WEIGHTS["age"] * np.where(ages == UNKNOWN_AGE, 5_000, near * 10_000 // AGE_SPAN_YEARS)
        if study.sex is None:
            score += WEIGHTS["sex"] * 5_000
        else:
            sexes = table.sexes[rows]
            alike = np.where(sexes == self._sex_numbers.get(study.sex, -1), 10_000, 0)
            score += WEIGHTS["sex"] * np.where(sexes == 0, 5_000, alike)
        # Whole numbers to the end: the same film is chosen whatever the processor makes of fractions.
        score //= 100
        return score

    @cached_property
    def _table(self) -> _Table:
        shape = (len(self.names), _WIDTH)
        return _Table(
            lots=np.array(self.lots, dtype=np.uint64),
            subjects=np.array(self.subjects, dtype=np.int64),
            pools=np.array(self.pools, dtype=np.uint16),
            present=np.array(self.present, dtype=np.uint16),
            doubted=np.array(self.doubted, dtype=np.uint16),
            details=np.array(self.details, dtype=np.uint32).reshape(shape),
            devices=np.array(self.devices, dtype=np.uint32),
            ages=np.array(self.ages, dtype=np.int16),
            sexes=np.array(self.sexes, dtype=np.int16),
        )


Rows = npt.NDArray[np.int64]
Listed = tuple[Rows, npt.NDArray[np.uint64]]
_NOBODY: Rows = np.zeros(0, dtype=np.int64)
_ASPECTS: tuple[Aspect, ...] = ("findings", "side", "degree", "place", "rest")
# A wrong side is as bad as a contradiction, and both are worse than another degree or place.
_WORTH: dict[Aspect, int] = {"findings": 32, "side": 8, "rest": 8, "degree": 4, "place": 2}
_WORTHS = np.array([_WORTH[aspect] for aspect in _ASPECTS], dtype=np.int64)
CLOSEST = sum(_WORTH[aspect] for aspect in DETAILS)
"""The closeness of films that agree in all details of a finding."""


class Agreement(NamedTuple):
    """In what each candidate agrees with the counterfactual; side, degree and place are the target's.

    `rest`: it has the devices that the text names, and neither names the other side of a finding that stays
    nor doubts what the text denies.
    """

    findings: npt.NDArray[np.bool_]
    side: npt.NDArray[np.bool_]
    degree: npt.NDArray[np.bool_]
    place: npt.NDArray[np.bool_]
    rest: npt.NDArray[np.bool_]

    @property
    def rank(self) -> npt.NDArray[np.int64]:
        """The weight of each candidate's agreement, before age and sex."""
        rank: npt.NDArray[np.int64] = _WORTHS @ np.array(self, dtype=np.uint8)
        return rank


@dataclass
class _Table:
    """The index as columns, and the lists that were asked for."""

    lots: npt.NDArray[np.uint64]
    subjects: npt.NDArray[np.int64]
    pools: npt.NDArray[np.uint16]
    present: npt.NDArray[np.uint16]
    doubted: npt.NDArray[np.uint16]
    details: npt.NDArray[np.uint32]
    devices: npt.NDArray[np.uint32]
    ages: npt.NDArray[np.int16]
    sexes: npt.NDArray[np.int16]
    _lists: dict[tuple[Any, ...], Listed] = field(default_factory=dict)
    _seen: dict[tuple[int, int, int], set[tuple[int, ...]]] = field(default_factory=dict)

    def showing(self, pool: int, wanted: Wanted) -> Listed:
        """Return the films of a pool that show what is wanted, by their lots, with these."""

        def select() -> Rows:
            bit = np.uint16(BITS[wanted.finding])
            has, doubts = (self.present & bit) > 0, (self.doubted & bit) > 0
            # A film lacks what its report denies or does not name; doubt is neither.
            shows = has if wanted.shows == "has the target" else ~has & ~doubts
            return np.flatnonzero(shows & (self.pools == pool))

        return self._list_films((pool, wanted), select)

    def alike(self, pool: int, present: int) -> Listed:
        """Return the films of a pool that show these findings and no others."""
        return self._list_films((pool, present), lambda: self._by_findings.get((pool, present), _NOBODY))

    def alike_in_detail(self, pool: int, shown: Film, column: int) -> Listed:
        """Return those of them that agree in the side and degree of one finding as well."""
        wanted = _pack_details(shown, column) & (_SIDE_BITS | _DEGREE_BITS)

        def select() -> Rows:
            rows, _ = self.alike(pool, shown.present)
            agreeing: Rows = rows[(self.details[rows, column] & (_SIDE_BITS | _DEGREE_BITS)) == wanted]
            return agreeing

        return self._list_films((pool, shown.present, column, wanted), select)

    def closeness(self, pool: int, present: int, column: int, details: Details) -> int:
        """Return what the details are worth that some film of a pool and of these findings shares."""
        key = (pool, present, column)
        if key not in self._seen:
            rows, _ = self.alike(pool, present)
            packed = np.unique(self.details[rows, column])
            parts = (packed & _SIDE_BITS, packed >> _DEGREE_AT & 0xFF, packed >> _PLACE_AT)
            seen = set(zip(*(part.tolist() for part in parts), strict=True))
            # Side alone, side and degree, and all three: so many details may agree, in this order of weight.
            self._seen[key] = {told[:count] for told in seen for count in (1, 2, 3)}
        shared = self._seen[key]
        return sum(_WORTH[aspect] for count, aspect in enumerate(DETAILS, 1) if details[:count] in shared)

    def _list_films(self, key: tuple[Any, ...], select: Callable[[], Rows]) -> Listed:
        if key not in self._lists:
            rows = select()
            # Stable, so that films with the same lot keep the order of the corpus on every machine.
            rows = rows[np.argsort(self.lots[rows], kind="stable")]
            self._lists[key] = rows, self.lots[rows]
        return self._lists[key]

    @cached_property
    def _by_findings(self) -> dict[tuple[int, int], Rows]:
        keys = self.pools.astype(np.int64) << _WIDTH | self.present
        order = np.argsort(keys, kind="stable")
        distinct, begins = np.unique(keys[order], return_index=True)
        groups = np.split(order, begins[1:])
        return {
            (int(key) >> _WIDTH, int(key) & (1 << _WIDTH) - 1): group
            for key, group in zip(distinct, groups, strict=True)
        }


def _pack_details(film: Film, column: int) -> int:
    """Return side, degree and place of one finding as one number."""
    return film.sides[column] | film.degrees[column] << _DEGREE_AT | film.places[column] << _PLACE_AT


def _count_in_circle(begin: int, count: int, length: int) -> Rows:
    """Return so many numbers below `length`, from one on, going round at the end."""
    return (begin + np.arange(min(count, length), dtype=np.int64)) % max(1, length)


def _draw_lot(seed: int, study_id: str) -> int:
    return lot(seed, "image", study_id)


def index_images(seed: int, studies: Iterable[tuple[Study, Film]]) -> ImageIndex:
    """Return an index of these studies."""
    index = ImageIndex(seed)
    for study, film in studies:
        index.add(study, film)
    return index


def with_matched_images(
    plans: Sequence[Plan], study: Study, film: Film, films: FilmReader, index: ImageIndex
) -> tuple[Plan, ...]:
    """Return the plans of a study, each with the film of another patient where there is one."""
    return tuple(
        plan.model_copy(
            update={"matched_image": index.match(study, films.foresee(plan, film), wanted_of(plan))}
        )
        for plan in plans
    )


def fitting_films(
    study: Study, film: Film, films: FilmReader, index: ImageIndex
) -> Callable[[Change, Statement], int]:
    """Return how well the films of the corpus agree with what a change of a study would say."""

    def fits(change: Change, told: Statement) -> int:
        gone = (*change.gives_way, *([NO_FINDING] if change.target != SUPPORT_DEVICES else []))
        present = (film.present & ~sum(BITS[finding] for finding in gone)) | BITS[change.target]
        return index.closeness(study, present, change.target, films.details_of(told, change.target))

    return fits

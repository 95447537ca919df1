"""Perception pairs: the same text beside another patient's image, which shows something else.

An index holds of each study what a match depends on, some twenty bytes and its image's names. Studies that
may stand in for each other, of one corpus, split and view, that show a finding or lack it, lie in one list
in the order of lots that depend on the seed and the study alone. A study is compared with so many that
follow its own lot, so that neither the order nor the shards in which studies come change a match.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ccf_pipeline.counterfactual.plan.choose import lot
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, MatchedImage, Plan, Polarity, Study

AGE_SPAN_YEARS = 40
WEIGHTS = {"findings": 0.6, "age": 0.25, "sex": 0.15}
CANDIDATES = 256
UNKNOWN_AGE = -1

States = Mapping[str, Polarity]
Shows = Literal["has the target", "lacks the finding"]

_BITS: dict[str, int] = {finding: 1 << number for number, finding in enumerate(FINDING_LABELS)}
_ALL = sum(_BITS.values())
_ONES = np.array([number.bit_count() for number in range(1 << len(_BITS))], dtype=np.int8)


@dataclass(frozen=True)
class Wanted:
    """What another image has to show, for the text to be about something else."""

    finding: str
    shows: Shows


def wanted_of(plan: Plan) -> Wanted:
    """What stands against the factual text: the target where it is gained, or else that it is not there."""
    return Wanted(plan.target, "has the target" if plan.target in plan.gained else "lacks the finding")


@dataclass
class ImageIndex:
    """The studies with an image of a known view; `add` them all, then `match`."""

    seed: int
    names: list[tuple[str, str, str, str | None]] = field(default_factory=list)
    lots: array[int] = field(default_factory=lambda: array("Q"))
    subjects: array[int] = field(default_factory=lambda: array("I"))
    places: array[int] = field(default_factory=lambda: array("H"))
    present: array[int] = field(default_factory=lambda: array("H"))
    doubted: array[int] = field(default_factory=lambda: array("H"))
    ages: array[int] = field(default_factory=lambda: array("h"))
    sexes: array[int] = field(default_factory=lambda: array("B"))
    _subject_numbers: dict[str, int] = field(default_factory=dict)
    _place_numbers: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _sex_numbers: dict[str | None, int] = field(default_factory=lambda: {None: 0})

    def add(self, study: Study, states: States) -> None:
        """Take a study in; one without an image, or of which the view is not known, matches nothing."""
        image = study.image
        if image is None or image.view is None:
            return
        self.names.append((study.study_id, image.image_id, image.path, image.sha256))
        self.lots.append(_lot(self.seed, study.study_id))
        subjects, places, sexes = self._subject_numbers, self._place_numbers, self._sex_numbers
        self.subjects.append(subjects.setdefault(study.subject_id, len(subjects)))
        self.places.append(places.setdefault((study.corpus, study.split, image.view), len(places)))
        self.present.append(_mask(states, "present"))
        self.doubted.append(_mask(states, "uncertain"))
        self.ages.append(UNKNOWN_AGE if study.age is None else study.age)
        self.sexes.append(sexes.setdefault(study.sex, len(sexes)))
        self.__dict__.pop("_table", None)

    def match(self, study: Study, states: States, wanted: Wanted) -> MatchedImage | None:
        """The nearest image of another patient that shows what is wanted: same corpus, split and view."""
        image = study.image
        if image is None or image.view is None:
            return None
        rows = self._candidates(study, (study.corpus, study.split, image.view), wanted)
        if not len(rows):
            return None
        qualities = self._qualities(study, states, wanted.finding, rows)
        # Of equals the one that comes first after the study's own lot: the rows stand in that order.
        best = int(np.argmax(qualities))
        study_id, image_id, path, sha256 = self.names[rows[best]]
        return MatchedImage(
            study_id=study_id,
            image_id=image_id,
            path=path,
            sha256=sha256,
            shows=wanted.shows,
            quality=int(qualities[best]) / 10_000,
        )

    def _candidates(self, study: Study, place: tuple[str, str, str], wanted: Wanted) -> Rows:
        number = self._place_numbers.get(place)
        if number is None:
            return _NOBODY
        rows, lots = self._table.list_of(number, wanted)
        begin = int(np.searchsorted(lots, np.uint64(_lot(self.seed, study.study_id))))
        subject = self._subject_numbers.get(study.subject_id, -1)
        others = self._others(rows[_circle(begin, CANDIDATES, len(rows))], subject)
        # One patient may fill the whole stretch; then there is time to look at everybody.
        return others if len(others) else self._others(rows[_circle(begin, len(rows), len(rows))], subject)

    def _others(self, rows: Rows, subject: int) -> Rows:
        others: Rows = rows[self._table.subjects[rows] != subject]
        return others

    def _qualities(self, study: Study, states: States, finding: str, rows: Rows) -> npt.NDArray[np.int64]:
        """How near each is in everything but the finding, in ten-thousandths."""
        table = self._table
        counted = _ALL & ~_BITS[finding] & ~_BITS[NO_FINDING]
        differing = _ONES[(table.present[rows] ^ np.uint16(_mask(states, "present"))) & np.uint16(counted)]
        total = counted.bit_count()
        same = _share("findings", (total - differing.astype(np.int64)) * 10_000 // total)
        apart = np.minimum(np.abs(table.ages[rows].astype(np.int64) - (study.age or 0)), AGE_SPAN_YEARS)
        near = (AGE_SPAN_YEARS - apart) * 10_000 // AGE_SPAN_YEARS
        unknown_age = (table.ages[rows] == UNKNOWN_AGE) | (study.age is None)
        sex = self._sex_numbers.get(study.sex, -1)
        alike = np.where(table.sexes[rows] == sex, 10_000, 0)
        unknown_sex = (table.sexes[rows] == 0) | (study.sex is None)
        return (
            same
            + _share("age", np.where(unknown_age, 5_000, near))
            + _share("sex", np.where(unknown_sex, 5_000, alike))
        )

    @cached_property
    def _table(self) -> _Table:
        return _Table(
            lots=np.array(self.lots, dtype=np.uint64),
            subjects=np.array(self.subjects, dtype=np.int64),
            places=np.array(self.places, dtype=np.uint16),
            present=np.array(self.present, dtype=np.uint16),
            doubted=np.array(self.doubted, dtype=np.uint16),
            ages=np.array(self.ages, dtype=np.int16),
            sexes=np.array(self.sexes, dtype=np.int16),
        )


Rows = npt.NDArray[np.int64]
_NOBODY: Rows = np.zeros(0, dtype=np.int64)


@dataclass
class _Table:
    """The index as columns, and the lists that were asked for."""

    lots: npt.NDArray[np.uint64]
    subjects: npt.NDArray[np.int64]
    places: npt.NDArray[np.uint16]
    present: npt.NDArray[np.uint16]
    doubted: npt.NDArray[np.uint16]
    ages: npt.NDArray[np.int16]
    sexes: npt.NDArray[np.int16]
    _lists: dict[tuple[int, Wanted], tuple[Rows, npt.NDArray[np.uint64]]] = field(default_factory=dict)

    def list_of(self, place: int, wanted: Wanted) -> tuple[Rows, npt.NDArray[np.uint64]]:
        """The studies of a place that show what is wanted, by their lots, with these."""
        if (place, wanted) not in self._lists:
            bit = np.uint16(_BITS[wanted.finding])
            has, doubts = (self.present & bit) > 0, (self.doubted & bit) > 0
            # An image lacks what its report denies or does not name; doubt is neither.
            shows = has if wanted.shows == "has the target" else ~has & ~doubts
            rows = np.flatnonzero(shows & (self.places == place))
            rows = rows[np.argsort(self.lots[rows], kind="stable")]
            self._lists[place, wanted] = rows, self.lots[rows]
        return self._lists[place, wanted]


def _circle(begin: int, count: int, length: int) -> Rows:
    """So many numbers below `length`, from one on, going round at the end."""
    return (begin + np.arange(min(count, length), dtype=np.int64)) % max(1, length)


def _share(part: str, values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    return (values.astype(np.int64) * round(100 * WEIGHTS[part])) // 100


def _mask(states: States, polarity: Polarity) -> int:
    return sum(_BITS[finding] for finding, state in states.items() if state == polarity and finding in _BITS)


def _lot(seed: int, study_id: str) -> int:
    return lot(seed, "image", study_id)


def index_images(seed: int, studies: Iterable[tuple[Study, States]]) -> ImageIndex:
    """An index of these studies."""
    index = ImageIndex(seed)
    for study, states in studies:
        index.add(study, states)
    return index


def with_matched_images(
    plans: Sequence[Plan], study: Study, states: States, index: ImageIndex
) -> tuple[Plan, ...]:
    """The plans of a study, each with the image of a perception pair where there is one."""
    return tuple(
        plan.model_copy(update={"matched_image": index.match(study, states, wanted_of(plan))})
        for plan in plans
    )

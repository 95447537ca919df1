"""Compare the films of the mirror rows with their texts by reading both again, apart from the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ccf_pipeline.counterfactual.plan.films import BITS, COLUMNS, Film, FilmReader
from ccf_pipeline.quality.figures import FilmFigures
from ccf_pipeline.quality.flips import IDS
from ccf_pipeline.quality.rates import rate
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.records import ReasonCount, Record


def measure_films(
    planned: tuple[ReasonCount, ...],
    mirrored: Iterable[Record],
    reports: Mapping[str, str],
    films: FilmReader,
) -> FilmFigures:
    """Compare each counterfactual text with the report of its film.

    A text that names no degree or place is true of any film; one that names another one is not.

    Args:
        mirrored: pairs whose film was found close enough to stand for the text.
        reports: by study, those of the films.
    """
    compared = findings = side = degree = place = uncontradicted = 0
    for record in mirrored:
        film = record.matched_image
        if film is None or film.study_id not in reports:
            continue
        text, shown = (
            films.read(read_facts(said, films.lexicon))
            for said in (record.counterfactual_text, reports[film.study_id])
        )
        column = COLUMNS[IDS[record.target]]
        compared += 1
        findings += text.present == shown.present
        side += text.sides[column] == shown.sides[column]
        degree += not text.degrees[column] & ~shown.degrees[column]
        place += films.regions_of(text, column) <= films.regions_of(shown, column)
        uncontradicted += not contradicts(text, shown)
    return FilmFigures(
        planned=planned,
        findings=rate(findings, compared),
        side=rate(side, compared),
        degree=rate(degree, compared),
        place=rate(place, compared),
        uncontradicted=rate(uncontradicted, compared),
    )


def contradicts(text: Film, shown: Film) -> bool:
    """True if a text says what its film, by its own report, does not show."""
    return bool(
        text.present & ~shown.present
        or text.denied & (shown.present | shown.doubted)
        or text.devices & ~shown.devices
        or any(
            one and other and not one & other
            for one, other, bit in zip(text.sides, shown.sides, BITS.values(), strict=True)
            if text.present & shown.present & bit
        )
    )

"""State what a film shows as its report tells it: each finding with its state, side and degree.

Rewards compare what a model wrote with this; it stands in the column `solution` of `grpo` and `verl`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ccf_pipeline.counterfactual.plan.films import BOTH, COLUMNS, LEFT, RIGHT, FilmReader
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import FINDING_LABELS, Noun, Polarity, Side

_SIDES: dict[int, Side] = {LEFT: "left", RIGHT: "right", BOTH: "bilateral"}


class ShownFinding(Noun):
    """One finding of a film; `side` and `degree` are None where its report names none, or several degrees."""

    finding: str
    state: Polarity
    side: Side | None = None
    degree: str | None = None


def describe_findings(
    reading: Reading,
    states: Mapping[str, Polarity],
    films: FilmReader,
    *,
    detailed: Iterable[str] | None = None,
) -> tuple[ShownFinding, ...]:
    """Return the findings of a report by their CheXpert names.

    Args:
        states: the states to go by, by the graph's ids.
        detailed: the findings whose side and degree are known, where they are not known of all.
    """
    film = films.read(reading)
    known = set(FINDING_LABELS if detailed is None else detailed)
    grades = {1 << grade: words[0] for grade, words in enumerate(films.graph.file.severity_grades)}

    def describe(finding: str, state: Polarity) -> ShownFinding:
        column, label = COLUMNS[finding], FINDING_LABELS[finding]
        if state != "present" or finding not in known:
            return ShownFinding(finding=label, state=state)
        side, degree = _SIDES.get(film.sides[column]), grades.get(film.degrees[column])
        return ShownFinding(finding=label, state=state, side=side, degree=degree)

    return tuple(describe(finding, states[finding]) for finding in FINDING_LABELS if finding in states)

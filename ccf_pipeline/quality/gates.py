"""Quality checks (gates): a bound for each figure that decides, and the reason for it."""

from __future__ import annotations

from collections.abc import Iterator

from ccf_pipeline.quality.figures import ArtefactView, Figures, Flips, Gate
from ccf_pipeline.quality.preference import MIX
from ccf_pipeline.quality.rates import rounded
from ccf_pipeline.quality.reference import ALL_DIRECTIONS, KINDS, forged_view, written_view

EXCESS = 0.05
_VIEWS = (forged_view, written_view)


def judge_figures(figures: Figures) -> tuple[Gate, ...]:
    """Every gate with its value; one that could not be measured has not passed."""
    return tuple(_list_gates(figures))


def _list_gates(figures: Figures) -> Iterator[Gate]:
    yield from _list_flip_gates(deciding_judge(figures.flips))
    yield _make_gate(
        "preserved mentions, F1", figures.preserved.f1, at_least=0.90, why="What was not asked for stays."
    )
    edits = figures.edits
    yield _make_gate(
        "words changed, median", edits.token_distance.median, at_most=0.30, why="The edit is minimal."
    )
    yield _make_gate(
        "sentences kept, median",
        edits.sentences_kept.median,
        at_least=0.60,
        why="Most sentences are the radiologist's own.",
    )
    yield _make_gate(
        "length change, median",
        edits.length_change.median,
        at_most=0.10,
        why="Length does not tell the sides apart.",
    )
    delta = edits.cliffs_delta
    yield _make_gate(
        "length, Cliff's delta",
        None if delta is None else abs(delta),
        at_most=0.10,
        why="Neither side is the longer one as a rule.",
    )
    yield _make_gate(
        "near duplicates made",
        figures.duplicates.made.share,
        at_most=0.05,
        why="Rows teach different things; reports that were alike before are not counted.",
    )
    violations = figures.violations
    yield _make_gate(
        "graph violations",
        float(violations.hard) if violations.pairs else None,
        at_most=0.0,
        why="No counterfactual asserts what cannot stand together.",
    )
    privacy = figures.privacy
    yield _make_gate(
        "invented identifiers",
        privacy.invented.share,
        at_most=0.001,
        why="No name, date or number was made up.",
    )
    yield _make_gate(
        "planted identifiers found",
        privacy.planted_found.share,
        at_least=0.95,
        why="The scan that says so finds what is planted.",
    )
    for one in figures.text_alone:
        if one.pairs == MIX:
            yield _make_gate(
                f"preferred by text alone, {one.pairs}, by {one.features}",
                one.value,
                at_most=0.55,
                why="Over the rows that are trained on, only the image can decide.",
            )
    for kind in KINDS:
        yield _make_excess_gate(figures.artefacts, kind)
    yield _make_gate(
        "artefact AUC, wrapper alone",
        _get_auc(figures.artefacts, "wrapper alone"),
        at_most=0.52,
        why="Both sides wear the same wrapper.",
    )


def deciding_judge(flips: tuple[Flips, ...]) -> Flips:
    """The last independent judge that saw any pair, or else the last, which is the strictest reading."""
    heard = [one for one in flips if one.pairs] or list(flips)
    independent = [one for one in heard if one.independent]
    return (independent or heard)[-1]


def _list_flip_gates(flips: Flips) -> Iterator[Gate]:
    by = f"As read by {flips.judge}."
    yield _make_gate("findings flipped", flips.success.share, at_least=0.95, why=by)
    for direction in flips.directions:
        yield _make_gate(f"findings flipped, {direction.name}", direction.rate.share, at_least=0.90, why=by)
    worst = max(flips.collateral, key=lambda one: one.rate.share or 0.0, default=None)
    yield _make_gate(
        "collateral change, worst finding",
        worst.rate.share if worst else None,
        at_most=0.02,
        why=f"{worst.name if worst else 'No finding'} changes unasked most often. {by}",
    )


def _make_excess_gate(views: tuple[ArtefactView, ...], kind: str) -> Gate:
    """Hold the manner of writing of one kind of pair to what written reports with these findings come to.

    Over all directions together the area says little, since what gives the sides away in one of them cancels
    what does in another: there the pairs are compared one by one.
    """
    forged, written = (next((one for one in views if one.view == view(kind)), None) for view in _VIEWS)
    measure = "pairwise" if kind == ALL_DIRECTIONS else "auc"
    value, floor = (None if one is None else getattr(one, measure) for one in (forged, written))
    gate = _make_gate(
        f"told apart with findings masked, {kind}",
        value,
        at_most=EXCESS if floor is None else rounded(floor + EXCESS),
        why="Written reports with the same findings are told apart about as well.",
    )
    return gate.model_copy(update={"floor": floor, "passed": None if floor is None else gate.passed})


def _get_auc(views: tuple[ArtefactView, ...], name: str) -> float | None:
    return next((view.auc for view in views if view.view == name), None)


def _make_gate(
    name: str, value: float | None, *, why: str, at_least: float | None = None, at_most: float | None = None
) -> Gate:
    bound = at_least if at_least is not None else at_most
    if bound is None:
        raise AssertionError(f"the gate {name} has no bound")
    passed = None if value is None else (value >= bound if at_least is not None else value <= bound)
    return Gate(name=name, value=value, bound=bound, at_least=at_least is not None, passed=passed, why=why)

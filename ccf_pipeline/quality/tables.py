"""Figures as rows: for the screen, the data set's card and Prefect's artifacts alike."""

from __future__ import annotations

from ccf_pipeline.quality.figures import Figures, Gate, Quality, Rate

NOT_MEASURED = "not measured"


def gate_rows(quality: Quality) -> list[tuple[str, str, str, str]]:
    """Name, value, bound and verdict of every gate."""
    return [(gate.name, number(gate.value), bound_of(gate), verdict_of(gate)) for gate in quality.gates]


def bound_of(gate: Gate) -> str:
    beside = "" if gate.floor is None else f" (written reports {number(gate.floor)})"
    return f"{'≥' if gate.at_least else '≤'} {gate.bound:g}{beside}"


def verdict_of(gate: Gate) -> str:
    return NOT_MEASURED if gate.passed is None else "passed" if gate.passed else "failed"


def figure_rows(figures: Figures) -> list[tuple[str, str]]:
    """The figures that no gate decides on, each in a line."""
    yields, wording, leakage = figures.yields, figures.wording, figures.leakage
    rows = [("accepted", f"{share(yields.accepted)} of {yields.judged} answers")]
    if len(yields.attempts) > 1:
        rows += [(f"accepted, attempt {one.attempt}", share(one.rate)) for one in yields.attempts]
    rows.append(("tokens per accepted row", number(yields.tokens_per_accepted)))
    rows += [(f"flipped, {one.judge}", share(one.success)) for one in figures.flips]
    rows += [(f"entities on both sides, F1, {one.source}", number(one.entity_f1)) for one in figures.models]
    rows += [
        ("different spans among those written", number(wording.distinct_spans)),
        ("different words (distinct-1)", number(wording.distinct_words)),
        ("different pairs of words (distinct-2)", number(wording.distinct_word_pairs)),
        ("most frequent span", number(wording.most_frequent_span)),
        ("near duplicates, factual", share(figures.duplicates.factual)),
        ("near duplicates, counterfactual", share(figures.duplicates.counterfactual)),
        ("answer named in the first sentence, chosen", share(leakage.chosen_names_answer_first)),
        ("answer named in the first sentence, rejected", share(leakage.rejected_names_answer_first)),
        ("wrapper's words inside the reasoning", share(leakage.wrapper_in_reasoning)),
        ("mix of findings, Cramér's V", number(figures.balance.cramers_v)),
    ]
    rows += [
        (f"preferred by text alone, {one.pairs}, by {one.features}", number(one.value))
        for one in figures.text_alone
    ]
    films = figures.films
    rows += [(f"matched film: {entry.reason}", str(entry.count)) for entry in films.planned]
    rows += [
        ("film and text of mirror rows, read again: same findings", share(films.findings)),
        ("the same side of the target", share(films.side)),
        ("no other degree", share(films.degree)),
        ("no other place", share(films.place)),
        ("nothing that contradicts", share(films.uncontradicted)),
    ]
    for view in figures.artefacts:
        rows.append((f"artefact AUC, {view.view}", _make_auc_row(view.auc, view.null_high)))
        rows.append((f"preferred pair by pair, {view.view}", number(view.preference)))
    return rows


def quality_markdown(quality: Quality) -> str:
    """The gates and figures as Markdown, for a card or an artifact; no word of any report is in it."""
    gates = "\n".join(f"| {' | '.join(row)} |" for row in gate_rows(quality))
    figures = "\n".join(f"| {name} | {value} |" for name, value in figure_rows(quality.figures))
    samples = quality.figures.samples
    return (
        f"| gate | value | bound | |\n|---|---|---|---|\n{gates}\n\n"
        f"| figure | value |\n|---|---|\n{figures}\n\n"
        f"Texts were read again for {samples.pairs} of {samples.of} pairs, drawn by lot"
        f" with seed {samples.seed}.\n"
    )


def share(rate: Rate) -> str:
    """A share with its interval."""
    if rate.share is None:
        return NOT_MEASURED
    return f"{rate.share:.2%} ({rate.low:.2%} to {rate.high:.2%})"


def number(value: float | None) -> str:
    return NOT_MEASURED if value is None else f"{value:.4g}"


def _make_auc_row(auc: float | None, null_high: float | None) -> str:
    by_chance = "" if null_high is None or null_high == auc else f" (by chance below {null_high:.3f})"
    return f"{number(auc)}{by_chance}"

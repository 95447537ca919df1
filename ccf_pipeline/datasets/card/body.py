"""Write the text of a card: the rows, their source, their quality, and who may have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from ccf_pipeline.datasets.card.contents import NAME, CardMatter
from ccf_pipeline.datasets.card.escaping import escaped, table, unlinked
from ccf_pipeline.datasets.card.evidence import Evidence
from ccf_pipeline.datasets.card.licences import licence_of, notices
from ccf_pipeline.datasets.counts import FILMS, ranked
from ccf_pipeline.datasets.formats import all_exports
from ccf_pipeline.datasets.formats.select import USES
from ccf_pipeline.datasets.wrapper import load_wrapper
from ccf_pipeline.datasets.write import SPLIT_FILES
from ccf_pipeline.records import Direction, ReasonCount

QUALITY_HEADING = "## Quality"
DECIDES_HEADING = "## What decides a pair"
DIRECTIONS: tuple[str, ...] = get_args(Direction)


METHOD = (
    "Yang, Lu and Yu, *Walking the Tightrope: Autonomous Disentangling Beneficial and Detrimental Drifts in"
    " Non-Stationary Custom-Tuning*, NeurIPS 2025."
)


def card_body(matter: CardMatter) -> str:
    """The card as Markdown."""
    parts = [
        _write_opening(matter),
        decides_section(matter.evidence),
        _describe_mix(matter),
        _write_access(matter),
        _write_configs(matter),
        _use(matter),
        _write_funnel(matter),
        _write_changes(matter),
        _yield(matter),
        _write_sides(matter),
        quality_section(matter.evidence),
        _write_made_with(matter),
        _write_limits(matter),
        _write_version(matter),
        _write_citing(matter),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _write_opening(matter: CardMatter) -> str:
    return f"""# {NAME}

Pairs of chest X-ray reports: the factual one, and a counterfactual one that leads to another diagnosis.
A concept graph of the fourteen CheXpert findings and their radiographic signs chose which counterfactual to ask for, told the writer what must change, and judged what came back.
Version {escaped(matter.chosen.version)}, {matter.summary.accepted} accepted pairs.

Not for clinical use.
The counterfactuals are written by a program; no radiologist has read them."""


def decides_section(evidence: Evidence) -> str:
    """Return the section on how far the texts alone decide; it is written again when that is measured."""
    quality = evidence.quality
    if quality is None:
        measured = ["Not measured for this build: `ccf-build metrics` does."]
    else:
        measured = [
            f"- {line.name}: **{_format_figure(line.value) or 'not measured'}**."
            for line in quality.figures.text_alone
        ]
    arms: list[tuple[object, ...]] = [
        (
            f"{arm.arm}, seed {arm.seed}",
            *map(
                _format_figure, (arm.own_film, arm.shuffled_film, arm.blank_film, arm.matched_film, arm.both)
            ),
        )
        for arm in evidence.probe
    ]
    header = ("trained on", "own film", "shuffled film", "blank film", "matched film", "both")
    probed = (
        f"A small model of films and texts, trained on this build, prefers the right text:\n\n{table(header, arms)}"
        if arms
        else "No model was trained on films and texts of this build (`ccf-build probe`)."
    )
    return f"""{DECIDES_HEADING}

Only the image should. A reader of the texts alone, without any image, prefers the right side of:

{chr(10).join(measured) or "Nothing was measured."}

{probed}"""


def _describe_mix(matter: CardMatter) -> str:
    tally, chosen = matter.written.tally, matter.chosen
    films: list[tuple[object, ...]] = [
        (film, tally.films[film], _format_percent(tally.films[film], tally.accepted)) for film in FILMS
    ]
    evened = (
        "; for each of them another pair leads back, from the diagnosis that it leads to, to the one that it leaves"
        if chosen.even
        else ", and were not evened out: some diagnoses are led to more often than left"
    )
    left = ", ".join(
        f"{entry.reason} {entry.count}" for entry in ranked(tally.uses) if entry.reason not in USES
    )
    return f"""## The training mix

{tally.uses["mirrored"]} pairs stand in it twice: the factual text chosen over its own film, and the counterfactual text chosen over the film of another patient whose own report says the same (`[dataset] match = "{chosen.match}"`).
So every text is chosen as often as it is rejected, each finding is gained as often as lost, and the text alone decides nothing.
{tally.uses["unmirrored"]} pairs without such a film are in `cpo_unmirrored`{evened}.
Not trained on: {left or "none"}.

{table(("the matched film, by its own report", "pairs", "share"), films)}"""


def _write_access(matter: CardMatter) -> str:
    terms = matter.terms
    notice = "".join(f"{one}\n\n" for one in notices(terms))
    return f"""## Source and terms

{notice}Source: {escaped(terms.name)}.
Terms: {escaped(terms.terms)}
Licence: {escaped(licence_of(matter.terms).title)}, see `LICENSE.md`."""


def _write_configs(matter: CardMatter) -> str:
    exports = {export.config: export for export in all_exports()}
    rows: list[tuple[object, ...]] = []
    for one in matter.written.configs:
        export = exports[one.config]
        rows.append(
            (one.config, export.purpose, export.unit, one.rows, _format_reasons(one.left_out) or "none")
        )
    if matter.chosen.images == "embedded":
        images = "Images lie in the rows, with the bytes of the source."
    else:
        images = (
            "Images are named by their path below the source's folder of images; they are not in the rows."
        )
    return (
        f"## Configs\n\n{table(('config', 'what for', 'one row is a', 'rows', 'left out'), rows)}\n\n{images}"
    )


def _use(matter: CardMatter) -> str:
    first = matter.written.configs[0].config
    return f"""## Load it

```python
import datasets

rows = datasets.load_dataset("FOLDER", "{first}", split="train")
```

`ccf-build recipe` prints the command that trains on it with ms-swift, TRL or LLaMA-Factory."""


def _write_funnel(matter: CardMatter) -> str:
    plan, summary = matter.summary.plan, matter.summary
    skipped = sum(entry.count for entry in plan.studies_skipped)
    rows: list[tuple[object, ...]] = [
        ("studies read", plan.studies_read, ""),
        ("skipped", skipped, _format_reasons(plan.studies_skipped)),
        ("without an eligible counterfactual", plan.studies_without_target, ""),
        ("studies planned", plan.studies_planned, ""),
        ("counterfactuals planned", plan.plans, ""),
        ("accepted", summary.accepted, _format_percent(summary.accepted, plan.plans)),
        ("rejected", summary.rejected, _format_reasons(summary.rejected_by_reason)),
    ]
    return f"## Where the rows come from\n\n{table(('step', 'count', 'of which'), rows)}"


def _write_changes(matter: CardMatter) -> str:
    tally = matter.written.tally
    splits = [split for split in SPLIT_FILES if tally.splits[split]]
    rows: list[tuple[object, ...]] = [
        (
            target,
            direction,
            *[tally.cells[target, direction, split] for split in splits],
            sum(tally.cells[target, direction, split] for split in splits),
        )
        for target in sorted(tally.targets)
        for direction in DIRECTIONS
        if any(tally.cells[target, direction, split] for split in splits)
    ]
    rows.append(("all", "", *[tally.splits[split] for split in splits], tally.accepted))
    header = ("finding", "direction", *[SPLIT_FILES[split] for split in splits], "all")
    by_direction = ", ".join(f"{name} {tally.directions[name]}" for name in DIRECTIONS)
    return f"""## What changed

`add` makes a finding appear, `swap` puts it in place of another one, `remove` takes it away: {by_direction}.

{table(header, rows)}"""


def _yield(matter: CardMatter) -> str:
    tally = matter.written.tally
    attempts: list[tuple[object, ...]] = [
        (attempt, judged, tally.accepted_at[attempt], _format_percent(tally.accepted_at[attempt], judged))
        for attempt, judged in sorted(tally.judged_at.items())
    ]
    spent: list[tuple[object, ...]] = []
    for (expert, model, strategy), cost in sorted(tally.spent.items()):
        tokens = cost.tokens_in + cost.tokens_out
        spent.append(
            (
                expert,
                model,
                strategy,
                cost.judged,
                _format_percent(cost.accepted, cost.judged),
                cost.tokens_in,
                cost.tokens_cached,
                cost.tokens_out,
                round(tokens / cost.accepted) if cost.accepted else "",
                f"{cost.at(matter.prices):.2f}" if cost.at(matter.prices) else "not priced",
            )
        )
    header = (
        "expert",
        "model",
        "strategy",
        "judged",
        "accepted",
        "tokens in",
        "of them cached",
        "tokens out",
        "tokens per accepted pair",
        "cost",
    )
    return f"""## Verdicts, and what the answers cost

{table(("attempt", "judged", "accepted", "share"), attempts)}

{table(header, spent)}"""


def _write_sides(matter: CardMatter) -> str:
    wrapper, sides, tally = load_wrapper(matter.chosen), matter.written.tally.sides, matter.written.tally
    if not sides.pairs:
        return ""
    rows: list[tuple[object, ...]] = [
        (
            "words",
            _format_mean(sides.chosen_words, sides.pairs),
            _format_mean(sides.rejected_words, sides.pairs),
        ),
        (
            "diseases named",
            _format_mean(sides.chosen_diseases, sides.pairs),
            _format_mean(sides.rejected_diseases, sides.pairs),
        ),
    ]
    voice = (
        f"{tally.with_chosen_text} of {tally.accepted} factual texts are in the expert's own words;"
        " the others are the radiologist's."
    )
    return f"""## How alike the two sides are

Both sides wear the wrapper `{escaped(wrapper.name)}` and are labelled by the same reader.
{voice}

    question  {wrapper.question}
    answer    {wrapper.answer}

{table(("mean per pair", "factual", "counterfactual"), rows)}"""


def quality_section(evidence: Evidence) -> str:
    """The gates as they were measured; this part of a card is written again when they are."""
    quality = evidence.quality
    if quality is None:
        return f"{QUALITY_HEADING}\n\nNot measured for this build."
    words = {True: "passed", False: "FAILED", None: "not held to a bound"}
    failed = sum(gate.passed is False for gate in quality.gates)
    lines = table(
        ("what", "value", "bound", "outcome"),
        [
            (gate.name, _format_figure(gate.value), _format_figure(gate.bound), words[gate.passed])
            for gate in quality.gates
        ],
    )
    warning = f"{failed} of {len(quality.gates)} figures miss their bound.\n\n" if failed else ""
    return f"{QUALITY_HEADING}\n\n{warning}{lines}"


def _write_made_with(matter: CardMatter) -> str:
    lineage, reviews = matter.lineage, matter.reviews
    relations = sum(reviews.values())
    reviewed = (
        f"{_format_percent(reviews.get('reviewed', 0), relations)} reviewed by a radiologist"
        if relations
        else ""
    )
    rows: list[tuple[object, ...]] = [
        ("ccf_pipeline", lineage.code_version),
        ("concept graph", f"{lineage.graph_version}, digest {lineage.graph_digest[:16]}"),
        ("relations of the graph that bear on these rows", _format_reviews(reviews)),
        ("of them", reviewed),
        ("prompt template", f"digest {lineage.prompt_digest}"),
        *[("reports were sent to", line) for line in matter.evidence.vouched],
    ]
    return f"## Made with\n\n{table(('what', 'version'), rows)}"


def _write_limits(matter: CardMatter) -> str:
    return """## Limits

- The factual texts are reports as they were dictated; what they leave out is not known to be absent.
- Findings are read by rules on both sides. What is doubted is not counted as a disease, and the reader's errors are in the labels.
- A counterfactual is judged by the concept graph alone: what the graph does not know, the verdict does not see.
- The image of a pair shows the factual report, and nobody drew one for the counterfactual. The film of a mirror row, and the rejected one of `cpo_perception`, is another patient's: it agrees with the text in what the table above says, by its own report, and may differ in all else.
- The rows follow the prevalence of the source and of the planner, not that of any clinic."""


def _write_version(matter: CardMatter) -> str:
    said = unlinked(matter.chosen.changes) or "Nothing was said."
    return f"""## Changes

**{escaped(matter.chosen.version)}**: {said}

A patch corrects papers, a minor version adds rows, columns or configs, a major one changes or removes what others may rely on."""


def _write_citing(matter: CardMatter) -> str:
    cited = f"Cite the source: {escaped(matter.terms.citation)}.\n" if matter.terms.citation else ""
    return f"""## How to cite

{cited}Cite the method: {METHOD}
Name this build: {NAME} {escaped(matter.chosen.version)}, made by ccf_pipeline {escaped(matter.lineage.code_version)} with the concept graph {escaped(matter.lineage.graph_version)} (`{matter.lineage.graph_digest[:16]}`)."""


def _format_reviews(reviews: Mapping[str, int]) -> str:
    """Count by what stands behind a relation: a radiologist, a lasting text, a proof, counts, or teaching."""
    if not reviews:
        return "not counted: the graph of this build was not at hand"
    return f"{sum(reviews.values())}: " + ", ".join(f"{count} {state}" for state, count in reviews.items())


def _format_reasons(reasons: tuple[ReasonCount, ...]) -> str:
    return ", ".join(f"{entry.reason} {entry.count}" for entry in reasons)


def _format_percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""


def _format_mean(total: int, count: int) -> str:
    return f"{total / count:.2f}"


def _format_figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)

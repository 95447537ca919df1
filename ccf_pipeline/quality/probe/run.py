"""Arms of the probe: one scorer trained on different pairs, and what it gets right on held-out ones."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ccf_pipeline.engine.materials import Progress, silent
from ccf_pipeline.engine.select_pairs import asserted
from ccf_pipeline.errors import MissingInput
from ccf_pipeline.files.disk import write_text
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.quality.probe.pairs import SIDE_LENGTH, Film, ProbePair, read_probe_pairs
from ccf_pipeline.quality.probe.scorer import Preference, Scorer
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.records.words import Noun

PROBE_FILE = "probe.json"
FEWEST_PAIRS = 40


class ArmFigures(Noun):
    """Shares of held-out pairs that a scorer gets right; None where there is nothing to judge by.

    `matched` prefers the counterfactual text on the matched film. `both` asks for the right text on the
    study's own film and on the film that shows the counterfactual: the drawn one, else the matched one.
    `against` is the first figure over the pairs whose rejected findings are the commoner ones.
    """

    arm: str
    seed: int
    trained_on: int
    held_out: int
    own_film: float
    shuffled_film: float
    blank_film: float
    matched_film: float | None
    both: float | None
    against: float | None
    films_drawn: bool


class Probe(Noun):
    """The figures of all arms and seeds."""

    pairs: int
    epochs: int
    arms: tuple[ArmFigures, ...]


def probe_build(
    build: Path,
    *,
    seeds: Sequence[int] = (0,),
    epochs: int = 6,
    most: int = 8_000,
    demo_seed: int = 7,
    graph_path: Path | None = None,
    progress: Progress = silent,
) -> Probe:
    """Train a scorer on each arm of a build's pairs, and write the figures to `probe.json`."""
    lexicon = Lexicon.from_graph(load_graph(graph_path).file)
    pairs = read_probe_pairs(build, lexicon, most=most, seed=demo_seed)
    train = [pair for pair in pairs if not pair.is_held_out]
    held_out = [pair for pair in pairs if pair.is_held_out]
    if min(len(train), len(held_out)) < FEWEST_PAIRS:
        raise MissingInput(
            f"{build}: {len(pairs)} accepted pairs with a film are too few to probe",
            hint="Build more studies.",
        )
    figures = []
    for seed in seeds:
        for arm, stages in ARMS.items():
            scorer = Scorer(seed)
            for stage in stages:
                preferences = stage(train, random.Random(seed))
                scorer.train(preferences, epochs)
            figures.append(judge(arm, seed, len(preferences), scorer, train, held_out))
            progress("probe", len(figures), len(seeds) * len(ARMS))
    probe = Probe(pairs=len(pairs), epochs=epochs, arms=tuple(figures))
    write_text(build / PROBE_FILE, probe.model_dump_json(indent=1) + "\n", private=True)
    return probe


# --- what each arm learns from --------------------------------------------------------------------


def ordinary(pairs: Sequence[ProbePair], chance: random.Random) -> list[Preference]:
    """The report of the film's own patient before another patient's."""
    others = [chance.choice(pairs) for _ in pairs]
    return [
        Preference(pair.film, pair.chosen, pair.film, other.chosen)
        for pair, other in zip(pairs, others, strict=True)
        if pair.record.subject_id != other.record.subject_id
    ]


def thinking(pairs: Sequence[ProbePair], chance: random.Random) -> list[Preference]:
    """The factual text before the counterfactual one, on the study's own film."""
    return [Preference(p.film, p.chosen, p.film, p.record.counterfactual_text) for p in pairs]


def thinking_and_perception(pairs: Sequence[ProbePair], chance: random.Random) -> list[Preference]:
    """The same, and the study's own film before the matched one, under the factual text."""
    seen = [Preference(p.film, p.chosen, p.matched, p.chosen) for p in pairs if p.matched is not None]
    return [*thinking(pairs, chance), *seen]


def balanced(pairs: Sequence[ProbePair], chance: random.Random) -> list[Preference]:
    """Each pair that has a mirror, with it: on the matched film the counterfactual text comes first."""
    mirrored = [p for p in pairs if p.has_mirror]
    mirrors = [
        Preference(p.matched, p.record.counterfactual_text, p.matched, p.chosen)
        for p in mirrored
        if p.matched is not None
    ]
    return [*thinking(mirrored, chance), *mirrors]


Stage = Callable[[Sequence[ProbePair], random.Random], list[Preference]]
ARMS: dict[str, tuple[Stage, ...]] = {
    "ordinary": (ordinary,),
    "thinking": (thinking,),
    "thinking + perception": (thinking_and_perception,),
    "balanced": (balanced,),
    # As CPO is trained: a first stage on reports as they are, then the pairs.
    "ordinary, then balanced": (ordinary, balanced),
}


# --- what it gets right ---------------------------------------------------------------------------


def judge(
    arm: str,
    seed: int,
    trained_on: int,
    scorer: Scorer,
    train: Sequence[ProbePair],
    held_out: Sequence[ProbePair],
) -> ArmFigures:
    """Judge a trained scorer by pairs of patients that it has not seen."""
    films = [pair.film for pair in held_out]
    # The films of other pairs, far enough away to be of other studies.
    shuffled = films[len(films) // 2 :] + films[: len(films) // 2]
    blank = [np.zeros((SIDE_LENGTH, SIDE_LENGTH), dtype=np.float32) for _ in films]
    own = _prefers_chosen(scorer, held_out, films)
    matched = [(p, p.matched) for p in held_out if p.has_mirror and p.matched is not None]
    drawn = [p.drawn for p in held_out if p.drawn is not None]
    films_drawn = len(drawn) == len(held_out)
    if films_drawn:
        both = own & ~_prefers_chosen(scorer, held_out, drawn)
    else:
        mirrored = [p for p, _ in matched]
        own_of = _prefers_chosen(scorer, mirrored, [p.film for p in mirrored])
        both = own_of & ~_prefers_chosen(scorer, mirrored, [film for _, film in matched])
    on_matched = ~_prefers_chosen(scorer, [p for p, _ in matched], [film for _, film in matched])
    counts = Counter(asserted(pair.record.factual_labels) for pair in train)
    is_against = np.array([_is_against(pair, counts) for pair in held_out])
    return ArmFigures(
        arm=arm,
        seed=seed,
        trained_on=trained_on,
        held_out=len(held_out),
        own_film=_compute_accuracy(own) or 0.0,
        shuffled_film=_compute_accuracy(_prefers_chosen(scorer, held_out, shuffled)) or 0.0,
        blank_film=_compute_accuracy(_prefers_chosen(scorer, held_out, blank)) or 0.0,
        matched_film=_compute_accuracy(on_matched),
        both=_compute_accuracy(both),
        against=_compute_accuracy(own[is_against]),
        films_drawn=films_drawn,
    )


def _prefers_chosen(
    scorer: Scorer, pairs: Sequence[ProbePair], films: Sequence[Film]
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    chosen = scorer.score(films, [pair.chosen for pair in pairs])
    rejected = scorer.score(films, [pair.record.counterfactual_text for pair in pairs])
    return np.asarray(chosen > rejected)


def _is_against(pair: ProbePair, counts: Counter[frozenset[str]]) -> bool:
    """True if findings seen together more often stand on the rejected side: co-occurrence misleads there."""
    record = pair.record
    return counts[asserted(record.counterfactual_labels)] > counts[asserted(record.factual_labels)]


def _compute_accuracy(right: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float | None:
    return round(float(right.mean()), 4) if right.size else None

"""Reward what a model writes about a film by what the film shows: `from ccf_pipeline.rewards import …`.

    score_report(completion, solution)      every part of the reward, from 0 to 1
    report_reward, findings_reward, …       reward functions of TRL's GRPOTrainer
    register_with_swift()                   the same as ms-swift's ORMs: ccf_report, ccf_findings, …
    compute_score                           verl's

`solution` is the column of that name in the configs `grpo` and `verl`. The reader and the graph are the
whole judge: no model is asked, and equal texts have equal rewards. `docs/rewards.md` says what a model
could write to please it, and what came of trying.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from ccf_pipeline.counterfactual.check.exclusions import CONCLUSIONS, find_denied_and_asserted
from ccf_pipeline.counterfactual.plan.films import BITS, COLUMNS, FilmReader
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import Reading, read_facts
from ccf_pipeline.reader.sentences import split_report
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, Polarity

# Nothing is imported that needs Arrow, Prefect or openai: this runs in the environments of trainers.

FEWEST_WORDS, MOST_WORDS = 4, 200
"""A report of fewer words, or more, gains less; one of twice as many gains nothing."""

_WEIGHT: dict[Polarity, float] = {"present": 1.0, "uncertain": 0.5, "absent": 0.0}
_DETAILS_SHARE = 0.3
_IDS = {label: finding for finding, label in FINDING_LABELS.items()}
_SIDES = {"left": 1, "right": 2, "bilateral": 3}
_THOUGHT_END = re.compile(r"</think>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:think|answer)>", re.IGNORECASE)
_NAMES = re.compile(rf"\b(?:{'|'.join(map(re.escape, FINDING_LABELS.values()))})\b", re.IGNORECASE)


@dataclass(frozen=True)
class ReportScore:
    """What a completion is worth; each part is from 0 to 1, and the parts multiply.

    Args:
        findings: F1 of the findings; a doubted one counts half, and No Finding is one of them.
        details: how many of the known sides and degrees are told rightly; None where none is known.
        consistency: less with every two statements that cannot stand together, and everything both
            asserted and denied.
        agreement: the diagnosis after `</think>` names what the thought found, and the impression puts
            nothing on another side than the findings do.
        length: neither too short nor too long, and no sentence told over and over; an impression may repeat.
    """

    findings: float
    details: float | None
    consistency: float
    agreement: float
    length: float

    @property
    def total(self) -> float:
        """The reward. What is said must be right; the other parts only ever take away from it."""
        said = self.findings
        if self.details is not None:
            said *= 1 - _DETAILS_SHARE + _DETAILS_SHARE * self.details
        return said * self.consistency * self.agreement * self.length


def score_report(completion: Any, solution: Any, *, graph: ConceptGraph | None = None) -> ReportScore:
    """Compare a completion with what its film shows.

    >>> shown = [{"finding": "Pleural Effusion", "state": "present", "side": "left", "degree": "small"}]
    >>> score_report("FINDINGS: Small left pleural effusion.", shown).total
    1.0

    Args:
        completion: a text, or the messages of an answer.
        solution: the findings of the film: a list of `finding`, `state`, `side`, `degree`, or its JSON.
        graph: the concept graph, where it is not the one that is shipped.
    """
    judge = _judge_by(graph) if graph is not None else _shipped_judge()
    thought, answer = _split_answer(_text_of(completion))
    reading = read_facts(thought, judge.lexicon)
    states = _read_states(reading)
    shown = _parse_solution(solution)
    sentences = split_report(thought)
    return ReportScore(
        findings=_score_findings(states, {entry["finding"]: entry["state"] for entry in shown}),
        details=_score_details(reading, shown, judge.films),
        consistency=1 / (1 + _count_clashes(reading, judge.graph)),
        agreement=_score_agreement(answer, states, judge.lexicon)
        * (0.5 if _moves_a_side(reading, sentences) else 1.0),
        length=_score_length(thought, sentences),
    )


# --- the forms that trainers call --------------------------------------------------------------

RewardFunction = Callable[..., list[float]]


def report_reward(completions: Sequence[Any], solution: Sequence[Any], **columns: Any) -> list[float]:
    """Reward completions in full: the product of all parts."""
    return [score_report(one, shown).total for one, shown in zip(completions, solution, strict=True)]


def findings_reward(completions: Sequence[Any], solution: Sequence[Any], **columns: Any) -> list[float]:
    """Reward the finding set alone."""
    return [score_report(one, shown).findings for one, shown in zip(completions, solution, strict=True)]


def details_reward(completions: Sequence[Any], solution: Sequence[Any], **columns: Any) -> list[float | None]:
    """Reward sides and degrees alone; None, which TRL leaves out, where the film's are not known."""
    return [score_report(one, shown).details for one, shown in zip(completions, solution, strict=True)]


def consistency_reward(completions: Sequence[Any], solution: Sequence[Any], **columns: Any) -> list[float]:
    """Reward a report in which nothing excludes or contradicts another; an empty one has it in full."""
    return [score_report(one, shown).consistency for one, shown in zip(completions, solution, strict=True)]


def agreement_reward(completions: Sequence[Any], solution: Sequence[Any], **columns: Any) -> list[float]:
    """Reward a diagnosis that is what the thought found."""
    return [score_report(one, shown).agreement for one, shown in zip(completions, solution, strict=True)]


def length_reward(completions: Sequence[Any], solution: Sequence[Any], **columns: Any) -> list[float]:
    """Reward a usual length without repetition."""
    return [score_report(one, shown).length for one, shown in zip(completions, solution, strict=True)]


REWARDS: dict[str, Callable[..., list[Any]]] = {
    "ccf_report": report_reward,
    "ccf_findings": findings_reward,
    "ccf_details": details_reward,
    "ccf_consistency": consistency_reward,
    "ccf_agreement": agreement_reward,
    "ccf_length": length_reward,
}
"""By the names under which ms-swift knows them."""


def compute_score(
    data_source: str, solution_str: str, ground_truth: Any, extra_info: Any = None, **more: Any
) -> dict[str, float]:
    """Return verl's reward: `score`, and every part of it to be logged."""
    score = score_report(solution_str, ground_truth)
    parts = {name: value for name, value in asdict(score).items() if value is not None}
    return {"score": score.total, "details": 0.0, **parts}


def register_with_swift() -> None:
    """Make the rewards known to ms-swift; call it in the file that `--external_plugins` names."""
    try:
        from swift.rewards import ORM, orms
    except ImportError:
        from swift.plugin import ORM, orms

    def plug_in(reward: Callable[..., list[Any]]) -> type:
        def call(self: Any, completions: Sequence[Any], **columns: Any) -> list[Any]:
            return reward(completions, **columns)

        return type(reward.__name__, (ORM,), {"__call__": call, "__doc__": reward.__doc__})

    orms.update({name: plug_in(reward) for name, reward in REWARDS.items()})


# --- the parts ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Judge:
    graph: ConceptGraph
    lexicon: Lexicon
    films: FilmReader


@lru_cache(maxsize=4)
def _judge_by(graph: ConceptGraph) -> _Judge:
    lexicon = Lexicon.from_graph(graph.file)
    return _Judge(graph, lexicon, FilmReader(graph, lexicon))


@lru_cache(maxsize=1)
def _shipped_judge() -> _Judge:
    return _judge_by(load_graph())


def _text_of(completion: Any) -> str:
    if isinstance(completion, str):
        return completion
    return "\n".join(str(message["content"]) for message in completion)


def _split_answer(text: str) -> tuple[str, str | None]:
    """Return the thought and the diagnosis; None where the text does not set them apart."""
    thought, *rest = _THOUGHT_END.split(text, maxsplit=1)
    return _TAG.sub("", thought).strip(), _TAG.sub("", rest[0]).strip() if rest else None


def _parse_solution(solution: Any) -> Sequence[Mapping[str, Any]]:
    shown: Sequence[Mapping[str, Any]] = json.loads(solution) if isinstance(solution, str) else solution
    return shown


def _read_states(reading: Reading) -> dict[str, Polarity]:
    """Return states by CheXpert's names; No Finding needs a word of normality or denial, silence is none."""
    is_said = any(
        mention.polarity == "absent" or mention.concept == NO_FINDING or mention.concept.startswith("nrm_")
        for mention in reading.mentions
    )
    return {
        FINDING_LABELS[finding]: state
        for finding, state in reading.states.items()
        if is_said or finding != NO_FINDING
    }


def _score_findings(said: Mapping[str, Polarity], shown: Mapping[str, Polarity]) -> float:
    ours, truth = (
        {finding: _WEIGHT[state] for finding, state in states.items() if state != "absent"}
        for states in (said, shown)
    )
    if not truth:
        return float(not ours and bool(said))
    both = sum(min(weight, truth.get(finding, 0.0)) for finding, weight in ours.items())
    return 2 * both / (sum(ours.values()) + sum(truth.values()))


def _score_details(reading: Reading, shown: Iterable[Mapping[str, Any]], films: FilmReader) -> float | None:
    """A detail told rightly counts one, one not told a half, a wrong one nothing."""
    wanted = [entry for entry in shown if entry.get("side") or entry.get("degree")]
    if not wanted:
        return None
    film = films.read(reading)
    points: list[float] = []
    for entry in wanted:
        finding = _IDS[entry["finding"]]
        column, is_said = COLUMNS[finding], bool(film.present & BITS[finding])
        if entry.get("side"):
            told, right = film.sides[column], _SIDES[entry["side"]]
            points.append(0.0 if not is_said else 0.5 if not told else float(told == right))
        grade = films.graph.severity_grade(entry["degree"]) if entry.get("degree") else None
        if grade is not None:
            told = film.degrees[column]
            points.append(0.0 if not is_said else 0.5 if not told else float(told == 1 << grade))
    return sum(points) / len(points) if points else None


def _count_clashes(reading: Reading, graph: ConceptGraph) -> int:
    """Count what is asserted and denied, and pairs that a relation without a condition excludes."""
    clashes = sum(1 for _ in find_denied_and_asserted(reading, graph))
    asserted = reading.asserted
    told: set[str] = set()
    for first in reading.assertions:
        excluded = graph.excluded(first.concept)
        if excluded.keys().isdisjoint(asserted):
            continue
        for second in reading.assertions:
            relation = excluded.get(second.concept)
            if relation is None or relation.key in told or relation.when or relation.kind == "temporal":
                continue
            if relation.strength == "weak" or NO_FINDING in (first.concept, second.concept):
                continue
            places = (first.side, first.region), (second.side, second.region)
            if relation.scope == "global" or graph.overlaps(*places):
                told.add(relation.key)
    return clashes + len(told)


def _score_agreement(answer: str | None, states: Mapping[str, Polarity], lexicon: Lexicon) -> float:
    """Return F1 of the diseases that the diagnosis names and those that the thought asserts."""
    if answer is None:
        return 1.0
    read = _read_states(read_facts(answer, lexicon))
    names = {label.lower(): label for label in FINDING_LABELS.values()}
    listed = {names[found.lower()] for found in _NAMES.findall(answer)}
    named = {one for one in listed if read.get(one) not in ("absent", "uncertain")} if listed else read
    devices = FINDING_LABELS["fnd_support_devices"]
    diagnosed = {one for one in named if (listed or read[one] == "present") and one != devices}
    found = {finding for finding, state in states.items() if state == "present" and finding != devices}
    found = found or {FINDING_LABELS[NO_FINDING]}
    return 2 * len(diagnosed & found) / (len(diagnosed) + len(found))


def _moves_a_side(reading: Reading, sentences: Sequence[tuple[str, int, int]]) -> bool:
    """True if the impression puts a finding on a side where the findings do not have it."""
    begin = next((start for heading, start, _ in sentences if heading in CONCLUSIONS), None)
    if begin is None:
        return False
    told: tuple[dict[str, int], dict[str, int]] = {}, {}
    for mention in reading.assertions:
        if mention.side is not None and mention.implied_by is None and mention.concept in FINDING_LABELS:
            sides = told[mention.start >= begin]
            sides[mention.concept] = sides.get(mention.concept, 0) | _SIDES[mention.side]
    described, concluded = told
    return any(not sides & described.get(finding, sides) for finding, sides in concluded.items())


def _score_length(thought: str, sentences: Sequence[tuple[str, int, int]]) -> float:
    words = len(thought.split())
    usual = min(1.0, words / FEWEST_WORDS, max(0.0, 2 - words / MOST_WORDS))
    told = [" ".join(thought[start:end].lower().split()) for _, start, end in sentences]
    return usual * min(1.0, 2 * len(set(told)) / len(told)) if told else 0.0

"""The words, findings and frames that hard sentences are made of."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import cycle, product

PRESENT, ABSENT, UNCERTAIN, UNSAID = "present", "absent", "uncertain", "not mentioned"
DRAWN = 90


@dataclass(frozen=True)
class Expected:
    """The states that are right for a concept; further fields are judged where they are given."""

    concept: str
    states: tuple[str, ...]
    side: str | None = None
    severity: str | None = None
    temporality: str | None = None


@dataclass(frozen=True)
class Case:
    """A sentence or a short report, the class it stands for, and what it says."""

    kind: str
    text: str
    expected: tuple[Expected, ...]


@dataclass(frozen=True)
class Finding:
    """A finding in words: its noun with the article it takes, and whether it has a side."""

    concept: str
    noun: str
    article: str = ""
    sided: bool = True
    degrees: tuple[str, ...] = ("small", "moderate", "large")
    plural: str | None = None

    @property
    def indefinite(self) -> str:
        return f"{self.article} {self.noun}".strip()


EFFUSION = Finding("fnd_pleural_effusion", "pleural effusion", "a", plural="pleural effusions")
PNEUMOTHORAX = Finding("fnd_pneumothorax", "pneumothorax", "a", plural="pneumothoraces")
CONSOLIDATION = Finding("fnd_consolidation", "consolidation", degrees=("mild", "extensive"))
EDEMA = Finding("fnd_edema", "pulmonary edema", sided=False, degrees=("mild", "moderate", "severe"))
PNEUMONIA = Finding("fnd_pneumonia", "pneumonia", degrees=("extensive",))
ATELECTASIS = Finding("fnd_atelectasis", "atelectasis", degrees=("mild", "moderate", "marked"))
OPACITY = Finding("fnd_lung_opacity", "lung opacity", "a", degrees=("mild",), plural="lung opacities")
NODULE = Finding("fnd_lung_lesion", "lung nodule", "a", degrees=("tiny", "small"), plural="lung nodules")
FRACTURE = Finding("fnd_fracture", "rib fracture", "a", degrees=(), plural="rib fractures")
THICKENING = Finding("fnd_pleural_other", "pleural thickening", degrees=("mild", "marked"))
CARDIOMEGALY = Finding(
    "fnd_cardiomegaly", "cardiomegaly", sided=False, degrees=("mild", "moderate", "severe")
)
PNEUMOMEDIASTINUM = Finding("att_pneumomediastinum", "pneumomediastinum", sided=False, degrees=("small",))
SUBCUTANEOUS = Finding("att_subq_emphysema", "subcutaneous emphysema", degrees=("mild", "extensive"))
CONGESTION = Finding(
    "att_vascular_congestion", "pulmonary vascular congestion", sided=False, degrees=("mild", "moderate")
)
FINDINGS = (
    EFFUSION, PNEUMOTHORAX, CONSOLIDATION, EDEMA, PNEUMONIA, ATELECTASIS, OPACITY, NODULE, FRACTURE,
    THICKENING, CARDIOMEGALY, PNEUMOMEDIASTINUM, SUBCUTANEOUS, CONGESTION,
)  # fmt: skip
SIDED = tuple(finding for finding in FINDINGS if finding.sided)
COUNTED = tuple(finding for finding in FINDINGS if finding.plural)
DEVICES = (
    ("att_ett", "endotracheal tube"),
    ("att_ngt", "nasogastric tube"),
    ("att_picc", "right PICC"),
    ("att_cvc", "left IJ catheter"),
    ("att_chest_tube", "right chest tube"),
    ("att_swan_ganz", "Swan-Ganz catheter"),
)

# --- how classes are written ----------------------------------------------------------------

Written = tuple[str, tuple[Expected, ...]]


def only(concept: str, *states: str, **more: str | None) -> Expected:
    return Expected(concept, states, **more)


@dataclass
class Frames:
    """Fills frames with findings in turn, and words with the frames' other slots by chance.

    Slots of a finding: {x} bare, {a} with its article, {the} with "the". All other slots are words.
    """

    chance: random.Random
    findings: tuple[Finding, ...] = FINDINGS
    turn: Iterator[Finding] = field(init=False)

    def __post_init__(self) -> None:
        shuffled = list(self.findings)
        self.chance.shuffle(shuffled)
        self.turn = cycle(shuffled)

    def fill(
        self,
        frames: Iterable[str],
        *states: str,
        drawn: int = DRAWN,
        temporality: str | None = None,
        **words: Iterable[str],
    ) -> Iterator[Written]:
        """Yield the product of frames and words, or a draw of it, each with the next finding."""
        choices = [
            (frame, dict(zip(words, chosen, strict=True)))
            for frame in frames
            for chosen in product(*(tuple(values) for values in words.values()))
        ]
        seen: set[tuple[str, tuple[str, ...]]] = set()
        useful = []
        for frame, chosen in choices:
            used = tuple(value for name, value in chosen.items() if f"{{{name}}}" in frame)
            if (frame, used) not in seen:
                seen.add((frame, used))
                useful.append((frame, chosen))
        if len(useful) > drawn:
            useful = self.chance.sample(useful, drawn)
        for frame, chosen in useful:
            finding = next(self.turn)
            text, side, severity = self._worded(frame, chosen, finding)
            yield text, (only(
                finding.concept, *states, side=side,
                severity=severity if states == (PRESENT,) else None, temporality=temporality,
            ),)  # fmt: skip

    def _worded(
        self, frame: str, chosen: dict[str, str], finding: Finding
    ) -> tuple[str, str | None, str | None]:
        side = self.chance.choice(("left", "right", None)) if finding.sided else None
        degrees = finding.degrees if "{!" not in frame else ()
        severity = self.chance.choice((*degrees, None, None)) if degrees else None
        bare = " ".join(word for word in (severity, side, finding.noun) if word)
        indefinite = f"a {bare}" if finding.article else bare
        text = frame.replace("{!", "{").format(x=bare, a=indefinite, the=f"the {bare}", **chosen)
        return make_sentence(text), side, severity


def make_sentence(text: str) -> str:
    text = " ".join(text.split())
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else f"{text}."

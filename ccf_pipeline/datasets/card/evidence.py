"""Read what was measured of a build, for its card."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ccf_pipeline.errors import UnreadableInput

QUALITY, PROBE = "quality.json", "probe.json"
Table = TypeVar("Table", bound=BaseModel)


class Gate(BaseModel):
    """One measured figure beside the bound it was held to."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    value: float | int | str | bool | None = None
    bound: float | int | str | bool | None = None
    passed: bool | None = None


class Preferred(BaseModel):
    """The share of pairs in which a model of one feature kind prefers the right side, without an image."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    pairs: str
    features: str
    value: float | None = None

    @property
    def name(self) -> str:
        return f"{self.pairs}, by {self.features}"


class Measured(BaseModel):
    """The figures of `quality.json` that the card tells."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    text_alone: tuple[Preferred, ...] = ()


class Quality(BaseModel):
    """The part of `quality.json` that the card shows; it may hold more."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    gates: tuple[Gate, ...] = ()
    figures: Measured = Measured()


class ProbeArm(BaseModel):
    """The shares of pairs in which a scorer of films and texts, trained on some rows, prefers the right text.

    `both`: the factual text over its own film, and the counterfactual over a film drawn to show it.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    arm: str
    seed: int
    own_film: float | None = None
    shuffled_film: float | None = None
    blank_film: float | None = None
    matched_film: float | None = None
    both: float | None = None


class Probe(BaseModel):
    """The part of `probe.json` that the card shows; it may hold more."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    arms: tuple[ProbeArm, ...] = ()


class Evidence(BaseModel):
    """Measured quality, and who vouched for the hosts that were asked; empty where there is none."""

    model_config = ConfigDict(frozen=True)

    quality: Quality | None = None
    probe: tuple[ProbeArm, ...] = ()
    vouched: tuple[str, ...] = ()


def read_quality(build: Path) -> Quality | None:
    """Read the measured quality of a build; None while it was not measured."""
    return _read_table(build / QUALITY, Quality)


def read_probe(build: Path) -> tuple[ProbeArm, ...]:
    """Read what a probe of a build came to; nothing while none was run."""
    probe = _read_table(build / PROBE, Probe)
    return probe.arms if probe else ()


def _read_table(path: Path, kind: type[Table]) -> Table | None:
    if not path.is_file():
        return None
    try:
        return kind.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, OSError) as error:
        raise UnreadableInput(
            f"{path}: not a table that can be read ({error.__class__.__name__})",
            hint="Remove it, or have it written anew; the card can do without it.",
        ) from error

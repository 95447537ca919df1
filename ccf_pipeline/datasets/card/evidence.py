"""Read what was measured of a build, for its card."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ccf_pipeline.errors import UnreadableInput

QUALITY = "quality.json"


class Gate(BaseModel):
    """One measured figure beside the bound it was held to."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    value: float | int | str | bool | None = None
    bound: float | int | str | bool | None = None
    passed: bool | None = None


class Quality(BaseModel):
    """What `quality.json` holds for the card; it may hold more."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    gates: tuple[Gate, ...] = ()


class Evidence(BaseModel):
    """Measured quality, and who vouched for the hosts that were asked; empty where there is none."""

    model_config = ConfigDict(frozen=True)

    quality: Quality | None = None
    vouched: tuple[str, ...] = ()


def read_quality(build: Path) -> Quality | None:
    """Read the measured quality of a build; None while it was not measured."""
    path = build / QUALITY
    if not path.is_file():
        return None
    try:
        return Quality.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, OSError) as error:
        raise UnreadableInput(
            f"{path}: not a table of quality that can be read ({error.__class__.__name__})",
            hint="Remove it, or have it written anew; the card can do without it.",
        ) from error

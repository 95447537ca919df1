"""The words that all nouns share: states, directions, sides, and the names of the fourteen findings."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Polarity = Literal["present", "absent", "uncertain"]
Direction = Literal["add", "swap", "remove", "alter"]
Element = Literal["attribute", "severity", "side", "cause"]
Side = Literal["left", "right", "bilateral"]
Temporality = Literal["new", "worsened", "improved", "unchanged", "resolved", "prior"]
Split = Literal["train", "validate", "test"]
Sensitivity = Literal["credentialed", "open"]
Level = Literal["block", "warn"]
ReasonCode = Literal[
    "unchanged",
    "format_broken",
    "target_missing",
    "target_denied_elsewhere",
    "target_uncertain_only",
    "support_missing",
    "exclusive_asserted",
    "self_contradiction",
    "temporal_inconsistent",
    "collateral_change",
    "unrelated_rewrite",
    "orphaned_reference",
    "orphaned_advice",
    "invented_phi",
    "injection_obeyed",
    "implausible",
    "length_parity",
    "lab_rule",
    "chosen_refused",
]
"""Why the checker refuses an edit, or remarks on it; `counterfactual/check/reasons.py` explains each."""
AnswerForm = Literal["edits", "lines", "report"]
NO_FINDING = "fnd_no_finding"
SUPPORT_DEVICES = "fnd_support_devices"

# The fourteen observations of CheXpert and MIMIC-CXR-JPG, in the order of their tables.
FINDING_LABELS: dict[str, str] = {
    "fnd_atelectasis": "Atelectasis",
    "fnd_cardiomegaly": "Cardiomegaly",
    "fnd_consolidation": "Consolidation",
    "fnd_edema": "Edema",
    "fnd_enlarged_cardiomediastinum": "Enlarged Cardiomediastinum",
    "fnd_fracture": "Fracture",
    "fnd_lung_lesion": "Lung Lesion",
    "fnd_lung_opacity": "Lung Opacity",
    NO_FINDING: "No Finding",
    "fnd_pleural_effusion": "Pleural Effusion",
    "fnd_pleural_other": "Pleural Other",
    "fnd_pneumonia": "Pneumonia",
    "fnd_pneumothorax": "Pneumothorax",
    SUPPORT_DEVICES: "Support Devices",
}


class Noun(BaseModel):
    """A frozen value that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

"""Note the ground truth of a sentence while it is written."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import NamedTuple

from ccf_pipeline.demo import signs
from ccf_pipeline.demo.cases import Case, Fact
from ccf_pipeline.demo.places import is_named_lobe
from ccf_pipeline.demo.signs import (
    CARDIOMEGALY,
    EFFUSION,
    FRACTURE,
    MEDIASTINUM,
    PLEURAL_OTHER,
    PNEUMOTHORAX,
    Body,
)
from ccf_pipeline.records import Polarity, Side

_BODIES: dict[str, Body] = {
    CARDIOMEGALY: "heart",
    MEDIASTINUM: "heart",
    EFFUSION: "pleura",
    PNEUMOTHORAX: "pleura",
    PLEURAL_OTHER: "pleura",
    FRACTURE: "bones",
}


class TruthStatement(NamedTuple):
    """One thing that a section of the report says of one concept.

    A denial is taken down twice, as the finding absent and as its normal state present; a sign that is a
    kind of finding (an airspace opacity) together with that finding.
    """

    concept: str
    polarity: Polarity
    side: Side | None
    region: str | None
    severity: str | None
    section: str


class Line(NamedTuple):
    """A sentence, the part of the chest it belongs to, and what it states."""

    text: str
    body: Body
    truths: tuple[TruthStatement, ...]


class Pen(NamedTuple):
    """The pen of one section of one report."""

    case: Case
    rng: random.Random
    section: str
    numbers: Mapping[str, str]
    is_terse: bool

    def state(
        self, concept: str, polarity: Polarity, side: Side | None = None, region: str | None = None
    ) -> TruthStatement:
        """State something that has no severity."""
        return TruthStatement(concept, polarity, side, region, None, self.section)

    def deny(self, finding: str) -> list[TruthStatement]:
        """State that a finding is absent, and the normal state that says the same."""
        normal = signs.DENIED_BY.get(finding)
        stated = [self.state(finding, "absent")]
        return [*stated, self.state(normal, "present")] if normal else stated

    def state_fact(self, fact: Fact) -> list[TruthStatement]:
        """State a finding with its site and the form it takes."""
        truths = self.state_site(fact.concept, fact.polarity, fact.side, fact.region, fact.severity)
        if fact.kind:
            region = fact.region if fact.side or fact.concept == FRACTURE else None
            truths.append(self.state(fact.kind, fact.polarity, fact.side, region))
        return truths

    def state_site(
        self,
        concept: str,
        polarity: Polarity,
        side: Side | None,
        region: str | None,
        severity: str | None = None,
    ) -> list[TruthStatement]:
        """State a finding and the distribution that its site amounts to."""
        if side is None and concept not in (FRACTURE, PNEUMOTHORAX):
            region = None
        truths = [TruthStatement(concept, polarity, side, region, severity, self.section)]
        if body_of(concept) != "lungs":
            return truths
        if is_named_lobe(side, region):
            truths.append(self.state("att_lobar_distribution", polarity, side, region))
        if side == "bilateral" and region == "base":
            truths.append(self.state("att_bibasilar_distribution", polarity))
        return truths


def body_of(finding: str) -> Body:
    """The part of the chest that a finding belongs to."""
    return _BODIES.get(finding, "lungs")

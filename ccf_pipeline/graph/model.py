"""The records of a graph file: concepts, relations, regions, rules.

`schemas/graph.schema.json` is made from this.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ccf_pipeline.records import Noun

ConceptKind = Literal["finding", "attribute", "normal_state"]
Category = Literal["morphological", "density", "anatomical", "functional"]
RelationKind = Literal[
    "is_a",
    "variant",
    "sign_of",
    "modifier",
    "location",
    "co_occurs",
    "cause_of",
    "device_for",
    "label_quirk",
    "normal_cluster",
    "label_logic",
    "negation",
    "contradicts",
    "contradicts_normal",
    "temporal",
]
Strength = Literal["strong", "moderate", "weak"]
Scope = Literal["same_region", "global"]

# Correlates tell the planner what is confusable; they are never written into a report by themselves.
CORRELATES: frozenset[str] = frozenset({"co_occurs", "cause_of", "device_for", "label_quirk"})


class Source(Noun):
    """A work that relations and concepts cite by its key."""

    title: str
    where: str = ""
    lasting: bool = Field(
        default=True, description="Whether it will still say this: a paper, a glossary, code at a commit."
    )


class Region(Noun):
    """A place in the chest. `sides` says whether it exists left, right, both, or is not paired."""

    id: str
    label: str
    part_of: tuple[str, ...] = ()
    overlaps: tuple[str, ...] = ()
    sides: Literal["both", "left", "right", "none"] = "none"
    words: tuple[str, ...] = ()


class Placement(Noun):
    """Places at which a concept is written, of which degree, and beside what.

    A sign with places is written only beside a finding in one of the regions that `beside` names, or in a
    part of one. Where the place is the whole compartment, nothing is said of it.
    """

    regions: tuple[str, ...]
    min_severity: str | None = None
    max_severity: str | None = None
    beside: tuple[str, ...] = Field(default=(), description="Of a sign: regions of its finding.")


class Writing(Noun):
    """The phrases in which a radiologist would write a concept.

    Slots: {side} {region} {severity} {bilateral}; a phrase whose slot is unknown is not used.
    {bilateral} is the word itself: such a phrase is for both sides only.
    """

    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()
    noun: str = ""
    places: tuple[Placement, ...] = Field(
        default=(),
        description="Where it is put; without any, in every region but the first, the compartment.",
    )


class Concept(Noun):
    """A finding, an attribute of findings, or a normal state."""

    id: str
    label: str
    kind: ConceptKind
    category: Category
    definition: str
    forms: tuple[str, ...]
    exact_forms: tuple[str, ...] = Field(default=(), description="Abbreviations matched with their case.")
    not_forms: tuple[str, ...] = Field(
        default=(), description="Longer phrases that contain a form and mean something else."
    )
    regions: tuple[str, ...] = ()
    sides: Literal["required", "optional", "none"] = "none"
    severities: tuple[str, ...] = ()
    radlex: str | None = None
    sets_labels: tuple[str, ...] = Field(
        default=(), description="Findings that the CheXpert labeler marks positive for this concept."
    )
    cancels_no_finding: bool = False
    labeler_note: str = ""
    write: Writing = Writing()
    sources: tuple[str, ...]


class Condition(Noun):
    """The condition of a relation. Every field that is given must hold; `note` is for people.

    Severity, acuity, region, side and extent are those of the source, or of the target where the source
    is a normal state. Words are looked for in the sentences of both ends; `scar*` is the beginning of a word.
    """

    views: tuple[str, ...] = ()
    min_severity: str | None = None
    max_severity: str | None = None
    acuity: tuple[str, ...] = Field(default=(), description="`acute`, `subacute` or `chronic`.")
    regions: tuple[str, ...] = Field(
        default=(), description="Only in one of these regions or in a part of one."
    )
    side: Literal["left", "right"] | None = Field(default=None, description="Only on this side.")
    min_extent: Literal["segment", "lobe", "lung"] | None = Field(
        default=None, description="Only if at least this much of a lung is involved."
    )
    definite: bool = Field(default=False, description="Only if neither end is hedged.")
    unqualified: bool = Field(
        default=False, description="Only an unqualified denial: 'no effusion', not 'no large effusion'."
    )
    no_exception: bool = Field(
        default=False, description="Not when the sentence carries 'except', 'aside from', 'otherwise'."
    )
    wording: tuple[str, ...] = Field(
        default=(), description="Only when one of these words stands in a sentence of either end."
    )
    not_wording: tuple[str, ...] = Field(
        default=(), description="Not when one of these words stands in a sentence of either end."
    )
    same_side: bool = Field(default=False, description="Only when the sides meet, whatever the regions are.")
    note: str = ""

    @property
    def names_a_part(self) -> bool:
        """True if it picks out some cases of a concept: by view, severity, acuity, place or wording."""
        severity = self.min_severity or self.max_severity
        place = self.regions or self.side or self.min_extent
        return bool(self.views or severity or self.acuity or place or self.wording or self.not_wording)


class MinedEvidence(Noun):
    """What one corpus says of a relation, counted by `graph mine`."""

    corpus: str
    studies: int
    together: float = Field(description="Studies asserting both ends; half a study per side where sided.")
    expected: float = Field(description="The same by chance.")
    odds: float
    low: float
    high: float


class Relation(Noun):
    """A green (positive) or red (exclusive) line between two concepts."""

    source: str
    target: str
    relation: Literal["positive", "exclusive"]
    kind: RelationKind
    scope: Scope
    strength: Strength
    one_way: bool = False
    inherits: bool = Field(default=True, description="Whether kinds of either end take this relation over.")
    when: Condition | None = None
    why: str
    sources: tuple[str, ...]
    review: str = Field(
        description="`taught`, `mined`, `derived by RULE`, `cited`, or `reviewed by NAME on YYYY-MM-DD`."
    )
    mined: tuple[MinedEvidence, ...] = ()

    @property
    def key(self) -> str:
        """Return what a problem or a dataset card calls this relation."""
        return f"{self.source}>{self.target}"

    @property
    def may_be_written(self) -> bool:
        """True if an edit may add the other end because of this relation."""
        return self.relation == "positive" and self.kind not in CORRELATES

    def other(self, concept_id: str) -> str:
        """The end that `concept_id` is not."""
        return self.target if concept_id == self.source else self.source


class Mimic(Noun):
    """Something that looks like a finding and is not: lowers certainty, is never added."""

    source: str
    target: str
    why: str
    sources: tuple[str, ...]


class Rule(Noun):
    """A plausibility rule of the checker, as far as it fits data."""

    id: str
    level: Literal["block", "warn", "fix", "ok"]
    condition: str
    message: str
    sources: tuple[str, ...]


class GraphFile(Noun):
    """The whole of a graph file."""

    name: str
    version: str
    language: str
    description: str
    sources: dict[str, Source]
    severity_grades: tuple[tuple[str, ...], ...] = Field(
        description="Severity words from least to most; words of one grade stand together."
    )
    regions: tuple[Region, ...]
    concepts: tuple[Concept, ...]
    relations: tuple[Relation, ...]
    mimics: tuple[Mimic, ...] = ()
    rules: tuple[Rule, ...] = ()
    open_questions: dict[RelationKind, str] = Field(
        default={}, description="What would settle a relation of a kind that is only taught."
    )
    shared_forms: tuple[str, ...] = Field(
        default=(), description="Forms that may belong to several concepts at once; a reader emits them all."
    )

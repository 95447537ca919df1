"""The records of a plan."""

from __future__ import annotations

from typing import Literal

from ccf_pipeline.records.reports import Mention, Study
from ccf_pipeline.records.words import Direction, Element, Noun, Polarity, Side


class Statement(Noun):
    """A statement that a counterfactual must make of one concept."""

    concept: str
    polarity: Polarity
    side: Side | None = None
    region: str | None = None
    severity: str | None = None


class Wording(Noun):
    """A sentence of the corpus's own that says something of one concept.

    It is copied from the report of `study_id`, from its word `first_word` on, with left and right exchanged
    where `is_mirrored`; so many `patients` have it.
    """

    section: Literal["findings", "impression"]
    concept: str
    text: str
    study_id: str
    first_word: int
    patients: int
    is_mirrored: bool = False


class Dependent(Noun):
    """A sentence or clause that only continues what other sentences tell: "It measures 9 mm."

    `heads` are the numbers of the sentences that it continues. With `goes` it ceases with them; with
    `is_rewritten` only its word that points back does ("otherwise"), and the rest stands. With `is_near`
    no other finding may come to stand between.
    """

    sentence: int
    start: int
    end: int
    kind: str
    heads: tuple[int, ...]
    goes: bool
    is_whole: bool
    is_rewritten: bool
    is_near: bool


Aspect = Literal["findings", "side", "degree", "place", "rest"]


class MatchedImage(Noun):
    """Another patient's image that shows the counterfactual, as far as its own report says.

    `findings` are those that its report asserts. `agrees` names in what it agrees with the counterfactual:
    all findings; side, degree and place of the target; and the rest, where it has the devices that the text
    names and contradicts nothing that the pair leaves alone. `quality` is from 0 to 1.
    """

    study_id: str
    image_id: str
    path: str
    sha256: str | None
    shows: Literal["has the target", "lacks the finding"]
    quality: float
    findings: tuple[str, ...] = ()
    agrees: tuple[Aspect, ...] = ()


class Plan(Noun):
    """One counterfactual to ask for: what must become true, what must cease, what stays.

    `must_appear` begins with the target (none for `remove`); the rest are its signs. Of an `alter` it is
    the statements that change, as they are to read, and `element` is the one thing that differs in them.
    `must_cease` are mentions of the factual text that the counterfactual may not make any more;
    `must_stay` are the other mentions of the sentences that are free to change.
    All other sentences are kept word for word. `gained` and `lost` are the findings that the
    counterfactual asserts and the report does not, and the other way round, No Finding among them.
    `diagnosis` is the one finding that the diagnosis line is to name; None where it names all.
    `dependents` are the sentences and clauses that only continue others.
    `wording` is how reports of this corpus would say what is new; only the embedded expert is given it.
    """

    plan_id: str
    study_id: str
    direction: Direction
    target: str
    swap_from: tuple[str, ...]
    must_appear: tuple[Statement, ...]
    must_cease: tuple[Mention, ...]
    must_stay: tuple[Mention, ...]
    kept_sentences: tuple[int, ...]
    free_sentences: tuple[int, ...]
    relevance: float
    why: str
    seed: int
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    element: Element | None = None
    diagnosis: str | None = None
    matched_image: MatchedImage | None = None
    wording: tuple[Wording, ...] = ()
    dependents: tuple[Dependent, ...] = ()


class PlannedStudy(Noun):
    """A study with the counterfactuals to ask for: a row of the plan."""

    study: Study
    plans: tuple[Plan, ...]

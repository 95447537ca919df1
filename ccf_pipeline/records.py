"""The nouns of the walk: study → plan → prompt → completion → edit → verdict → record.

Every noun is a frozen value that refuses unknown fields, so that what one step writes
is exactly what the next one reads. Concepts are named by their id in the graph.
"""

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


# --- what a report is -----------------------------------------------------------------


class Sentence(Noun):
    """One sentence of a study's text, numbered from 1 as the expert sees it."""

    number: int
    section: str
    start: int
    end: int
    text: str


class FindingState(Noun):
    """What is said of one of the fourteen findings; a finding not spoken of has no state."""

    finding: str
    state: Polarity


class ImageRef(Noun):
    """The one image a study is paired with; `sha256` binds the bytes to the text once they were read."""

    image_id: str
    path: str
    view: str | None = None
    sha256: str | None = None


class Study(Noun):
    """A report with what is known around it.

    `text` is the canonical report, `FINDINGS: …` and `IMPRESSION: …` on a line each;
    the sentences' offsets point into it. `notes` are codes of what had to be mended or assumed to read it,
    `image_missing` says why there is no image.
    """

    corpus: str
    study_id: str
    subject_id: str
    split: Split
    text: str
    sentences: tuple[Sentence, ...]
    read_from: str
    labels: tuple[FindingState, ...] = ()
    label_source: str | None = None
    image: ImageRef | None = None
    image_missing: str | None = None
    age: int | None = None
    sex: str | None = None
    notes: tuple[str, ...] = ()


class Skipped(Noun):
    """A study that could not be used, and why: it is counted, never lost."""

    study_id: str
    reason: str
    detail: str = ""


class Mention(Noun):
    """What a text asserts, denies or doubts of one concept, and where; offsets point into the text read."""

    concept: str
    polarity: Polarity
    start: int
    end: int
    sentence: int
    side: Side | None = None
    region: str | None = None
    severity: str | None = None
    temporality: Temporality | None = None
    cue: str | None = None
    implied_by: str | None = None


# --- what is asked ----------------------------------------------------------------------


class Statement(Noun):
    """What a counterfactual must say of one concept."""

    concept: str
    polarity: Polarity
    side: Side | None = None
    region: str | None = None
    severity: str | None = None


class Wording(Noun):
    """A sentence that says something of one concept, as several patients' reports of the corpus say it."""

    section: Literal["findings", "impression"]
    concept: str
    text: str


class MatchedImage(Noun):
    """Another patient's image that a perception pair sets beside the text; `quality` is from 0 to 1."""

    study_id: str
    image_id: str
    path: str
    sha256: str | None
    shows: Literal["has the target", "lacks the finding"]
    quality: float


class Plan(Noun):
    """One counterfactual to ask for: what must become true, what must cease, what stays.

    `must_appear` begins with the target (none for `remove`); the rest are its signs. Of an `alter` it is
    the statements that change, as they are to read, and `element` is the one thing that differs in them.
    `must_cease` are mentions of the factual text that the counterfactual may not make any more;
    `must_stay` are the other mentions of the sentences that are free to change.
    All other sentences are kept word for word. `gained` and `lost` are the findings that the
    counterfactual asserts and the report does not, and the other way round, No Finding among them.
    `diagnosis` is the one finding that the diagnosis line is to name; None where it names all.
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


class Template(Noun):
    """The wording of one prompt strategy; the digest names its version."""

    strategy: str
    system: str
    user: str
    digest: str


class Message(Noun):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


class Sampling(Noun):
    """How a model draws its words; the seed makes an answer repeatable where the server heeds it."""

    temperature: float
    seed: int
    max_tokens: int


class Prompt(Noun):
    """A plan put into words for an expert, with the numbered sentences it may edit.

    The id is the digest of everything that decides the answer, so that an answer that was paid for is found
    again; `form` is that of the answer, `attempt` counts from 1.
    """

    prompt_id: str
    plan: Plan
    sentences: tuple[Sentence, ...]
    strategy: str
    template_digest: str
    messages: tuple[Message, ...]
    sampling: Sampling
    form: AnswerForm
    attempt: int = 1


class Completion(Noun):
    """What an expert answered, and what it cost; `failure` says why there is no answer to use."""

    prompt_id: str
    expert: str
    model: str
    text: str
    finish_reason: str = "stop"
    failure: str | None = None
    served_by: str | None = None
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    attempt: int = 1


class Spend(Noun):
    """What answers cost, added up; `tokens_cached` is a part of `tokens_in`."""

    answers: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out

    def plus(self, completion: Completion) -> Spend:
        return Spend(
            answers=self.answers + 1,
            tokens_in=self.tokens_in + completion.tokens_in,
            tokens_cached=self.tokens_cached + completion.tokens_cached,
            tokens_out=self.tokens_out + completion.tokens_out,
        )


# --- what came back ---------------------------------------------------------------------


class SentenceEdit(Noun):
    """One step of an edit: replace or drop a sentence, or write a new one after it."""

    action: Literal["replace", "drop", "insert"]
    number: int
    text: str = ""


class EditScript(Noun):
    """What an expert answers under the `edits` strategy, as JSON."""

    edits: tuple[SentenceEdit, ...]


class Edit(Noun):
    """The counterfactual report, aligned with the sentences it came from.

    `problem` says why an answer could not be applied; the text is then the factual one.
    """

    plan_id: str
    steps: tuple[SentenceEdit, ...]
    text: str
    sentences: tuple[Sentence, ...]
    origins: tuple[int, ...]
    problem: str | None = None


class Problem(Noun):
    """One reason against an edit, worded so that it can go back to the expert as an instruction."""

    code: str
    message: str
    level: Level = "block"
    sentence: int | None = None
    relation: str | None = None


class Scores(Noun):
    """How far an edit went."""

    sentences_kept: float
    token_distance: float
    length_ratio: float
    supports_found: int


class Verdict(Noun):
    """The checker's judgement of one edit."""

    plan_id: str
    accepted: bool
    problems: tuple[Problem, ...]
    scores: Scores


class Pair(Noun):
    """A counterfactual that somebody made: two texts, and what was asked for, by the graph's ids.

    Where nobody says what was asked for, `target` is None and the texts tell.
    """

    pair_id: str
    factual: str
    candidate: str
    target: str | None
    direction: Direction
    swap_from: tuple[str, ...] = ()


class AuditedPair(Noun):
    """The verdict on one pair of a data set; `reasons` are the codes that refuse it."""

    id: str
    accepted: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    target: str | None = None
    direction: Direction | None = None
    problems: tuple[Problem, ...] = ()
    scores: Scores | None = None


class Lineage(Noun):
    """What a whole build was made with."""

    graph_version: str
    graph_digest: str
    prompt_digest: str
    code_version: str


class Label(Noun):
    """A finding's state under its CheXpert name, as readers of the data set know it."""

    finding: str
    state: Polarity


class Record(Noun):
    """A row of the data set: the pair, its verdict, and where all of it came from.

    Findings go by their CheXpert names here, not by their ids in the graph. `chosen_text` is the factual
    report in the expert's own words, where it was asked for them; tokens are those of all attempts together.
    """

    record_id: str
    corpus: str
    study_id: str
    subject_id: str
    split: Split
    image_id: str | None
    image_path: str | None
    image_sha256: str | None
    view: str | None
    matched_image: MatchedImage | None = None
    direction: Direction
    target: str
    swap_from: tuple[str, ...]
    element: Element | None = None
    diagnosis: str | None = None
    factual_text: str
    chosen_text: str | None = None
    counterfactual_text: str
    factual_labels: tuple[Label, ...]
    counterfactual_labels: tuple[Label, ...]
    label_source: str
    steps: tuple[SentenceEdit, ...]
    accepted: bool
    problems: tuple[Problem, ...]
    scores: Scores
    why: str
    expert: str
    model: str
    strategy: str
    attempt: int
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    seed: int
    graph_version: str
    graph_digest: str
    prompt_digest: str
    code_version: str


# --- what a person says of a row ---------------------------------------------------------------

Opinion = Literal["plausible", "implausible", "unsure"]
ReviewMode = Literal["blind", "side_by_side"]
Shown = Literal["factual", "counterfactual"]


class Judgement(Noun):
    """What one reader said of one report; the last one said of the same report by the same reader holds."""

    record_id: str
    reader: str
    mode: ReviewMode
    shown: Shown
    direction: Direction
    target: str
    opinion: Opinion
    reasons: tuple[str, ...] = ()
    comment: str = ""
    seconds: float = 0.0
    judged_at: str


# --- what a corpus is, and what an ingest counts ---------------------------------------------


class CorpusTerms(Noun):
    """Who may see what comes from a corpus, and under which terms."""

    kind: str
    name: str
    sensitivity: Sensitivity
    terms: str
    citation: str = ""


# --- what a build counts ------------------------------------------------------------------


class ReasonCount(Noun):
    """How often something happened for one reason."""

    reason: str
    count: int


class KnownTotal(Noun):
    """What a whole corpus is published to hold, beside what was found."""

    what: str
    expected: int
    found: int


class Funnel(Noun):
    """Where the studies of a corpus went: found = used + skipped by reason."""

    terms: CorpusTerms
    images_root: str
    found: int
    used: int
    skipped: tuple[ReasonCount, ...]
    read_from: tuple[ReasonCount, ...]
    label_sources: tuple[ReasonCount, ...]
    splits: tuple[ReasonCount, ...]
    views: tuple[ReasonCount, ...]
    without_image: tuple[ReasonCount, ...]
    notes: tuple[ReasonCount, ...]
    known_totals: tuple[KnownTotal, ...]
    remarks: tuple[str, ...]


class TrainingImage(Noun):
    """A study's image as a model is trained on it; `sha256` is that of the bytes at `path`."""

    study_id: str
    image_id: str
    path: str
    sha256: str
    source_sha256: str
    recipe: str
    width: int
    height: int


class ImagesSummary(Noun):
    """Where the images of a corpus went: studies = converted + as they were + refused + without image.

    A JPEG that was made smaller counts as converted.
    """

    studies: int
    converted: int
    as_they_were: int
    refused: tuple[ReasonCount, ...]
    without_image: tuple[ReasonCount, ...]


class PlannedStudy(Noun):
    """A study with the counterfactuals to ask for: a row of the plan."""

    study: Study
    plans: tuple[Plan, ...]


class FindingBalance(Noun):
    """How often a finding is gained and lost over a plan, and what keeps the two apart.

    `studies` assert it. `most_gained` and `most_lost` are as often as the eligible changes allow at so many
    counterfactuals per study, `least_lost` is as often as they force it. `standing` is `even` when the two
    counts are within a tenth of each other, `limited` when eligibility keeps them further apart, and
    `uneven` when nothing does. `weight` is the finding's in the draw, in thousandths: above zero it is
    favoured as a target.
    """

    finding: str
    studies: int
    gained: int
    lost: int
    most_gained: int
    most_lost: int
    least_lost: int
    weight: int
    standing: Literal["even", "limited", "uneven"]
    limit: str = ""


class PlanSummary(Noun):
    """Where the studies of a corpus went: read = planned + without target + skipped."""

    studies_read: int
    studies_planned: int
    studies_without_target: int
    studies_skipped: tuple[ReasonCount, ...]
    plans: int
    shards: int
    matched_images: int = 0
    balance: tuple[FindingBalance, ...] = ()


class ConfigSummary(Noun):
    """The rows of one dataset config, and those it had to leave out."""

    config: str
    rows: int
    left_out: tuple[ReasonCount, ...] = ()


class BuildSummary(Noun):
    """What a finished build holds; counted from its files, not from memory."""

    plan: PlanSummary
    accepted: int
    rejected: int
    rejected_by_reason: tuple[ReasonCount, ...]
    accepted_by_direction: tuple[ReasonCount, ...]
    accepted_by_target: tuple[ReasonCount, ...]
    configs: tuple[ConfigSummary, ...]


class Seal(Noun):
    """What closes a shard: how its rows fared, and the digests by which damage is told."""

    shard: int
    accepted: int
    rejected: int
    repaired: int
    rejected_by: tuple[ReasonCount, ...]
    accepted_bytes: int
    accepted_sha256: str
    rejected_bytes: int
    rejected_sha256: str


class Holder(Noun):
    """The process that works in a build folder; `since` counts seconds since 1970.

    `listens` says that SIGTERM makes it stop in good order: not every worker takes it so.
    """

    pid: int
    host: str
    since: int
    shares: bool = False
    listens: bool = False


class BuildStatus(Noun):
    """How a build stands, read beside whoever is building it."""

    state: Literal["planning", "running", "stopped", "finished"]
    holder: Holder | None
    plans: int
    judged: int
    accepted: int
    rejected: int
    repaired: int
    rejected_by: tuple[ReasonCount, ...]
    shards: int
    shards_sealed: int
    spend: Spend
    cost: float | None
    answers_per_second: float | None
    seconds_left: int | None


class BuildCheck(Noun):
    """What was found when a build was verified: files by their path in it, and what ails the journal."""

    finished: bool
    files: int
    damaged: tuple[str, ...]
    journal: str | None
    repaired: tuple[str, ...] = ()


class RecheckSummary(Noun):
    """What changed when the answers of a build were judged again, by the reasons that came or went."""

    judged: int
    accepted: int
    newly_rejected: tuple[ReasonCount, ...]
    newly_accepted: tuple[ReasonCount, ...]
    written: bool


class ChangeCount(Noun):
    """How often a finding is lost for another in one direction; "" where one is only lost or only gained.

    A counterfactual in which several findings give way counts once for each of them.
    """

    direction: Direction
    lost: str
    target: str
    count: int


class CostForecast(Noun):
    """What asking for a plan would cost, estimated: `looked_at` counterfactuals stand for all of them.

    `hours` is at a stated throughput, `price` at stated prices, the second one without a prefix cache.
    """

    strategy: str
    counterfactuals: int
    looked_at: int
    repairs: int
    rewordings: int
    spend: Spend
    hours: float | None = None
    price: float | None = None
    price_without_cache: float | None = None


class PlanView(Noun):
    """What would be asked for, before any expert is asked."""

    preset: str
    per_study: int
    funnel: tuple[ReasonCount, ...]
    directions: tuple[ReasonCount, ...]
    changes: tuple[ChangeCount, ...]
    balance: tuple[FindingBalance, ...]
    matched_images: int
    match_quality: float | None
    examples: tuple[str, ...]
    cost: CostForecast | None = None

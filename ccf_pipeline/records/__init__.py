"""The nouns of the walk: study → plan → prompt → completion → edit → verdict → record.

Every noun is a frozen value that refuses unknown fields, so that what one step writes
is exactly what the next one reads. Concepts are named by their id in the graph.

words.py     what all of them share
reports.py   what a report is, and what it was found to say
plans.py     what is planned for a study
answers.py   what an expert is asked, what it answers, and what that costs
verdicts.py  what came back, and what the checker says of it
rows.py      a row of the data set, and what a person says of it
corpora.py   what a corpus is, and what reading it counts
builds.py    what a build plans, makes and tells of itself
"""

from __future__ import annotations

from ccf_pipeline.records.answers import Completion, Message, Prompt, Sampling, Spend, Template
from ccf_pipeline.records.builds import (
    BuildCheck,
    BuildStatus,
    BuildSummary,
    ChangeCount,
    ConfigSummary,
    CostForecast,
    FindingBalance,
    Holder,
    PlanSummary,
    PlanView,
    RecheckSummary,
    Seal,
)
from ccf_pipeline.records.corpora import (
    CorpusTerms,
    Funnel,
    ImagesSummary,
    KnownTotal,
    ReasonCount,
    TrainingImage,
)
from ccf_pipeline.records.plans import (
    Aspect,
    Dependent,
    MatchedImage,
    Plan,
    PlannedStudy,
    Statement,
    Wording,
)
from ccf_pipeline.records.reports import FindingState, ImageRef, Mention, Sentence, Skipped, Study
from ccf_pipeline.records.rows import Borrowed, Judgement, Label, Lineage, Opinion, Record, ReviewMode, Shown
from ccf_pipeline.records.verdicts import (
    AuditedPair,
    Edit,
    EditScript,
    Pair,
    Problem,
    Scores,
    SentenceEdit,
    Verdict,
)
from ccf_pipeline.records.words import (
    FINDING_LABELS,
    NO_FINDING,
    SUPPORT_DEVICES,
    AnswerForm,
    Direction,
    Element,
    Level,
    Noun,
    Polarity,
    ReasonCode,
    Sensitivity,
    Side,
    Split,
    Temporality,
)

__all__ = [
    "FINDING_LABELS",
    "NO_FINDING",
    "SUPPORT_DEVICES",
    "AnswerForm",
    "Aspect",
    "AuditedPair",
    "Borrowed",
    "BuildCheck",
    "BuildStatus",
    "BuildSummary",
    "ChangeCount",
    "Completion",
    "ConfigSummary",
    "CorpusTerms",
    "CostForecast",
    "Dependent",
    "Direction",
    "Edit",
    "EditScript",
    "Element",
    "FindingBalance",
    "FindingState",
    "Funnel",
    "Holder",
    "ImageRef",
    "ImagesSummary",
    "Judgement",
    "KnownTotal",
    "Label",
    "Level",
    "Lineage",
    "MatchedImage",
    "Mention",
    "Message",
    "Noun",
    "Opinion",
    "Pair",
    "Plan",
    "PlanSummary",
    "PlanView",
    "PlannedStudy",
    "Polarity",
    "Problem",
    "Prompt",
    "ReasonCode",
    "ReasonCount",
    "RecheckSummary",
    "Record",
    "ReviewMode",
    "Sampling",
    "Scores",
    "Seal",
    "Sensitivity",
    "Sentence",
    "SentenceEdit",
    "Shown",
    "Side",
    "Skipped",
    "Spend",
    "Split",
    "Statement",
    "Study",
    "Template",
    "Temporality",
    "TrainingImage",
    "Verdict",
    "Wording",
]

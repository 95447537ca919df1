"""Choices on which careful readers differ; the defaults are the CheXpert labeler's."""

from __future__ import annotations

from typing import Literal

from ccf_pipeline.records import Noun, Polarity

# What the label of a finding becomes where only a sign of it, or a harmless kind of it, is asserted.
SignAs = Literal["present", "uncertain", "blank"]


class ReadingConventions(Noun):
    """Choices of the reader, each with CheXpert's answer as its default but for those marked "ours".

    Args:
        no_new: what "no new opacity" says of the opacity.
        likely: what "likely pneumonia" says of the pneumonia; "less likely" is always a doubt.
        probable: what "probable pneumonia" says; ours, CheXpert doubts it.
        upper_limits: what "heart at the upper limits of normal" says of an enlargement.
        stable_heart: what "stable heart" says of an enlargement, where nothing else is said of the heart.
        not_appreciated: what "effusion is not appreciated" and "not clearly seen" say of the effusion.
        doubt: what a doubted finding counts as in the labels.
        borderline: what a "borderline" finding counts as.
        vascular_congestion: what the label of Edema becomes by it. As `uncertain`, which is CheXpert's,
            "no vascular congestion" also denies the edema; otherwise that says nothing of it.
        old_fracture: what the label of Fracture becomes by an old or healed one.
        calcified_granuloma: what the label of Lung Lesion becomes by it.
        elsewhere: whether a mass of the breast or an oedema of the ankle is read too; ours, CheXpert does.
        history: whether what was known or asked before counts in the labels.
        implied_denials: whether "lungs are clear" denies, in the labels, what the graph says it denies;
            ours, CheXpert leaves it blank.
        wires_and_clips: whether sternal wires and surgical clips are support devices in the labels.
        no_finding: `strict`, which is ours: nothing abnormal but devices; `chexpert`: none of the findings
            nor of the things on the CheXpert labeler's own list, so that a tortuous aorta leaves No Finding.
    """

    no_new: Polarity = "uncertain"
    likely: Literal["present", "uncertain"] = "present"
    probable: Literal["present", "uncertain"] = "present"
    upper_limits: Polarity = "absent"
    stable_heart: Literal["uncertain", "blank"] = "uncertain"
    not_appreciated: Literal["uncertain", "absent"] = "uncertain"
    doubt: Polarity = "uncertain"
    borderline: Polarity = "uncertain"
    vascular_congestion: SignAs = "uncertain"
    old_fracture: SignAs = "present"
    calcified_granuloma: SignAs = "blank"
    elsewhere: Literal["ignore", "count"] = "ignore"
    history: Literal["ignore", "count"] = "ignore"
    implied_denials: bool = True
    wires_and_clips: bool = False
    no_finding: Literal["strict", "chexpert"] = "strict"


CHEXPERT = ReadingConventions()
# What counterfactuals are planned and checked by: a label that nobody stated is not invented, "not
# appreciated" is a denial like "not seen", and congestion is a sign of edema, not a doubt about it.
CCF = ReadingConventions(stable_heart="blank", not_appreciated="absent", vascular_congestion="present")
# NegEx asks only whether a concept is affirmed or negated, in histories and in other organs too.
NEGEX = ReadingConventions(
    no_new="absent", doubt="present", history="count", borderline="present", elsewhere="count",
    stable_heart="blank", not_appreciated="absent", vascular_congestion="present",
)  # fmt: skip

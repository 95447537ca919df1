"""What two careful readers may decide differently; the defaults are the CheXpert labeler's."""

from __future__ import annotations

from typing import Literal

from ccf_pipeline.records import Noun, Polarity


class ReadingConventions(Noun):
    """Choices of the reader, each with CheXpert's answer as its default but for `no_finding`.

    Args:
        no_new: what "no new opacity" says of the opacity.
        doubt: what a doubted finding counts as in the labels.
        borderline: what a "borderline" finding counts as.
        elsewhere: whether a mass of the breast or an oedema of the ankle is read too.
        history: whether what was known or asked before counts in the labels.
        implied_denials: whether "lungs are clear" denies, in the labels, what the graph says it denies.
        wires_and_clips: whether sternal wires and surgical clips are support devices in the labels.
        no_finding: `strict`: nothing abnormal but devices; `chexpert`: none of the findings nor of the
            things on the CheXpert labeler's own list, so that a tortuous aorta leaves No Finding.
    """

    no_new: Polarity = "uncertain"
    doubt: Polarity = "uncertain"
    borderline: Polarity = "uncertain"
    elsewhere: Literal["ignore", "count"] = "ignore"
    history: Literal["ignore", "count"] = "ignore"
    implied_denials: bool = True
    wires_and_clips: bool = False
    no_finding: Literal["strict", "chexpert"] = "strict"


CHEXPERT = ReadingConventions()
# NegEx asks only whether a concept is affirmed or negated, in histories and in other organs too.
NEGEX = ReadingConventions(
    no_new="absent", doubt="present", history="count", borderline="present", elsewhere="count"
)

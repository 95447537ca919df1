"""Labels that say less than CheXpert's and are surer: nothing that contradicts itself or is said in part."""

from __future__ import annotations

from collections.abc import Iterable

from ccf_pipeline.reader import CHEXPERT, Lexicon, ReadingConventions, read_labels
from ccf_pipeline.records import NO_FINDING, Mention, Polarity


def read_strict_labels(
    mentions: Iterable[Mention], lexicon: Lexicon, conventions: ReadingConventions = CHEXPERT
) -> dict[str, Polarity]:
    """CheXpert's aggregation with three reservations.

    - A denial of a part is none of the whole: "no large effusion" and "no left effusion" leave it open.
    - A finding that is both asserted and denied by its name is uncertain, not present. "Lungs are clear"
      beside a named opacity contradicts nothing: it says that there is no other.
    - No Finding needs a word: a report that denies nothing and calls nothing normal does not say it.
    """
    whole = [mention for mention in mentions if not _is_partial_denial(mention)]
    labels = read_labels(whole, lexicon, conventions)
    named = (m for m in whole if m.polarity == "absent" and m.implied_by is None)
    denied = read_labels(named, lexicon, conventions)
    for finding, polarity in labels.items():
        if polarity == "present" and denied.get(finding) == "absent":
            labels[finding] = "uncertain"
    if not any(_is_normal(mention) for mention in whole):
        labels.pop(NO_FINDING, None)
    return labels


def _is_partial_denial(mention: Mention) -> bool:
    """True if only a side, a place or a size is denied; what is gone from there was all there was."""
    if mention.polarity != "absent" or mention.implied_by is not None or mention.temporality == "resolved":
        return False
    return mention.severity is not None or mention.side in ("left", "right")


def _is_normal(mention: Mention) -> bool:
    said_normal = mention.polarity == "present" and (
        mention.concept.startswith("nrm_") or mention.concept == NO_FINDING
    )
    return said_normal or mention.polarity == "absent"

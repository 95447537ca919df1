"""The manner of a report: how it frames its statements, which degrees it names, what it calls places.

A sentence that is right but not how reports are written gives the counterfactual away. The shares here were
counted over reports of a public collection; what the report at hand does itself counts beside them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ccf_pipeline.experts.rules.grammar import VERB, finish_sentence, is_plural, lower_first, split_label

# Of a hundred sentences that assert a finding so many have no verb, begin with "there is", end in "is seen".
GENERAL = {"bare": 34.0, "there": 48.0, "seen": 10.0}
OWN_WEIGHT = 12.0  # what one sentence of the report at hand counts against these
IMPRESSION = {"bare": 90.0, "there": 3.0, "seen": 2.0}
_SEEN_WORDS = {"present": 6, "noted": 2, "seen": 1, "identified": 1}

# How often a report that could grade a finding so says it: most findings are told without their degree.
SAID = {
    **dict.fromkeys(("mild", "small"), 0.5),
    "minimal": 0.35,
    **dict.fromkeys(("moderate", "large", "trace"), 0.2),
    **dict.fromkeys(("slight", "severe", "marked", "tiny", "subtle"), 0.08),
}
SELDOM_SAID = 0.03
# Without their degree these two are hardly told at all: where there is no sign, the checker asks for it.
ALWAYS_GRADED = frozenset({"fnd_edema", "fnd_pneumothorax"})

_ZONE = re.compile(r"\b(upper|mid|lower) zone(?= |\b)", re.IGNORECASE)
_ZONE_NAMES = {"lung": 6, "lung zone": 3, "zone": 1}

_VENA_CAVA = re.compile(r"\bsuperior vena cava\b")
_WITH_ITS_TIP = re.compile(r"\bwith its tip\b")
_TIPS = {"with tip": 6, "tip": 2, "with the tip": 1}

_THERE_IS = re.compile(r"^There (?:is|are) (?P<article>an? )?(?P<what>[^.]+)\.$", re.IGNORECASE)
_IS_SEEN = re.compile(
    r"^(?P<article>An? )?(?P<what>[^,.;]+?) (?:is|are) (?:present|seen|noted|identified|visible)"
    r"(?P<rest>(?:, with| with|, best| in| at| along| on| over| within)\b[^.]*)?\.$",
    re.IGNORECASE,
)
_DENIES = re.compile(r"\b(?:no|not|without|clear|normal|unremarkable|negative)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Manner:
    """The weights of the frames."""

    bare: float
    there: float
    seen: float

    @property
    def is_short(self) -> bool:
        """True if nearly every statement stands without a verb, as those of an impression do."""
        return self.bare > 2 * (self.there + self.seen)

    @classmethod
    def of(cls, sentences: Iterable[str], *, in_impression: bool) -> Manner:
        """The manner of a section, from what reports do and what this one does."""
        weights = dict(IMPRESSION if in_impression else GENERAL)
        for sentence in sentences:
            told = split_label(sentence)[1]
            frame = None if _DENIES.search(told) else _find_frame(told)
            if frame is not None:
                weights[frame] += OWN_WEIGHT
        return cls(weights["bare"], weights["there"], weights["seen"])


def reframed(text: str, manner: Manner, chance: random.Random) -> str:
    """The same statement in a frame that the report could have used; any other sentence is left alone."""
    text = _ZONE.sub(lambda zone: f"{zone[1]} {_draw_by_weight(_ZONE_NAMES, chance)}", text)
    text = _VENA_CAVA.sub("SVC", text)
    text = _WITH_ITS_TIP.sub(
        # "A tube is in place tip in the trachea": behind a verb the tip wants its "with".
        lambda at: "with tip" if VERB.search(text, 0, at.start()) else _draw_by_weight(_TIPS, chance),
        text,
    )
    found = _THERE_IS.match(text) or _IS_SEEN.match(text)
    if found is None or VERB.search(found["what"]):
        return text
    parts = found.groupdict()
    what, rest, article = found["what"], parts.get("rest") or "", (found["article"] or "").lower()
    frame = _draw_by_weight(vars(manner), chance)
    if frame == "bare" and (manner.is_short or " " in what):
        return finish_sentence(f"{what}{rest}")
    were_many = re.match(r"There are\b", text, re.IGNORECASE) is not None
    verb = "are" if were_many or is_plural(what) else "is"
    if frame in ("there", "bare"):
        return finish_sentence(f"There {verb} {article}{lower_first(what)}{rest}")
    # "A nodule in the left lung is seen", but not "edema with cuffing, worst at the bases, is seen".
    if "," in what or len(what.split()) > 8:
        return text
    return finish_sentence(
        f"{article}{lower_first(what)} {verb} {_draw_by_weight(_SEEN_WORDS, chance)}{rest}"
    )


_ANNOUNCED = re.compile(
    r"^(?:note is made of|there (?:is|are) (?:also )?(?:evidence of|findings of)|evidence of|findings of"
    r"|the (?:study|film|exam|examination|radiograph|image) (?:demonstrates|shows|reveals))"
    r" (?P<what>[^.]+)\.$",
    re.IGNORECASE,
)


def plainly_framed(text: str, manner: Manner, chance: random.Random) -> str | None:
    """A sentence of the report with its own words in a frame that was drawn; None where it has no frame."""
    if _DENIES.search(text):
        return None
    found = _ANNOUNCED.match(text)
    if found is not None and not VERB.search(found["what"]):
        verb = "are" if is_plural(found["what"]) else "is"
        text = f"There {verb} {found['what']}."
    new = reframed(text, manner, chance)
    return None if new == text and found is None else new


@dataclass(frozen=True)
class Grading:
    """Counts of a report's findings, and of those with a degree."""

    told: int
    graded: int

    @classmethod
    def of(cls, sentences: Iterable[str]) -> Grading:
        graded = [_DEGREE.search(sentence) is not None for sentence in sentences]
        return cls(len(graded), sum(graded))


_DEGREE = re.compile(rf"\b(?:{'|'.join(SAID)})\b", re.IGNORECASE)
GENERAL_WEIGHT = 0.7  # what reports in general count against those of the report at hand


def is_said(severity: str, own: Grading, chance: random.Random) -> bool:
    """True if a report would name this degree: by what reports do, and by what this one does."""
    general = SAID.get(severity, SELDOM_SAID)
    seldom = general <= SELDOM_SAID
    share = general if seldom else (GENERAL_WEIGHT * general + own.graded) / (GENERAL_WEIGHT + own.told)
    return chance.random() < share


def with_verb(text: str) -> str:
    """A sentence that cannot be taken for the end of the one before it."""
    if VERB.search(text):
        return text
    verb = "are" if is_plural(text.rstrip(".")) else "is"
    article = "a " if verb == "is" and _COUNTED.search(text) else ""
    return finish_sentence(f"There {verb} {article}{lower_first(text)}")


_COUNTED = re.compile(
    r"^(?!an? )[^,.;]*\b(?:effusion|fracture|mass|nodule|opacity|pneumothorax|lesion)\b", re.IGNORECASE
)


def _find_frame(sentence: str) -> str | None:
    if _THERE_IS.match(sentence):
        return "there"
    if _IS_SEEN.match(sentence):
        return "seen"
    return None if VERB.search(sentence) else "bare"


def _draw_by_weight(weights: Mapping[str, float], chance: random.Random) -> str:
    return chance.choices(list(weights), weights=list(weights.values()))[0]

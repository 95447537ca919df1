"""Openings that compare, earlier films, and words of change that are denied."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.reader.generated.frames import ABSENT, PRESENT, UNSAID, Frames, Written

# --- comparing openings ---------------------------------------------------------------------

_OPENINGS = (
    "Compared to", "Compared with", "As compared to", "As compared with", "When compared to",
    "When compared with",
    "In comparison to", "In comparison with", "By comparison with", "Comparing with", "Since", "Relative to",
    "With comparison to", "In contrast to", "Unlike", "Referring to", "Against",
)  # fmt: skip
_EARLIER_FILMS = (
    "the prior study", "the prior", "prior", "the previous radiograph", "the previous exam",
    "yesterday's film",
    "the study of one day earlier", "the examination from 3 days ago", "the most recent chest CT",
    "the prior film",
    "the previous day", "the chest radiograph dated ___", "the film of ___", "earlier the same day",
    "last week",
    "the outside study", "the previous examination of ___", "priors", "the radiograph obtained at 5:30 a.m.",
    "the prior CT of 2 weeks ago",
)  # fmt: skip


def write_comparisons(chance: random.Random) -> Iterator[Written]:
    frames = Frames(chance)
    yield from frames.fill(
        ("{opening} {film}, there is {a}.", "{opening} {film}, {a} is present.",
         "{opening} {film} there is {a}.",
         "{opening} {film}, the patient has {a}.", "{opening} {film}, {a} is seen.",
         "{opening} {film}, one sees {a}.", "{opening} {film}, {a} is noted.", "{opening} {film}, {x}.",
         "FINDINGS: {opening} {film}, {x} is demonstrated."),
        PRESENT, opening=_OPENINGS, film=_EARLIER_FILMS,
    )  # fmt: skip
    yield from frames.fill(
        ("{opening} {film}, {the} is unchanged.", "{opening} {film}, no change in {the}.",
         "{opening} {film}, {the} is stable.", "{opening} {film}, there is no significant change in {the}."),
        PRESENT, temporality="unchanged", drawn=40, opening=_OPENINGS, film=_EARLIER_FILMS,
    )  # fmt: skip
    yield from frames.fill(
        ("{opening} {film}, {the} has worsened.", "{opening} {film}, {the} has increased.",
         "{opening} {film}, there is worsening of {the}."),
        PRESENT, temporality="worsened", drawn=30, opening=_OPENINGS, film=_EARLIER_FILMS,
    )  # fmt: skip
    yield from frames.fill(
        ("{opening} {film}, there is no {x}.", "{opening} {film}, {the} has resolved.",
         "{opening} {film}, {the} is no longer seen."),
        ABSENT, drawn=50, opening=_OPENINGS, film=_EARLIER_FILMS,
    )  # fmt: skip
    yield from frames.fill(
        ("{a} is new compared to {film}.", "{a} is new since {film}.",
         "There is {a}, new in comparison with {film}."),
        PRESENT, temporality="new", drawn=25, film=_EARLIER_FILMS,
    )  # fmt: skip
    yield from frames.fill(
        ("There is {a} as compared with {film}.", "{the} persists in comparison with {film}.",
         "{the} is larger than on {film}.", "Persistent {x} when compared to {film}.",
         "Comparison is made to {film}. There is {a}.", "Comparison: {film}. FINDINGS: {x}."),
        PRESENT, drawn=30, film=_EARLIER_FILMS,
    )  # fmt: skip


def write_earlier_films(chance: random.Random) -> Iterator[Written]:
    """Controls of the comparisons: a verb of the earlier film makes history."""
    frames = Frames(chance)
    films = ("prior study", "previous radiograph", "prior film", "previous exam", "prior CT")
    yield from frames.fill(
        ("The {film} showed {a}.", "The {film} demonstrated {a}.", "The {film} revealed {a}.",
         "Compared to the {film}, which showed {a}, the lungs are clear.",
         "Compared with the {film}, when {a} was present, the lungs are clear.",
         "The {film} had shown {a}.", "On the {film} there was {a}.", "On the {film}, {a} was seen.",
         "In the {film} there was {a}."),
        UNSAID, ABSENT, film=films, drawn=45,
    )  # fmt: skip
    yield from frames.fill(
        ("{the} seen on the {film} has resolved.", "{the} described on the {film} is no longer present.",
         "Previously noted {x} is no longer seen.", "{the} of the {film} has cleared.",
         "Compared to the {film}, {the} is gone.", "Prior {x}, since resolved.", "{the} is meanwhile gone.",
         "Previously noted {x}, subsequently cleared."),
        ABSENT, film=films,
    )  # fmt: skip
    yield from frames.fill(
        ("{the} seen on the {film} persists.", "{the} described on the {film} is unchanged.",
         "Previously noted {x} is again seen.", "{the} of the {film} has enlarged."),
        PRESENT, film=films,
    )  # fmt: skip


# --- denied words of change -----------------------------------------------------------------

_DENIERS_OF_CHANGE = (
    "no", "there is no", "there has been no", "no significant", "no appreciable", "no interval",
    "no evidence of",
    "without", "there is little", "little if any", "no substantial", "no definite", "no convincing",
    "no real",
    "there has not been any", "no major interval", "without significant", "not much",
    "there is no evidence of",
    "no radiographic", "there was no", "lack of", "absence of", "we see no", "no obvious",
)  # fmt: skip
_CHANGES_IN = (
    "improvement in", "improvement of", "increase in", "increase of", "decrease in", "decrease of",
    "change in",
    "worsening of", "progression of", "resolution of", "reduction in", "reduction of", "growth of",
    "enlargement of", "clearing of", "change of", "interval change in", "change to", "alteration in",
    "difference in", "regression of", "evolution of", "expansion of", "increase in the size of",
    "decrease in size of", "interval increase of", "change in appearance of",
)  # fmt: skip


def write_denied_changes(chance: random.Random) -> Iterator[Written]:
    frames = Frames(chance)
    yield from frames.fill(
        ("{denier} {change} {the}.", "{denier} {change} {x}."),
        PRESENT, denier=_DENIERS_OF_CHANGE, change=_CHANGES_IN, drawn=220,
    )  # fmt: skip
    participles = (
        "improved", "worsened", "progressed", "resolved", "cleared", "changed", "increased", "decreased",
        "enlarged",
        "grown", "regressed", "diminished", "disappeared", "completely resolved", "fully cleared",
        "gone away",
    )  # fmt: skip
    yield from frames.fill(
        ("{the} has not {done}.", "{the} has not significantly {done}.", "{the} has not yet {done}.",
         "{the} has not {done} since the prior study.", "{the} had not {done}.", "{the} hasn't {done}."),
        PRESENT, done=participles, drawn=80,
    )  # fmt: skip
    yield from frames.fill(
        ("Not all of {the} has {done}.", "Not all {x} has {done}.", "{the} has not entirely {done}.",
         "{the} has only partially {done}.", "{the} has incompletely {done}.",
         "{the} has nearly but not {done}.",
         "{the} has yet to {verb}.", "{the} has failed to {verb}.", "{the} fails to {verb}.",
         "{the} did not {verb}.", "{the} does not {verb}.", "Failure of {the} to {verb}.",
         "{the} is not completely {done}.", "{the} is slow to {verb}.", "{the} is not {done}."),
        PRESENT, done=("resolved", "cleared"), verb=("resolve", "clear", "improve"),
    )  # fmt: skip
    yield from frames.fill(
        ("{the} is no larger.", "{the} is no worse.", "{the} is no better.",
         "{the} is neither larger nor smaller.",
         "{the} is not significantly changed.", "{the} is not appreciably different.",
         "{the} without change.",
         "{the} without interval improvement.", "{the} persists without change.", "{the}, not improved.",
         "{the} shows no change.", "{the} shows no improvement.", "{the} shows no sign of resolution.",
         "{the} demonstrates no interval change.", "{the} has shown no interval improvement.",
         "{the} is not any smaller.", "{the} no longer increasing.", "No change: {x}.",
         "{the} is as large as before, with no improvement.", "{the}: no change.",
         "{the}, no interval change.", "{the} with no interval increase.", "{the} is not increasing.",
         "{the} is without significant change."),
        PRESENT,
    )  # fmt: skip
    # Controls: these do deny it, or say that it went.
    yield from frames.fill(
        ("No residual {x}.", "No recurrent {x}.", "{the} has resolved.", "{the} has completely resolved.",
         "{the} has cleared.", "Interval resolution of {the}.", "Complete clearing of {the}.", "No {x}.",
         "There is no {x}, and no change otherwise.", "No {x} and no interval change.",
         "Interval clearing of {x} without residual.", "{the} is gone.", "{the} has disappeared."),
        ABSENT,
    )  # fmt: skip
    yield from frames.fill(
        ("{the} has improved.", "Interval improvement in {the}.", "{the} is decreasing.", "Improving {x}."),
        PRESENT, temporality="improved",
    )  # fmt: skip

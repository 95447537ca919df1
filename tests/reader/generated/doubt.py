"""Hedges of every shape, and clauses of purpose and limitation."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product

from tests.reader.generated.frames import (
    ABSENT,
    ATELECTASIS,
    CONSOLIDATION,
    EDEMA,
    EFFUSION,
    FRACTURE,
    NODULE,
    PNEUMONIA,
    PRESENT,
    THICKENING,
    UNCERTAIN,
    UNSAID,
    Frames,
    Written,
    make_sentence,
    only,
)

# --- hedges ---------------------------------------------------------------------------------

_ADVERBS = ("", "entirely", "completely", "definitively", "fully", "reliably", "confidently", "absolutely",
            "definitely", "readily", "totally", "easily", "with certainty")  # fmt: skip


def write_verbal_hedges(chance: random.Random) -> Iterator[Written]:
    frames = Frames(chance)
    negated = (
        "cannot be",
        "can not be",
        "can't be",
        "could not be",
        "is not",
        "cannot yet be",
        "has not been",
    )
    yield from frames.fill(
        ("{a} {be} {adverb} {verb}.", "Underlying {x} {be} {adverb} {verb}.",
         "{x} {be} {adverb} {verb} on this film.",
         "{x} at the base {be} {adverb} {verb}."),
        UNCERTAIN, be=negated, adverb=_ADVERBS,
        verb=("excluded", "ruled out", "eliminated", "dismissed", "discounted", "ruled-out"), drawn=120,
    )  # fmt: skip
    yield from frames.fill(
        ("We {modal} {adverb} {verb} {a}.", "One {modal} {adverb} {verb} {a}.",
         "{modal} {adverb} {verb} {x}.",
         "This film {modal} {adverb} {verb} {a}.", "The study does not {adverb} {verb} {x}."),
        UNCERTAIN, modal=("cannot", "can not", "could not"), adverb=_ADVERBS[:7],
        verb=("exclude", "rule out", "dismiss"), drawn=60,
    )  # fmt: skip
    yield from frames.fill(
        ("{a} {be} {verb}.", "{a} {be} {adverb} {verb}.", "Early {x} {be} {verb}.",
         "In this setting {x} {be} {verb}."),
        UNCERTAIN,
        be=("may be", "might be", "could be", "should be", "is", "must be", "would be", "can be",
        "has to be"),
        adverb=("also", "strongly", "again", "clinically", "therefore"),
        verb=("considered", "suspected", "entertained", "questioned", "suggested"), drawn=80,
    )  # fmt: skip
    yield from frames.fill(
        ("{a} {be} {verb}.", "{a} {be} {adverb} {verb}.", "Subtle {x} {be} {verb} on a supine film."),
        UNCERTAIN, be=("may be", "might be", "could be", "can be"), adverb=("easily", "well", "entirely"),
        verb=("missed", "overlooked", "obscured", "hidden", "masked"), drawn=40,
    )  # fmt: skip
    yield from frames.fill(
        ("{a} is {hard} to exclude.", "{a} would be {hard} to rule out.", "{a} remains {hard} to exclude.",
         "It is {hard} to exclude {a}.", "{a} is {hard} to entirely exclude.", "{hard} to exclude {x}."),
        UNCERTAIN, hard=("difficult", "hard", "impossible", "challenging", "not possible"), drawn=30,
    )  # fmt: skip
    yield from frames.fill(
        ("Cannot exclude {x}.", "Unable to exclude {x}.", "{x} not excluded.", "{x} not entirely excluded.",
         "{x} not definitely excluded.", "Does not exclude {x}.", "This does not rule out {x}.",
         "Exclusion of {x} is not possible.", "{x} suspected.", "I suspect {x}.", "We question {x}.",
         "{a} could be present.", "There could be {a}.", "There might be {a}.", "There may well be {a}.",
         "There may also be {a}.", "{a} may be present.", "{a} may very well be present.",
         "{a} could potentially be present.", "Findings may reflect {x}.", "This could conceivably be {x}.",
         "This might in part represent {x}.", "Appearances would be in keeping with possible {x}.",
         "Findings raise suspicion for {x}.", "This is worrying for {x}.", "Appearance is suspicious of {x}.",
         "{x} cannot be completely or reliably excluded.", "{x} is neither confirmed nor excluded.",
         "{x} can neither be confirmed nor excluded.", "Would not exclude {x}."),
        UNCERTAIN,
    )  # fmt: skip
    # Controls: excluded is excluded, seen is seen.
    yield from frames.fill(
        ("{a} is excluded.", "{a} has been excluded.", "{a} has been ruled out.", "{a} was ruled out by CT.",
         "{x} can be excluded.", "{x} is effectively excluded.", "The lateral view excludes {a}.",
         "This rules out {a}."),
        ABSENT, drawn=60,
    )  # fmt: skip
    yield from frames.fill(
        ("{a} is clearly seen.", "There is definitely {a}.", "{a} is unmistakable.",
         "{a} cannot be overlooked.",
         "Undoubtedly there is {a}.", "{a} is present without doubt.", "{a} is confirmed."),
        PRESENT,
    )  # fmt: skip


def write_noun_hedges(chance: random.Random) -> Iterator[Written]:
    frames = Frames(chance)
    nouns = ("possibility", "consideration", "question", "concern", "suspicion")
    yield from frames.fill(
        ("{a} {be} a {adjective} {noun}.", "{a} {be} the {adjective} {noun}.",
         "The {adjective} {noun} {be} {x}.",
         "A {adjective} {noun} {be} {x}."),
        UNCERTAIN, be=("is", "remains", "would be", "may be"),
        adjective=("", "main", "leading", "diagnostic", "clinical", "less likely", "remote", "primary"),
        noun=nouns, drawn=90,
    )  # fmt: skip
    yield from frames.fill(
        ("The {noun} of {x} {raised}.", "{noun} of {x} {raised}.", "There is a {noun} of {a}.",
         "There is some {noun} of {a}.", "There is {noun} for {x}.", "This raises the {noun} of {x}.",
         "Findings raise the {noun} of {x}.", "{noun} for {x}.", "A {noun} of {x} is entertained.",
         "Appearance raises a {noun} of {x}.", "High {noun} for {x}.", "Low {noun} for {x}."),
        UNCERTAIN, noun=("possibility", "question", "suspicion", "concern"),
        raised=("is raised", "was raised", "has been raised", "should be considered", "remains",
        "cannot be excluded",
                "must be entertained", "arises", "exists"), drawn=90,
    )  # fmt: skip
    yield from frames.fill(
        ("{x} is in the differential.", "{x} remains in the differential.", "The differential includes {x}.",
         "Differential considerations include {x}.", "The differential would include {x}.",
         "{x} is included in the differential.", "{x} is on the differential.", "Differential: {x}.",
         "{x} is a differential consideration.", "DDx: {x}.", "The differential diagnosis is {x}.",
         "Considerations include {x}.", "Possibilities include {x}.",
         "Differential possibilities include {x}.",
         "Diagnostic considerations would include {x}.", "There is a suggestion of {a}.",
         "Suggestion of {x}.",
         "There is the suggestion of {x}.", "There is some suggestion of {x}.",
         "A suggestion of {x} is noted.",
         "{x} is a distinct possibility.", "The possibility of {x} cannot be excluded.",
         "There remains a possibility of {x}.", "{a} is of concern.", "{a} is questioned.",
         "Questionable {x}.", "Question {x}.", "Query {x}.", "Concern for {x}.", "Suspicious for {x}.",
         "Worrisome for {x}.", "Equivocal {x}.", "Appearance suggests {x}.", "Suggestive of {x}.",
         "Cannot exclude the possibility of {x}.", "There is questionable {x}.", "{x} is in question."),
        UNCERTAIN,
    )  # fmt: skip
    yield from frames.fill(
        ("There is no question of {x}.", "There is no suggestion of {x}.", "No suspicion of {x}.",
         "No concern for {x}.", "No findings to suggest {x}.", "Nothing to suggest {x}.",
         "No finding suspicious for {x}.", "No evidence to suggest {x}.",
         "There is nothing suspicious for {x}.",
         "No findings concerning for {x}."),
        ABSENT,
    )  # fmt: skip


def write_alternatives(chance: random.Random) -> Iterator[Written]:
    """Yield "A or, less likely, B", with A asserted or doubted and B doubted."""
    pairs = (
        (ATELECTASIS, PNEUMONIA), (EDEMA, PNEUMONIA), (PNEUMONIA, ATELECTASIS), (ATELECTASIS, CONSOLIDATION),
        (EFFUSION, THICKENING), (CONSOLIDATION, ATELECTASIS), (EDEMA, ATELECTASIS), (NODULE, FRACTURE),
    )  # fmt: skip
    openings = ("Opacity at the base represents", "This may reflect", "Findings are likely",
                "Basilar density, likely",
                "Retrocardiac opacity may be", "Changes consistent with", "This is probably",
                "Favor")  # fmt: skip
    joints = (
        "or, less likely,", "or less likely", ", less likely", "or possibly", "or, possibly,", "versus",
        "vs.", "and less likely", "or alternatively", "or, alternatively,",
        "with less likely consideration of",
        "or, much less likely,", "or, in the appropriate clinical setting,", "although",
    )  # fmt: skip
    for joint, (a, b) in product(joints, pairs):
        opening = chance.choice(openings)
        tail = " is possible" if joint == "although" else ""
        first = (PRESENT, UNCERTAIN)
        text = f"{opening} {a.noun} {joint} {b.noun}{tail}.".replace(" ,", ",")
        yield make_sentence(text), (only(a.concept, *first), only(b.concept, UNCERTAIN))
    for a, b in pairs:
        for text in (
            f"Either {a.noun} or {b.noun}.", f"{a.noun} versus {b.noun}.",
            f"{a.noun} vs {b.noun} at the left base.",
            f"This could be {a.noun} or {b.noun}.", f"Possibly {a.noun} or {b.noun}.",
            f"{a.noun}/{b.noun} is possible.",
            f"Findings suggest {a.noun} or {b.noun}.",
        ):  # fmt: skip
            yield make_sentence(text), (only(a.concept, UNCERTAIN), only(b.concept, UNCERTAIN))
        yield (
            make_sentence(f"There is {a.noun} and {b.noun}"),
            (only(a.concept, PRESENT), only(b.concept, PRESENT)),
        )
        yield (
            make_sentence(f"{a.noun} rather than {b.noun}"),
            (only(a.concept, PRESENT, UNCERTAIN), only(b.concept, ABSENT)),
        )
        yield (
            make_sentence(f"No {a.noun} or {b.noun}"),
            (only(a.concept, ABSENT), only(b.concept, ABSENT)),
        )


def write_marks_of_doubt(chance: random.Random) -> Iterator[Written]:
    frames = Frames(chance)
    yield from frames.fill(
        ("? {x}", "?{x}", "{x}?", "(?{x})", "Opacity at the base, ?{x}.", "Small density (? {x}).",
         "{x} (?).",
         "Poss {x}.", "Poss. {x}", "poss {x}", "Question of {x}.", "Query {x}.", "?? {x}", "Poss small {!x}.",
         "There is poss {x}.", "{x}, poss.", "{x} poss.", "Impression: ?{x}", "IMPRESSION: ? {x}.",
         "Low volumes, poss {x}.", "Lungs otherwise clear. Poss {x}.", "q/o {x}", "?early {x}", "c/f {x}",
         "s/o {x}",
         "Could be {x}?", "Cannot r/o {x}.", "Can't r/o {x}.", "Unable to r/o {x}."),
        UNCERTAIN, drawn=60,
    )  # fmt: skip
    yield from frames.fill(
        ("Prob {x}.", "Prob. {x}", "prob {x}", "Opacity, prob {x}.", "{x}, prob chronic.",
         "There is prob {x}.",
         "Probable {x}.", "Likely {x}."),
        PRESENT, UNCERTAIN,
    )  # fmt: skip


# --- purpose and limitation -----------------------------------------------------------------


def write_purposes(chance: random.Random) -> Iterator[Written]:
    frames = Frames(chance)
    verbs = (
        "evaluate", "evaluate for", "assess", "assess for", "exclude", "rule out", "look for",
        "document resolution of",
        "ensure resolution of", "detect", "confirm", "further evaluate", "better assess", "check for",
        "screen for",
        "confirm resolution of", "monitor", "better characterize", "document clearing of",
        "further assess for",
        "differentiate this from", "search for",
    )  # fmt: skip
    heads = (
        "CT is recommended to", "Follow-up radiographs are suggested to", "Lateral view may help to",
        "A repeat film in 6 weeks to", "Please obtain decubitus views to", "Ultrasound could be performed to",
        "Recommend CT to", "Consider CT to", "Clinical follow-up in order to", "The study was done to",
        "Repeat radiograph to", "Short-term follow-up is advised to", "INDICATION: Please",
    )  # fmt: skip
    yield from frames.fill(
        ("{head} {verb} {x}.", "{head} {verb} possible {x}."),
        UNCERTAIN, UNSAID, head=heads, verb=verbs, drawn=130,
    )  # fmt: skip
    yield from frames.fill(
        ("CT is recommended for {noun} {x}.", "Evaluation for {x} is recommended.",
         "Follow-up for {noun} {x}.",
         "Attention to {x} on follow-up.", "Correlate clinically for {x}.", "Correlation for {x} is advised.",
         "Clinical correlation for signs of {x} is suggested.", "Follow up to resolution to exclude {x}.",
         "INDICATION: {x}.", "Clinical history of {x}.", "Patient with suspected {x}, for evaluation.",
         "History: evaluate for {x}.", "REASON FOR EXAM: r/o {x}.", "Eval for {x}.",
         "Assess for interval change in {x}."),
        UNCERTAIN, UNSAID, ABSENT, noun=("evaluation of", "detection of", "exclusion of", "assessment of"),
        drawn=50,
    )  # fmt: skip
    yield from frames.fill(
        ("Sensitivity for {x} is limited.", "Sensitivity for detection of {x} is reduced.",
         "Evaluation for {x} is limited.", "Assessment for {x} is limited by rotation.",
         "Evaluation of {x} is suboptimal.", "Detection of {x} is limited on this supine film.",
         "Limited sensitivity for {x}.", "This technique is insensitive for {x}.",
         "Supine position limits detection of {x}.",
         "Rotation limits evaluation for {x}.", "The film is not sensitive for {x}.",
         "The exam is limited for the detection of {x}.", "Portable technique reduces sensitivity for {x}.",
         "Body habitus precludes evaluation for {x}.", "Not optimal for evaluation of {x}.",
         "Cannot be assessed for {x}.", "The radiograph is limited in assessing for {x}.",
         "Poor inspiration limits assessment for {x}.", "Chest radiography has limited sensitivity for {x}.",
         "Radiographs are insensitive to {x}.", "Evaluation for subtle {x} is degraded by motion.",
         "Motion degrades assessment for {x}.", "Study is nondiagnostic for {x}.",
         "CT is more sensitive for {x}.", "CT would be more sensitive for detection of {x}."),
        UNCERTAIN, UNSAID,
    )  # fmt: skip
    # Controls: the purpose is named and the answer given.
    yield from frames.fill(
        ("Evaluated for {x}: none.", "INDICATION: {x}. FINDINGS: No {x}.",
         "No {x}, CT may be obtained to confirm.",
         "No {x} on this limited study."),
        ABSENT,
    )  # fmt: skip
    yield from frames.fill(
        ("There is {a}; CT is recommended to further evaluate.", "{a} is seen, for which CT is recommended.",
         "{a}, follow-up to resolution is recommended.", "{a} is seen despite limited technique.",
         "INDICATION: {x}. FINDINGS: There is {a}.",
         "Follow-up of {the} is recommended, which is unchanged."),
        PRESENT,
    )  # fmt: skip

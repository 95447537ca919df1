"""Hard sentences by class: word × frame × finding, each with what a careful reader makes of it.

A class is a function below `CLASSES` that yields cases. It multiplies lists of words into frames and frames
into findings, so that no sentence stands alone; where the product is large a fixed draw is taken from it.
Every class holds plain controls of the opposite answer: a reader who doubts or keeps everything must fail.
Everything here is made up; no sentence comes from a report.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import cycle, product

from ccf_pipeline.records import Mention

PRESENT, ABSENT, UNCERTAIN, UNSAID = "present", "absent", "uncertain", "not mentioned"
_RANK = {PRESENT: 3, UNCERTAIN: 2, ABSENT: 1, UNSAID: 0}
_DRAWN = 90


@dataclass(frozen=True)
class Expected:
    """The states that are right for a concept; further fields are judged where they are given."""

    concept: str
    states: tuple[str, ...]
    side: str | None = None
    severity: str | None = None
    temporality: str | None = None


@dataclass(frozen=True)
class Case:
    """A sentence or a short report, the class it stands for, and what it says."""

    kind: str
    text: str
    expected: tuple[Expected, ...]


@dataclass(frozen=True)
class Finding:
    """A finding in words: its noun with the article it takes, and whether it has a side."""

    concept: str
    noun: str
    article: str = ""
    sided: bool = True
    degrees: tuple[str, ...] = ("small", "moderate", "large")
    plural: str | None = None

    @property
    def indefinite(self) -> str:
        return f"{self.article} {self.noun}".strip()


EFFUSION = Finding("fnd_pleural_effusion", "pleural effusion", "a", plural="pleural effusions")
PNEUMOTHORAX = Finding("fnd_pneumothorax", "pneumothorax", "a", plural="pneumothoraces")
CONSOLIDATION = Finding("fnd_consolidation", "consolidation", degrees=("mild", "extensive"))
EDEMA = Finding("fnd_edema", "pulmonary edema", sided=False, degrees=("mild", "moderate", "severe"))
PNEUMONIA = Finding("fnd_pneumonia", "pneumonia", degrees=("extensive",))
ATELECTASIS = Finding("fnd_atelectasis", "atelectasis", degrees=("mild", "moderate", "marked"))
OPACITY = Finding("fnd_lung_opacity", "lung opacity", "a", degrees=("mild",), plural="lung opacities")
NODULE = Finding("fnd_lung_lesion", "lung nodule", "a", degrees=("tiny", "small"), plural="lung nodules")
FRACTURE = Finding("fnd_fracture", "rib fracture", "a", degrees=(), plural="rib fractures")
THICKENING = Finding("fnd_pleural_other", "pleural thickening", degrees=("mild", "marked"))
CARDIOMEGALY = Finding(
    "fnd_cardiomegaly", "cardiomegaly", sided=False, degrees=("mild", "moderate", "severe")
)
PNEUMOMEDIASTINUM = Finding("att_pneumomediastinum", "pneumomediastinum", sided=False, degrees=("small",))
SUBCUTANEOUS = Finding("att_subq_emphysema", "subcutaneous emphysema", degrees=("mild", "extensive"))
CONGESTION = Finding(
    "att_vascular_congestion", "pulmonary vascular congestion", sided=False, degrees=("mild", "moderate")
)
FINDINGS = (
    EFFUSION, PNEUMOTHORAX, CONSOLIDATION, EDEMA, PNEUMONIA, ATELECTASIS, OPACITY, NODULE, FRACTURE,
    THICKENING, CARDIOMEGALY, PNEUMOMEDIASTINUM, SUBCUTANEOUS, CONGESTION,
)  # fmt: skip
SIDED = tuple(finding for finding in FINDINGS if finding.sided)
COUNTED = tuple(finding for finding in FINDINGS if finding.plural)
DEVICES = (
    ("att_ett", "endotracheal tube"),
    ("att_ngt", "nasogastric tube"),
    ("att_picc", "right PICC"),
    ("att_cvc", "left IJ catheter"),
    ("att_chest_tube", "right chest tube"),
    ("att_swan_ganz", "Swan-Ganz catheter"),
)


def generate() -> tuple[Case, ...]:
    """Return all cases, class by class, the same ones each time."""
    return tuple(case for kind, make in CLASSES.items() for case in _draw(kind, make))


def judge(case: Case, mentions: Iterable[Mention], labels: Mapping[str, str]) -> list[str]:
    """Return what was read wrong of a case, in words; nothing where all of it is right.

    An expected concept may be one of several ("a|b"), or the label of a finding ("label:a").
    """
    current = [mention for mention in mentions if mention.temporality != "prior"]
    wrong = []
    for expected in case.expected:
        names = expected.concept.split("|")
        fitting = [m for m in current if m.concept in names and expected.side in (None, m.side)]
        state = max((m.polarity for m in fitting), key=_RANK.__getitem__, default=UNSAID)
        if expected.concept.startswith("label:"):
            state = labels.get(expected.concept.removeprefix("label:"), UNSAID)
        if state not in expected.states:
            place = f"{expected.side} " if expected.side else ""
            wrong.append(f"{place}{expected.concept} {state}, not {' or '.join(expected.states)}")
            continue
        for name in ("severity", "temporality"):
            wanted = getattr(expected, name)
            told = {getattr(mention, name) for mention in fitting}
            if wanted is not None and wanted not in told:
                wrong.append(f"{expected.concept} {name} {', '.join(map(str, told))}, not {wanted}")
    return wrong


# --- how classes are written ----------------------------------------------------------------

_Sentence = tuple[str, tuple[Expected, ...]]


def _draw(kind: str, make: Callable[[random.Random], Iterator[_Sentence]]) -> Iterator[Case]:
    chance = random.Random(f"reading {kind}")
    for text, expected in dict(make(chance)).items():
        yield Case(kind, text, expected)


def _only(concept: str, *states: str, **more: str | None) -> Expected:
    return Expected(concept, states, **more)


@dataclass
class _Frames:
    """Fills frames with findings in turn, and words with the frames' other slots by chance.

    Slots of a finding: {x} bare, {a} with its article, {the} with "the". All other slots are words.
    """

    chance: random.Random
    findings: tuple[Finding, ...] = FINDINGS
    turn: Iterator[Finding] = field(init=False)

    def __post_init__(self) -> None:
        shuffled = list(self.findings)
        self.chance.shuffle(shuffled)
        self.turn = cycle(shuffled)

    def fill(
        self,
        frames: Iterable[str],
        *states: str,
        drawn: int = _DRAWN,
        temporality: str | None = None,
        **words: Iterable[str],
    ) -> Iterator[_Sentence]:
        """Yield the product of frames and words, or a draw of it, each with the next finding."""
        choices = [
            (frame, dict(zip(words, chosen, strict=True)))
            for frame in frames
            for chosen in product(*(tuple(values) for values in words.values()))
        ]
        seen: set[tuple[str, tuple[str, ...]]] = set()
        useful = []
        for frame, chosen in choices:
            used = tuple(value for name, value in chosen.items() if f"{{{name}}}" in frame)
            if (frame, used) not in seen:
                seen.add((frame, used))
                useful.append((frame, chosen))
        if len(useful) > drawn:
            useful = self.chance.sample(useful, drawn)
        for frame, chosen in useful:
            finding = next(self.turn)
            text, side, severity = self._worded(frame, chosen, finding)
            yield text, (_only(
                finding.concept, *states, side=side,
                severity=severity if states == (PRESENT,) else None, temporality=temporality,
            ),)  # fmt: skip

    def _worded(
        self, frame: str, chosen: dict[str, str], finding: Finding
    ) -> tuple[str, str | None, str | None]:
        side = self.chance.choice(("left", "right", None)) if finding.sided else None
        degrees = finding.degrees if "{!" not in frame else ()
        severity = self.chance.choice((*degrees, None, None)) if degrees else None
        bare = " ".join(word for word in (severity, side, finding.noun) if word)
        indefinite = f"a {bare}" if finding.article else bare
        text = frame.replace("{!", "{").format(x=bare, a=indefinite, the=f"the {bare}", **chosen)
        return _sentence(text), side, severity


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) else f"{text}."


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


def _comparisons(chance: random.Random) -> Iterator[_Sentence]:
    frames = _Frames(chance)
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


def _earlier_films(chance: random.Random) -> Iterator[_Sentence]:
    """Controls of the comparisons: a verb of the earlier film makes history."""
    frames = _Frames(chance)
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


def _denied_changes(chance: random.Random) -> Iterator[_Sentence]:
    frames = _Frames(chance)
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


# --- hedges ---------------------------------------------------------------------------------

_ADVERBS = ("", "entirely", "completely", "definitively", "fully", "reliably", "confidently", "absolutely",
            "definitely", "readily", "totally", "easily", "with certainty")  # fmt: skip


def _verbal_hedges(chance: random.Random) -> Iterator[_Sentence]:
    frames = _Frames(chance)
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


def _noun_hedges(chance: random.Random) -> Iterator[_Sentence]:
    frames = _Frames(chance)
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


def _alternatives(chance: random.Random) -> Iterator[_Sentence]:
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
        yield _sentence(text), (_only(a.concept, *first), _only(b.concept, UNCERTAIN))
    for a, b in pairs:
        for text in (
            f"Either {a.noun} or {b.noun}.", f"{a.noun} versus {b.noun}.",
            f"{a.noun} vs {b.noun} at the left base.",
            f"This could be {a.noun} or {b.noun}.", f"Possibly {a.noun} or {b.noun}.",
            f"{a.noun}/{b.noun} is possible.",
            f"Findings suggest {a.noun} or {b.noun}.",
        ):  # fmt: skip
            yield _sentence(text), (_only(a.concept, UNCERTAIN), _only(b.concept, UNCERTAIN))
        yield (
            _sentence(f"There is {a.noun} and {b.noun}"),
            (_only(a.concept, PRESENT), _only(b.concept, PRESENT)),
        )
        yield (
            _sentence(f"{a.noun} rather than {b.noun}"),
            (_only(a.concept, PRESENT, UNCERTAIN), _only(b.concept, ABSENT)),
        )
        yield _sentence(f"No {a.noun} or {b.noun}"), (_only(a.concept, ABSENT), _only(b.concept, ABSENT))


def _marks_of_doubt(chance: random.Random) -> Iterator[_Sentence]:
    frames = _Frames(chance)
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


def _purposes(chance: random.Random) -> Iterator[_Sentence]:
    frames = _Frames(chance)
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


# --- sides and lists ------------------------------------------------------------------------


def _ellipses(chance: random.Random) -> Iterator[_Sentence]:
    """Yield lists that share a noun across sides, with what each side has."""
    one, other = "left", "right"
    for _ in range(2):
        one, other = other, one
        for finding in (EFFUSION, PNEUMOTHORAX, OPACITY, NODULE):
            noun, many, concept = finding.noun, finding.plural or "", finding.concept
            d1, d2 = chance.sample(("small", "moderate", "large", "tiny", "trace"), 2)
            both = (
                _only(concept, PRESENT, side=one, severity=d1),
                _only(concept, PRESENT, side=other, severity=d2),
            )
            for text in (
                f"{d1} {one} and {d2} {other} {many}.", f"{d1} {one} and {d2} {other} {noun}.",
                f"{many}, {d1} on the {one} and {d2} on the {other}.",
                f"Bilateral {many}, {d1} on the {one} and {d2} on the {other}.",
                f"There is a {d1} {one} {noun} and a {d2} {other} {noun}.",
                f"There is a {d1} {one} and a {d2} {other} {noun}.",
                f"{d1} {one}-sided and {d2} {other}-sided {many} are seen.",
                f"{noun} is {d1} on the {one} and {d2} on the {other}.",
                f"{d1} {noun} on the {one}, {d2} on the {other}.",
            ):  # fmt: skip
                yield _sentence(text), both
            split = (_only(concept, PRESENT, side=one), _only(concept, ABSENT, side=other))
            for text in (
                f"There is a {one} {noun} but no {other} {noun}.", f"{one} but not {other} {noun}.",
                f"{noun} on the {one}, none on the {other}.",
                f"{d1} {noun} on the {one}, but none on the {other}.",
                f"{d1} {one} {noun}, no {other} {noun}.", f"{noun} on the {one} but not on the {other}.",
                f"No {other} {noun}; {d1} {one} {noun}.", f"No {noun} on the {other}, {d1} on the {one}.",
                f"{d1} {one} {noun} and no {other} {noun}.",
                f"No {noun} on the {other}; there is one on the {one}.",
                f"{noun} is present on the {one} and absent on the {other}.",
                f"There is no {other} {noun}, but there is a {d1} {one} {noun}.",
                f"{one} {noun} without {other} {noun}.",
                f"The {other} {noun} has resolved, the {one} {noun} persists.",
                f"The {one} {noun} is unchanged, the {other} has resolved.",
            ):  # fmt: skip
                yield _sentence(text), split
            for text in (
                f"No {one} or {other} {noun}.", f"Neither a {one} nor a {other} {noun} is seen.",
                f"No {noun} on the {one} or {other}.", f"No {noun} on either side.",
                f"No {many} on either side.",
            ):  # fmt: skip
                yield _sentence(text), (_only(concept, ABSENT),)
            for text in (
                f"{one} greater than {other} {many}.", f"Bilateral {many}, {one} greater than {other}.",
                f"Bilateral {many}, {one} larger than {other}.", f"{one} > {other} {many}.",
            ):  # fmt: skip
                yield _sentence(text), (_only(concept, PRESENT),)
            left = (_only(concept, PRESENT, side=one),)
            for text in (
                f"{one} lower lobe {noun}.", f"{noun} in the {one} hemithorax.", f"{noun} on the {one}.",
                f"{one}-sided {noun}, the {other} side is clear.", f"{noun} at the {one} base.",
            ):  # fmt: skip
                yield _sentence(text), left
            parts = (_only(concept, PRESENT, side=one), _only(concept, PRESENT, side=other))
            if finding in (OPACITY, NODULE):
                for text in (
                    f"{one} lower and {other} upper lobe {many}.",
                    f"{one} upper lobe and {other} lower lobe {many}.",
                    f"{many} in the {one} upper and {other} lower lobes.",
                    f"{many} at the {one} base and in the {other} upper lobe.",
                    f"{one} apical and {other} basilar {many}.",
                ):  # fmt: skip
                    yield _sentence(text), parts


# --- devices --------------------------------------------------------------------------------


def _devices(chance: random.Random) -> Iterator[_Sentence]:
    moved = (
        "has been withdrawn 2 cm", "has been withdrawn slightly", "was pulled back 3 cm",
        "has been pulled back",
        "has been advanced", "has been repositioned", "has been retracted by 2 cm", "was exchanged",
        "has been replaced",
        "should be withdrawn 3 cm", "could be pulled back 2 cm", "needs to be advanced",
        "has been readjusted",
        "has been partially withdrawn", "has not been removed", "remains in place", "is unchanged",
        "is in place",
        "has been changed over a wire", "has been slightly withdrawn, tip now above the carina",
        "may be removed", "can be removed", "should be removed", "has migrated",
        "was advanced since the prior study",
        "is seen", "terminates in expected position", "has been withdrawn with tip now 4 cm above the carina",
        "is to be removed", "has been retracted", "is seen; recommend removal",
    )  # fmt: skip
    removed = (
        "has been removed", "was removed", "removed", "has been discontinued", "has been taken out",
        "has been pulled", "is no longer present", "is no longer seen", "has been withdrawn completely",
        "is out", "has come out", "has since been removed", "has been removed in the interval", "is absent",
        "were removed", "has been explanted", "is not seen", "has been completely withdrawn",
        "no longer visualized",
    )  # fmt: skip
    for (concept, name), phrase in product(DEVICES, moved):
        if chance.random() < 0.5:
            yield _sentence(f"The {name} {phrase}"), (_only(concept, PRESENT),)
    for (concept, name), phrase in product(DEVICES, removed):
        if chance.random() < 0.6:
            yield _sentence(f"The {name} {phrase}"), (_only(concept, ABSENT),)
    for concept, name in DEVICES:
        for text in (f"Interval removal of the {name}.", f"Status post removal of {name}.", f"No {name}.",
                     f"Removal of the {name}.", f"{name} removed in the interval.",
                     f"There has been interval removal of the {name}.",
                     f"Since the prior study, the {name} has been removed."):  # fmt: skip
            yield _sentence(text), (_only(concept, ABSENT),)
        for text in (f"Interval placement of {name}.", f"New {name}.",
                     f"Interval repositioning of the {name}.",
                     f"Interval advancement of the {name}.", f"Interval exchange of the {name}.",
                     f"Partial withdrawal of the {name}.", f"Interval retraction of the {name} by 2 cm.",
                     f"Status post placement of {name}.", f"No change in the {name}.",
                     f"The {name} is not malpositioned.",
                     f"Consider removal of the {name}.", f"Before removal of the {name}."):  # fmt: skip
            yield _sentence(text), (_only(concept, PRESENT),)
    for text in ("The patient has been extubated.", "Interval extubation.", "Status post extubation.",
                 "The patient was extubated in the interval."):  # fmt: skip
        yield text, (_only("att_ett", ABSENT),)
    for text in ("The patient is intubated.", "The patient remains intubated.", "Interval intubation.",
                 "Status post intubation."):  # fmt: skip
        yield text, (_only("att_ett", PRESENT),)


def _malpositions(chance: random.Random) -> Iterator[_Sentence]:
    bad = (
        "is malpositioned", "is coiled in the neck", "has its tip in the right mainstem bronchus",
        "is too low",
        "is too high", "should be pulled back 3 cm", "should be advanced", "should be repositioned",
        "needs to be withdrawn", "is low in position", "is kinked", "is in suboptimal position",
        "is not in satisfactory position", "is not in good position", "requires repositioning",
        "ends in the wrong place", "is in an abnormal position", "is not in standard position",
        "is high in position", "must be withdrawn by 2 cm", "is poorly positioned", "recommend repositioning",
        "could be advanced 5 cm", "projects in the right main bronchus", "needs to be repositioned",
        "is looped",
    )  # fmt: skip
    good = (
        "is in satisfactory position", "is in standard position", "is appropriately positioned",
        "is well positioned",
        "is in good position", "is in expected position", "is in adequate position",
        "remains in appropriate position",
        "has been repositioned and is now in good position", "is not malpositioned", "is without malposition",
        "is unchanged in position", "shows no malposition", "is in place", "is in proper position",
        "shows no kink", "is in correct position",
    )  # fmt: skip
    for phrase in bad:
        yield (
            _sentence(f"The endotracheal tube {phrase}"),
            (_only("att_ett", PRESENT), _only("nrm_devices_ok", UNSAID, ABSENT),
             Expected("att_device_malposition|att_ett_malposition", (PRESENT,))),
        )  # fmt: skip
    for phrase in good:
        for concept, name in DEVICES[:3]:
            yield (
                _sentence(f"The {name} {phrase}"),
                (
                    _only(concept, PRESENT),
                    Expected("att_device_malposition|att_ett_malposition", (UNSAID, ABSENT)),
                ),
            )
    for text in (
        "No malpositioned line.", "No evidence of malposition.", "Lines and tubes are in good position.",
        "All tubes are appropriately positioned.", "No device malposition.",
    ):  # fmt: skip
        yield text, (Expected("att_device_malposition|att_ett_malposition", (UNSAID, ABSENT)),)
    for phrase in ("may be malpositioned", "is possibly malpositioned", "malposition cannot be excluded",
                   "position is uncertain, malposition is possible"):  # fmt: skip
        yield (
            _sentence(f"The endotracheal tube {phrase}"),
            (Expected("att_device_malposition|att_ett_malposition", (UNCERTAIN,)), _only("att_ett", PRESENT)),
        )


# --- collapse -------------------------------------------------------------------------------


def _collapses(chance: random.Random) -> Iterator[_Sentence]:
    lobes = (
        "left lower lobe",
        "right upper lobe",
        "right middle lobe",
        "LLL",
        "RUL",
        "RML",
        "right lower lobe",
        "lingular",
    )
    for lobe in lobes:
        side = "left" if lobe[0] in "lL" else "right"
        for frame in (
            "{lobe} collapse.", "Complete {lobe} collapse.", "Collapse of the {lobe}.",
            "The {lobe} is collapsed.",
            "Partial collapse of the {lobe}.", "There is persistent {lobe} collapse.",
            "{lobe} has collapsed.",
            "Collapsed {lobe}.", "{lobe} collapse/consolidation.", "Worsening {lobe} collapse.",
            "Volume loss consistent with {lobe} collapse.", "No change in {lobe} collapse.",
            "Near-complete collapse of the {lobe}.",
        ):  # fmt: skip
            if lobe == "lingular" and "{lobe} collapse" not in frame:
                continue
            yield _sentence(frame.format(lobe=lobe)), (_only("fnd_atelectasis", PRESENT, side=side),)
        for frame in (
            "No {lobe} collapse.", "{lobe} collapse has resolved.", "No evidence of {lobe} collapse.",
            "Resolution of {lobe} collapse.", "Without {lobe} collapse.",
        ):  # fmt: skip
            yield _sentence(frame.format(lobe=lobe)), (_only("fnd_atelectasis", ABSENT),)
        for frame in (
            "{lobe} collapse cannot be excluded.", "Possible {lobe} collapse.", "?{lobe} collapse.",
            "{lobe} opacity, collapse versus consolidation.",
        ):  # fmt: skip
            yield _sentence(frame.format(lobe=lobe)), (_only("fnd_atelectasis", UNCERTAIN),)
    for level in ("T8", "T12", "L1", "mid thoracic", "T7"):
        for frame in (
            "{level} vertebral body collapse.", "Collapse of the {level} vertebral body.",
            "The {level} vertebra is collapsed.", "Partial collapse of {level} vertebral body.",
            "{level} vertebral collapse is unchanged.",
        ):  # fmt: skip
            yield (
                _sentence(frame.format(level=level)),
                (_only("fnd_atelectasis", UNSAID), _only("att_vertebral_compression", PRESENT)),
            )
    for text in ("Tracheal collapse on expiration.", "The patient collapsed at home.",
                 "INDICATION: collapse.",
                 "HISTORY: Collapse, found down.", "Collapsed IVC on echo.", "Humeral head collapse.",
                 "Collapsed at work. Lungs are clear."):  # fmt: skip
        yield text, (_only("fnd_atelectasis", UNSAID, ABSENT),)
    for text in ("No collapse.", "No collapse or consolidation.", "No consolidation, collapse or effusion.",
                 "No lobar collapse.", "Lungs clear, no collapse."):  # fmt: skip
        yield text, (_only("fnd_atelectasis", ABSENT),)


# --- dictation ------------------------------------------------------------------------------


def _dictations(chance: random.Random) -> Iterator[_Sentence]:
    words = (
        ("eff", "fnd_pleural_effusion"), ("pl eff", "fnd_pleural_effusion"), ("effs", "fnd_pleural_effusion"),
        ("pleural effs", "fnd_pleural_effusion"), ("PTX", "fnd_pneumothorax"), ("ptx", "fnd_pneumothorax"),
        ("PNA", "fnd_pneumonia"), ("pna", "fnd_pneumonia"), ("infxn", "fnd_pneumonia"), ("atx",
         "fnd_atelectasis"),
        ("atel", "fnd_atelectasis"), ("consol", "fnd_consolidation"), ("opac", "fnd_lung_opacity"),
        ("opacs", "fnd_lung_opacity"), ("fx", "fnd_fracture"), ("rib fx", "fnd_fracture"), ("rib fxs",
         "fnd_fracture"),
        ("LAD", "att_lymphadenopathy"), ("hilar LAD", "att_lymphadenopathy"), ("vol loss", "att_volume_loss"),
        ("pulm edema", "fnd_edema"), ("interst edema", "fnd_edema"), ("CHF", "att_chf_pattern"),
        ("vasc congestion", "att_vascular_congestion"), ("pulm vasc congestion", "att_vascular_congestion"),
        ("cardiomeg", "fnd_cardiomegaly"), ("nod", "fnd_lung_lesion"),
        ("pulm nods", "fnd_lung_lesion"), ("pl thickening", "fnd_pleural_other"),
        ("subq emphysema", "att_subq_emphysema"), ("SQ emphysema", "att_subq_emphysema"),
        ("hyperinfl", "att_hyperinflation"), ("GGO", "att_ground_glass"),
        ("infilt", "fnd_lung_opacity"), ("infiltrate", "fnd_lung_opacity"), ("compression fx",
         "att_vertebral_compression"),
    )  # fmt: skip
    denials = (
        "No {w}.",
        "no {w}",
        "w/o {w}",
        "No e/o {w}.",
        "neg for {w}",
        "No acute {w}.",
        "NO {w}",
        "No evid of {w}.",
    )
    assertions = ("{w}.", "There is {w}.", "c/w {w}", "Unch {w}.", "New {w}.", "Stable {w}", "Incr {w}.",
                  "Decr {w}.",
                  "+{w}", "pt has {w}", "Findings c/w {w}.")  # fmt: skip
    doubts = ("Poss {w}.", "poss. {w}", "?{w}", "c/f {w}", "s/o {w}", "{w} poss.", "cannot r/o {w}",
              "{w} not excl.", "susp {w}",
              "? {w}", "{w} vs artifact")  # fmt: skip
    for (word, concept), (frames, states, number) in product(
        words, ((denials, (ABSENT,), 2), (assertions, (PRESENT,), 2), (doubts, (UNCERTAIN,), 2))
    ):
        for frame in chance.sample(frames, number):
            if frame == "No acute {w}." and concept not in ("fnd_pneumonia", "fnd_pneumothorax"):
                frame = "No {w}."
            yield frame.format(w=word), (_only(concept, *states),)
    sides = (("L", "left"), ("R", "right"), ("lt", "left"), ("rt", "right"), ("Lt", "left"), ("R-sided",
             "right"),
             ("bilat", "bilateral"), ("b/l", "bilateral"), ("LLL", "left"), ("RUL", "right"), ("RLL",
              "right"),
             ("L basilar", "left"), ("R basal", "right"), ("bibas", "bilateral"))  # fmt: skip
    degrees = (
        ("sm", "small"),
        ("mod", "moderate"),
        ("lg", "large"),
        ("tr", "trace"),
        ("min", "minimal"),
        ("sl", "slight"),
    )
    for (short, side), (word, concept) in product(
        sides, (("eff", "fnd_pleural_effusion"), ("atel", "fnd_atelectasis"), ("opac", "fnd_lung_opacity"))
    ):
        grade, severity = chance.choice(degrees)
        text = f"{grade} {short} {word}" if concept != "fnd_lung_opacity" else f"{short} {word}"
        yield text, (_only(concept, PRESENT, side=side, severity=None if "opac" in word else severity),)
    for text, concept, state in (
        ("Heart WNL.", "fnd_cardiomegaly", ABSENT),
        ("Heart sl enlarged.", "fnd_cardiomegaly", PRESENT), ("Heart size nml.", "fnd_cardiomegaly", ABSENT),
        ("Heart mildly enl.", "fnd_cardiomegaly", PRESENT), ("Mild cardiomeg.", "fnd_cardiomegaly", PRESENT),
        ("Lungs clr.", "fnd_lung_opacity", ABSENT), ("Lungs CTA.", "fnd_pneumothorax", UNSAID),
        ("Lungs nl.", "fnd_lung_opacity", ABSENT), ("Bones nl.", "fnd_lung_lesion", UNSAID),
        ("NAD.", "nrm_no_acute_process|fnd_no_finding", PRESENT), ("No acute cardiopulm dz.",
         "nrm_no_acute_process", PRESENT),
        ("CXR nl.", "fnd_no_finding", PRESENT),
        ("CXR neg.", "fnd_no_finding", PRESENT), ("Nml chest.", "fnd_no_finding", PRESENT),
        ("4 cm infrahilar LAD", "att_lymphadenopathy", PRESENT), ("No acute dz.", "nrm_no_acute_process",
         PRESENT),
        ("Nodule 2 CM.", "fnd_cardiomegaly", UNSAID), ("ETT 3 CM above carina.", "fnd_cardiomegaly", UNSAID),
        ("LAD stent.", "att_lymphadenopathy", UNSAID), ("Calcified LAD.", "att_lymphadenopathy", UNSAID),
    ):  # fmt: skip
        yield text, (_only(concept, state),)


# --- negated normals and qualified denials --------------------------------------------------


def _negated_normals(chance: random.Random) -> Iterator[_Sentence]:
    adverbs = ("", "entirely", "completely", "quite", "fully")
    nots = ("is not", "isn't", "does not appear", "is no longer", "was not")
    table = (
        ("heart", "normal in size", "nrm_normal_heart", "fnd_cardiomegaly", (PRESENT, UNCERTAIN)),
        ("cardiac silhouette", "normal", "nrm_normal_heart", "fnd_cardiomegaly", (PRESENT, UNCERTAIN)),
        ("right lung", "clear", "nrm_clear_lungs", "fnd_lung_opacity", (UNSAID, PRESENT, UNCERTAIN)),
        ("left lung", "well expanded", "nrm_normal_volumes", "att_hyperinflation", (UNSAID,)),
        ("left lung", "fully inflated", "nrm_normal_volumes", "att_hyperinflation", (UNSAID,)),
        ("right lung", "well aerated", "nrm_normal_volumes|nrm_clear_lungs", "att_hyperinflation", (UNSAID,)),
        ("mediastinum", "normal", "nrm_normal_mediastinum", "nrm_midline", (UNSAID,)),
        ("left costophrenic angle", "sharp", "nrm_sharp_cpa", "att_blunted_cpa",
         (UNSAID, PRESENT, UNCERTAIN)),
        ("trachea", "midline", "nrm_midline", "nrm_trachea_midline", (UNSAID, ABSENT)),
        ("left hemidiaphragm", "well defined", "nrm_diaphragm_normal", "nrm_no_effusion", (UNSAID,)),
        ("pulmonary vasculature", "normal", "nrm_normal_vascularity", "nrm_no_congestion", (UNSAID,)),
        ("right hilum", "normal", "nrm_hila_normal", "nrm_no_nodule_mass", (UNSAID,)),
        ("tube", "in satisfactory position", "nrm_devices_ok", "nrm_no_devices", (UNSAID,)),
        ("rib cage", "intact", "nrm_bones_intact", "nrm_no_acute_fracture", (UNSAID,)),
    )  # fmt: skip
    for (part, normal, state, finding, states), verb in product(table, nots):
        adverb = chance.choice(adverbs)
        expected = (_only(state, UNSAID, ABSENT), _only(finding, *states))
        yield _sentence(f"The {part} {verb} {adverb} {normal}"), expected
    for part, normal, state, finding, _ in table:
        yield _sentence(f"Not {normal}: the {part}"), (_only(state, UNSAID, ABSENT),)
        yield (
            _sentence(f"The {part} is {normal}"),
            (_only(state, PRESENT), _only(finding, ABSENT, UNSAID, PRESENT)),
        )
        yield _sentence(f"The {part} remains {normal}"), (_only(state, PRESENT),)
    for text, concept, states in (
        ("Lungs are not well expanded.", "nrm_normal_volumes", (ABSENT, UNSAID)),
        ("Lungs are not well expanded.", "att_low_lung_volumes", (PRESENT, UNSAID)),
        ("The lungs are not fully expanded.", "att_low_lung_volumes", (PRESENT, UNSAID)),
        ("The lungs are less than fully inflated.", "nrm_normal_volumes", (ABSENT, UNSAID)),
        ("Lungs are poorly expanded.", "nrm_normal_volumes", (ABSENT, UNSAID)),
        ("Lungs are underexpanded.", "nrm_normal_volumes", (ABSENT, UNSAID)),
        ("Lungs are not hyperinflated.", "att_hyperinflation", (ABSENT,)),
        ("The lungs are far from clear.", "nrm_clear_lungs", (ABSENT, UNSAID)),
        ("The lungs are anything but clear.", "nrm_clear_lungs", (ABSENT, UNSAID)),
        ("Abnormal chest.", "fnd_no_finding", (UNSAID, ABSENT)),
        ("Not a normal chest radiograph.", "fnd_no_finding", (UNSAID, ABSENT)),
        ("The chest is not normal.", "fnd_no_finding", (UNSAID, ABSENT)),
        ("The study is not normal.", "fnd_no_finding", (UNSAID, ABSENT)),
        ("Heart is nonenlarged.", "fnd_cardiomegaly", (ABSENT,)),
        ("Nonenlarged heart.", "fnd_cardiomegaly", (ABSENT,)),
        ("Non-enlarged cardiac silhouette.", "fnd_cardiomegaly", (ABSENT,)),
        ("The heart appears nonenlarged.", "fnd_cardiomegaly", (ABSENT,)),
        ("Unenlarged heart.", "fnd_cardiomegaly", (ABSENT,)),
        ("Cardiomediastinal silhouette is non-enlarged.", "fnd_enlarged_cardiomediastinum", (ABSENT,)),
        ("The heart is not abnormally enlarged.", "fnd_cardiomegaly", (ABSENT,)),
        ("The heart is not abnormal.", "fnd_cardiomegaly", (ABSENT, UNSAID)),
        ("Heart size is normal, not enlarged.", "fnd_cardiomegaly", (ABSENT,)),
        ("The mediastinum is nonwidened.", "fnd_enlarged_cardiomediastinum", (ABSENT,)),
        ("Nondilated aorta.", "att_aortic_aneurysm", (ABSENT, UNSAID)),
        ("Lungs are nonconsolidated.", "fnd_consolidation", (ABSENT, UNSAID)),
        ("The trachea is nondeviated.", "att_tracheal_deviation", (ABSENT, UNSAID)),
        ("Noncalcified nodule.", "att_calcified_granuloma", (ABSENT, UNSAID)),
        ("Noncalcified pulmonary nodule in the right apex.", "fnd_lung_lesion", (PRESENT,)),
        ("Nondisplaced rib fracture.", "fnd_fracture", (PRESENT,)),
        ("Nondisplaced rib fracture.", "att_displacement", (ABSENT, UNSAID)),
        ("Nonloculated effusion.", "fnd_pleural_effusion", (PRESENT,)),
        ("Nonobstructive atelectasis.", "fnd_atelectasis", (PRESENT,)),
        ("Healed rib deformities.", "label:fnd_fracture", (PRESENT,)),
        ("Old healed left rib deformities.", "att_healed_fracture", (PRESENT,)),
        ("Old right rib deformity.", "label:fnd_fracture", (PRESENT, UNCERTAIN)),
        ("Healed deformity of the right clavicle.", "label:fnd_fracture", (PRESENT,)),
        ("Chronic post-traumatic deformities of the left ribs.", "label:fnd_fracture", (PRESENT,)),
        ("Remote healed rib fractures.", "att_healed_fracture", (PRESENT,)),
        ("Calcified mediastinal node.", "fnd_enlarged_cardiomediastinum", (UNSAID,)),
        ("Calcified mediastinal lymph nodes.", "fnd_enlarged_cardiomediastinum", (UNSAID,)),
        ("Prominent calcified mediastinal lymph node.", "fnd_enlarged_cardiomediastinum", (UNSAID,)),
        ("Large calcified mediastinal lymph nodes.", "fnd_enlarged_cardiomediastinum", (UNSAID,)),
        ("Calcified hilar and mediastinal nodes, unchanged.", "fnd_enlarged_cardiomediastinum", (UNSAID,)),
        ("Calcified right paratracheal node.", "fnd_enlarged_cardiomediastinum", (UNSAID,)),
        ("Negative.", "fnd_no_finding", (PRESENT,)),
        ("IMPRESSION: Negative.", "fnd_no_finding", (PRESENT,)),
        ("Normal.", "fnd_no_finding", (PRESENT,)),
        ("IMPRESSION: Normal.", "fnd_no_finding", (PRESENT,)),
        ("Unremarkable.", "fnd_no_finding", (PRESENT,)),
        ("Negative chest.", "fnd_no_finding", (PRESENT,)),
        ("Negative examination.", "fnd_no_finding", (PRESENT,)),
        ("IMPRESSION: Negative chest x-ray.", "fnd_no_finding", (PRESENT,)),
        ("Negative for pneumothorax.", "fnd_no_finding", (UNSAID,)),
    ):  # fmt: skip
        yield text, (_only(concept, *states),)


def _qualified_denials(chance: random.Random) -> Iterator[_Sentence]:
    normal = {
        "fnd_pleural_effusion": "nrm_no_effusion", "fnd_pneumothorax": "nrm_no_pneumothorax",
        "fnd_consolidation": "nrm_no_consolidation", "fnd_edema": "nrm_no_edema",
        "fnd_pneumonia": "nrm_no_pneumonia",
    }  # fmt: skip
    findings = (EFFUSION, PNEUMOTHORAX, CONSOLIDATION, EDEMA, PNEUMONIA)
    narrow = ("large", "sizable", "overt", "gross", "massive", "large-volume", "substantial",
              "sizeable", "significantly large", "moderate or large", "large or moderate")  # fmt: skip
    openings = ("No", "There is no", "Without", "No evidence of")
    for finding, word in product(findings, narrow):
        opening = chance.choice(openings)
        expected = (_only(finding.concept, ABSENT, UNCERTAIN), _only(normal[finding.concept], UNSAID))
        yield _sentence(f"{opening} {word} {finding.noun}"), expected
    plain = ("definite", "convincing", "obvious", "evident", "visible", "discernible", "focal",
             "identifiable",
             "apparent", "radiographic evidence of", "evidence of any", "clear")  # fmt: skip
    for finding, word in product(findings, plain):
        yield (
            _sentence(f"{chance.choice(openings[:3])} {word} {finding.noun}"),
            (_only(finding.concept, ABSENT, UNCERTAIN),),
        )
    for finding in (EFFUSION, PNEUMOTHORAX, ATELECTASIS, EDEMA):
        for frame in ("No more than trace {x}.", "At most a trace {x}.", "No more than mild {x}.",
                      "Trace {x} at most.",
                      "Nothing more than minimal {x}.", "No worse than mild {x}.", "Only trace {x}.",
                      "No significant {x}, trace at most.", "Not more than minimal {x}."):  # fmt: skip
            states = (ABSENT, UNCERTAIN) if "significant" in frame else (PRESENT, UNCERTAIN)
            yield _sentence(frame.format(x=finding.noun)), (_only(finding.concept, *states),)
        for frame in ("No {x} of significant size.", "No {x} of any size.", "No {x} of note.",
                      "No {x} whatsoever.",
                      "No {x} at all."):  # fmt: skip
            yield _sentence(frame.format(x=finding.noun)), (_only(finding.concept, ABSENT, UNCERTAIN),)
    yield from (
        ("Vascular congestion without overt edema.", (_only("label:fnd_edema", ABSENT, UNCERTAIN),)),
        ("Pulmonary vascular congestion. No overt edema.", (_only("label:fnd_edema", ABSENT, UNCERTAIN),)),
        ("Mild congestion, no overt pulmonary edema.", (_only("label:fnd_edema", ABSENT, UNCERTAIN),)),
        ("Mild vascular congestion but no edema.", (_only("label:fnd_edema", ABSENT, UNCERTAIN),)),
        ("There is pulmonary vascular congestion with no frank edema.", (_only("label:fnd_edema",
         ABSENT, UNCERTAIN),)),
        ("Pulmonary vascular congestion.", (_only("label:fnd_edema", PRESENT, UNCERTAIN),)),
        ("Pulmonary vascular congestion with edema.", (_only("label:fnd_edema", PRESENT),)),
        ("No acute displaced rib fracture.", (_only("fnd_fracture", ABSENT),)),
        ("No displaced rib fracture.", (_only("fnd_fracture", ABSENT, UNCERTAIN),
         _only("nrm_no_acute_fracture", UNSAID))),
        ("No acute rib fracture.", (_only("nrm_no_acute_fracture", PRESENT),)),
        ("No lobar consolidation.", (_only("fnd_consolidation", ABSENT),)),
        ("No new consolidation.", (_only("fnd_consolidation", ABSENT, UNCERTAIN),)),
        ("No tension pneumothorax.", (_only("fnd_pneumothorax", ABSENT, UNCERTAIN, UNSAID),)),
        ("No pneumothorax under tension.", (_only("fnd_pneumothorax", ABSENT, UNCERTAIN, UNSAID),)),
    )  # fmt: skip


# --- exceptions, answers and what was done before ---------------------------------------------


def _exceptions(chance: random.Random) -> Iterator[_Sentence]:
    """Yield a finding that is denied but for one place, double denials, and answers behind a colon."""
    degrees = ("", "a trace", "a small amount")
    excepts = ("except", "except for", "other than", "apart from", "with the exception of")
    for finding, side in product(SIDED, ("left", "right")):
        word, degree = chance.choice(excepts), chance.choice(degrees)
        place = chance.choice((f"at the {side} base", f"on the {side}", f"in the {side} upper zone"))
        if degree and finding in (EFFUSION, PNEUMOTHORAX):
            word = {"except": "except for"}.get(word, word)
            yield f"No {finding.noun} {word} {degree} {place}.", (_only(finding.concept, PRESENT, side=side),)
        else:
            yield f"No {finding.noun} except {place}.", (_only(finding.concept, PRESENT, side=side),)
        known = f"No {finding.noun} {chance.choice(excepts[1:])} the known {side} one."
        yield known, (_only(finding.concept, PRESENT, side=side),)
    frames = _Frames(chance)
    yield from frames.fill(
        ("The chest is not {free} {!x}.", "The lungs are not {how} {free} {!x}.", "This is not {free} {!x}.",
         "The film is not {normal}: there is {a}.", "The study is not {normal}; {a} is seen.",
         "The base is not {odd}, compatible with {x}."),
        PRESENT, free=("free of", "clear of", "without"), how=("entirely", "completely", "quite"),
        normal=("normal", "negative", "unremarkable", "clear"), odd=("ventilated", "transradiant"),
    )  # fmt: skip
    yield from frames.fill(
        ("{x}: {open}.", "Neither {!x} nor cavitation can be {verb}.", "Hazy film, {!x} v. artifact."),
        UNCERTAIN, open=("unable to exclude", "cannot be excluded", "possible", "not excluded"),
        verb=("excluded", "ruled out"),
    )  # fmt: skip
    yield from frames.fill(
        ("{film} {done} to {ask} {!x}.", "{film} {done} for exclusion of {!x}."), UNSAID,
        film=("Portable film", "Single view", "A second radiograph", "Examination"),
        done=("obtained", "performed", "was acquired"),
        ask=("evaluate for", "assess for", "detect", "rule out", "exclude"), drawn=40,
    )  # fmt: skip
    yield from frames.fill(
        ("{the} seen earlier, which has since {gone}.", "There was {a}, which has since {gone}.",
         "{x} negative, bowel gas positive.", "{a} was described on CT but is not {seen} on this film."),
        ABSENT, gone=("resolved", "cleared", "disappeared"), seen=("visible", "seen", "identified"),
    )  # fmt: skip
    yield from _Frames(chance, (EDEMA, CARDIOMEGALY, PNEUMOMEDIASTINUM)).fill(
        ("{film} {done} to {ask} {!x}, and none is seen.", "{day} there was {a}; today there is none."),
        ABSENT, film=("A film", "This view"), done=("was acquired", "was taken"),
        ask=("detect", "assess for"), day=("Yesterday", "Earlier", "Initially"),
    )  # fmt: skip
    for finding in SIDED:
        noun = finding.noun
        yield f"The left {noun} has {chance.choice(('cleared', 'resolved'))}, the right has not.", (
            _only(finding.concept, ABSENT, side="left"), _only(finding.concept, PRESENT, side="right"),
        )  # fmt: skip
        yield f"{noun} at the right base, none at the apex.", (_only(finding.concept, PRESENT, side="right"),)


# --- plain controls -------------------------------------------------------------------------


def _controls(chance: random.Random) -> Iterator[_Sentence]:
    frames = _Frames(chance)
    yield from frames.fill(
        ("There is {a}.", "{x}.", "{a} is seen.", "{a} is present.", "Again seen is {a}.",
         "The film shows {a}.",
         "FINDINGS: {x}.", "IMPRESSION: 1. {x}.", "{x} is noted.", "Interval development of {x}.",
         "Consistent with {x}.",
         "The patient has developed {a}.", "Findings: there is {a}, otherwise clear.", "{a} has developed.",
         "Known {!x}, which is again seen."),
        PRESENT, drawn=60,
    )  # fmt: skip
    yield from frames.fill(
        ("There is no {x}.", "No {x}.", "No evidence of {x}.", "{x} is not seen.", "{x} is absent.",
         "Without {x}.",
         "Negative for {x}.", "Free of {x}.", "No {x} is identified.", "{x}: none.", "{x}: no.",
         "No sign of {x}.",
         "There is no evidence for {x}.", "{x} not present.", "Absence of {x}.", "{x} has been excluded.",
         "No {x} or other acute abnormality.", "The lungs show no {x}.", "No visible {x}."),
        ABSENT, drawn=60,
    )  # fmt: skip
    pairs = list(zip(FINDINGS, FINDINGS[3:] + FINDINGS[:3], strict=True))
    for a, b in pairs:
        for text, first, second in (
            (f"No {a.noun} but {b.noun} is present.", ABSENT, PRESENT),
            (f"{a.noun} without {b.noun}.", PRESENT, ABSENT),
            (f"No {a.noun} or {b.noun}.", ABSENT, ABSENT),
            (f"{a.noun} and {b.noun}.", PRESENT, PRESENT),
            (f"No {a.noun}. {b.noun} is unchanged.", ABSENT, PRESENT),
            (f"No change in {a.noun}, no {b.noun}.", PRESENT, ABSENT),
            (f"{a.noun} has not resolved; no {b.noun}.", PRESENT, ABSENT),
            (f"{a.noun} cannot be excluded, no {b.noun}.", UNCERTAIN, ABSENT),
            (f"There is {a.noun}, which may be due to {b.noun}.", PRESENT, UNCERTAIN),
            (f"No {a.noun}; {b.noun} should be considered.", ABSENT, UNCERTAIN),
            (f"Compared to the prior study, no {a.noun} but new {b.noun}.", ABSENT, PRESENT),
        ):  # fmt: skip
            if {a.concept, b.concept} != {"fnd_edema", "att_vascular_congestion"}:
                yield _sentence(text), (_only(a.concept, first), _only(b.concept, second))


CLASSES: dict[str, Callable[[random.Random], Iterator[_Sentence]]] = {
    "comparing openings": _comparisons,
    "verbs of earlier films": _earlier_films,
    "denied change": _denied_changes,
    "verbal hedges": _verbal_hedges,
    "noun hedges": _noun_hedges,
    "alternatives": _alternatives,
    "marks of doubt": _marks_of_doubt,
    "purpose and limits": _purposes,
    "ellipsis across sides": _ellipses,
    "devices moved or removed": _devices,
    "malposition": _malpositions,
    "collapse": _collapses,
    "dictation": _dictations,
    "negated normals": _negated_normals,
    "qualified denials": _qualified_denials,
    "exceptions and answers": _exceptions,
    "plain controls": _controls,
}

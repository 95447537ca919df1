"""Made-up reports with a sentence that only continues a finding, and edits with the verdict each deserves.

Every report has a finding, one that stays beside it, and a dependent of the first at some distance. Six
edits are made of it: the finding goes and the dependent stays (refuse), or goes with it (accept); the other
finding goes and the dependent stays (accept), or goes with that (refuse); a third finding is added between
the finding and its dependent (refuse), or before both (accept).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from ccf_pipeline.records import Direction, Pair

ADVICE_CLASSES = ("advice", "communication")


@dataclass(frozen=True)
class Finding:
    """A finding as a report tells it, denies it, and points back to it."""

    concept: str
    told: str
    short: str
    denied: str
    noun: str
    is_plural: bool = False
    traits: frozenset[str] = frozenset()


def _finding(concept: str, told: str, short: str, denied: str, noun: str, *traits: str) -> Finding:
    return Finding(concept, told, short, denied, noun, "plural" in traits, frozenset(traits))


FINDINGS = (
    _finding(
        "fnd_lung_lesion",
        "There is a rounded nodule in the right upper lobe.",
        "Right upper lobe nodule.",
        "No pulmonary nodule or mass.",
        "nodule",
        "sized",
        "caused",
        "imaged",
    ),
    _finding(
        "fnd_lung_lesion",
        "There are several nodules in both lungs.",
        "Bilateral pulmonary nodules.",
        "No pulmonary nodule or mass.",
        "nodules",
        "sized",
        "caused",
        "imaged",
        "plural",
    ),
    _finding(
        "fnd_pleural_effusion",
        "There is a small left pleural effusion.",
        "Small left pleural effusion.",
        "No pleural effusion.",
        "effusion",
        "sized",
        "watched",
    ),
    _finding(
        "fnd_pneumothorax",
        "There is a small right apical pneumothorax.",
        "Small right apical pneumothorax.",
        "No pneumothorax.",
        "pneumothorax",
        "sized",
        "watched",
        "urgent",
    ),
    _finding(
        "fnd_consolidation",
        "There is consolidation in the left lower lobe.",
        "Left lower lobe consolidation.",
        "No focal consolidation.",
        "consolidation",
        "caused",
        "watched",
        "imaged",
    ),
    _finding(
        "fnd_atelectasis",
        "There is atelectasis at the right lung base.",
        "Right basilar atelectasis.",
        "No atelectasis.",
        "atelectasis",
        "watched",
    ),
    _finding(
        "fnd_fracture",
        "There is a fracture of the left seventh rib.",
        "Left seventh rib fracture.",
        "No fracture.",
        "fracture",
        "aged",
    ),
    _finding(
        "fnd_pleural_other",
        "There is pleural thickening at the left apex.",
        "Left apical pleural thickening.",
        "No pleural thickening.",
        "thickening",
        "sized",
        "caused",
        "watched",
    ),
    _finding(
        "fnd_enlarged_cardiomediastinum",
        "The superior mediastinum is widened.",
        "Widened superior mediastinum.",
        "The mediastinum is normal.",
        "widening",
        "caused",
        "imaged",
    ),
)

# What stays beside it, and a third finding that is added, each with its impression.
BESIDE = (
    _finding(
        "fnd_cardiomegaly",
        "The heart is moderately enlarged.",
        "Moderate cardiomegaly.",
        "The heart is normal in size.",
        "cardiomegaly",
    ),
    _finding(
        "fnd_support_devices", "A right PICC ends in the lower SVC.", "Right PICC in place.", "", "PICC"
    ),
)
THIRD = (
    _finding(
        "fnd_pleural_effusion",
        "Small right pleural effusion with blunting of the right costophrenic angle.",
        "Small right pleural effusion.",
        "",
        "",
    ),
    _finding(
        "fnd_pneumothorax",
        "Small left apical pneumothorax with a visible pleural line.",
        "Small left apical pneumothorax.",
        "",
        "",
    ),
    _finding("fnd_lung_lesion", "A 12 mm nodule is seen in the lingula.", "Lingular nodule.", "", ""),
)
FILLERS = ("The trachea is midline.", "The upper abdomen is unremarkable.", "The hila are normal.")

# The classes of dependents: sentences about one thing and about several, and the findings they fit.
# {this} is "This nodule" or "These nodules".
CLASSES: dict[str, tuple[tuple[str, str], ...]] = {
    "size": (
        ("It measures 9 mm.", "The largest measures 9 mm."),
        ("This measures up to 11 mm in diameter.", "They measure up to 11 mm."),
        ("Measures approximately 1.2 cm.", "Each measures less than 1 cm."),
    ),
    "cause": (
        ("This may represent scarring.", "These may represent granulomas."),
        ("It is likely due to prior infection.", "They are likely due to prior infection."),
        ("Findings may be inflammatory.", "Findings may be inflammatory."),
        ("Possibly related to the recent procedure.", "Possibly related to prior infection."),
        ("The differential includes a neoplastic process.", "The differential includes metastatic disease."),
        ("{this} is most consistent with prior trauma.", "{this} are most consistent with prior infection."),
    ),
    "change": (
        ("This is unchanged from the prior study.", "These are unchanged from the prior study."),
        ("Unchanged from the prior radiograph.", "Unchanged from the prior radiograph."),
        ("It has increased in size since the prior study.", "They have increased since the prior study."),
        ("{this} is stable compared to ___.", "{this} are stable compared to ___."),
        ("It was not present on the previous study.", "They were not present on the previous study."),
    ),
    "visibility": (
        ("It is difficult to assess on this view.", "They are difficult to assess on this view."),
        ("This is better seen on the lateral view.", "These are better seen on the lateral view."),
        ("Not well seen on the lateral view.", "Not well seen on the lateral view."),
    ),
    "advice": (
        ("CT is recommended for further evaluation.", "CT is recommended for further evaluation."),
        ("Recommend follow-up chest radiograph in 6 weeks.", "Recommend follow-up chest CT in 3 months."),
        ("Clinical correlation is advised.", "Clinical correlation is advised."),
        ("Further evaluation with CT could be obtained.", "Further evaluation with CT could be obtained."),
        ("Attention on follow-up.", "Attention on follow-up."),
        ("Consider dedicated imaging of {that}.", "Consider dedicated imaging of {that}."),
    ),
    "communication": (
        ("Findings were discussed with Dr. ___.", "Findings were discussed with Dr. ___ by telephone."),
        ("Dr. ___ was notified at the time of interpretation.", "Dr. ___ was notified of these findings."),
        ("This finding was communicated to the team.", "These findings were communicated to the team."),
    ),
}
FITS = {
    "size": {"sized"},
    "cause": {"caused", "aged", "watched"},
    "change": {"sized", "caused", "watched", "aged"},
    "visibility": {"sized", "caused", "watched", "aged"},
    "advice": {"imaged", "watched", "sized"},
    "communication": {"urgent", "imaged", "aged", "sized", "watched"},
}
EXCEPTIONS = (
    ("The lungs are otherwise clear.", "The lungs are clear."),
    ("Otherwise, no acute abnormality.", "No acute abnormality."),
    ("The remaining lungs are clear.", "The lungs are clear."),
)


@dataclass(frozen=True)
class Orphaning:
    """A pair, the verdict that it deserves, and by what it was made."""

    kind: str
    edit: str
    where: str
    accepted: bool
    pair: Pair


def make_cases() -> Iterator[Orphaning]:
    """All cases, those of one report together."""
    number = itertools.count()
    for kind, sentences in CLASSES.items():
        for finding, pair, place in itertools.product(FINDINGS, sentences, ("next", "second", "third")):
            # Without a subject and far from the finding it speaks of the whole film.
            if finding.traits.isdisjoint(FITS[kind]) or (
                place == "third" and pair[0].startswith("Unchanged")
            ):
                continue
            turn = next(number)
            dependent = _worded(pair[finding.is_plural], finding)
            yield from _of_report(kind, finding, dependent, place, turn)
    for finding, (told, without), place in itertools.product(FINDINGS, EXCEPTIONS, ("next", "second")):
        if finding.concept not in ("fnd_fracture", "fnd_enlarged_cardiomediastinum", "fnd_pleural_other"):
            yield from _exceptions(finding, told, without, place, next(number))


def _worded(sentence: str, finding: Finding) -> str:
    this = f"{'These' if finding.is_plural else 'This'} {finding.noun}"
    return sentence.format(this=this, that=this.lower())


def _of_report(kind: str, finding: Finding, dependent: str, place: str, turn: int) -> Iterator[Orphaning]:
    beside = BESIDE[1 if "mediastinum" in finding.told else turn % len(BESIDE)]
    if kind in ADVICE_CLASSES and place == "third":
        place = "impression"
    between = {"next": (), "second": FILLERS[:1], "third": FILLERS[:2], "impression": ()}[place]
    told = (finding.told, *between, *(() if place == "impression" else (dependent,)))
    impression = (finding.short, *((dependent,) if place == "impression" else ()))
    factual = _report((beside.told, *told, FILLERS[2]), (beside.short, *impression))

    def case(
        edit: str, accepted: bool, text: str, target: str, direction: Direction, *leaving: str
    ) -> Orphaning:
        pair = Pair(
            pair_id=f"{kind}-{turn}-{edit}",
            factual=factual,
            candidate=text,
            target=target,
            direction=direction,
            swap_from=leaving,
        )
        return Orphaning(kind, edit, place, accepted, pair)

    without = [s for s in told if s not in (finding.told, dependent)]
    denied = finding.denied
    last = () if place == "impression" else (dependent,)
    also = (dependent,) if place == "impression" else ()
    orphaned = _report((beside.told, denied, *without, *last, FILLERS[2]), (beside.short, *also))
    mended = _report((beside.told, denied, *without, FILLERS[2]), (beside.short,))
    yield case("orphan", False, orphaned, finding.concept, "remove")
    yield case("mended", True, mended, finding.concept, "remove")
    quiet = [s for s in (beside.denied,) if s]
    kept = _report((*quiet, *told, FILLERS[2]), impression)
    robbed = _report(
        (*quiet, *(s for s in told if s != dependent), FILLERS[2]),
        tuple(s for s in impression if s != dependent),
    )
    yield case("kept", True, kept, beside.concept, "remove")
    yield case("robbed", False, robbed, beside.concept, "remove")
    third = next(one for one in THIRD[turn % 3 :] + THIRD if one.concept != finding.concept)
    before = _report((beside.told, third.told, *told, FILLERS[2]), (beside.short, third.short, *impression))
    yield case("before", True, before, third.concept, "add")
    if kind != "communication":
        split = (finding.told, third.told, *told[1:]) if place != "impression" else told
        parted = _report(
            (beside.told, *split, *(() if place != "impression" else (third.told,)), FILLERS[2]),
            (beside.short, finding.short, third.short, dependent)
            if place == "impression"
            else (beside.short, third.short, finding.short),
        )
        if kind != "advice" or place in ("next", "impression"):
            yield case("parted", False, parted, third.concept, "add")
    swapped = (beside.told, third.told, *without, FILLERS[2])
    yield case(
        "swapped", True, _report(swapped, (beside.short, third.short)), third.concept, "swap", finding.concept
    )
    behind = _report(
        (beside.told, third.told, *without, *last, FILLERS[2]), (beside.short, third.short, *also)
    )
    yield case("behind", False, behind, third.concept, "swap", finding.concept)


def _exceptions(finding: Finding, told: str, without: str, place: str, turn: int) -> Iterator[Orphaning]:
    """An exception loses its word with the last thing it excepts; where another is left it may stay."""
    between = FILLERS[:1] if place == "second" else ()
    factual = _report((finding.told, *between, told), (finding.short,))
    bare = _report((finding.denied, *between, without), ("No acute cardiopulmonary process.",))
    orphaned = _report((finding.denied, *between, told), ("No acute cardiopulmonary process.",))
    for edit, accepted, text in (("orphan", False, orphaned), ("mended", True, bare)):
        pair = Pair(
            pair_id=f"exception-{turn}-{edit}",
            factual=factual,
            candidate=text,
            target=finding.concept,
            direction="remove",
        )
        yield Orphaning("exception", edit, place, accepted, pair)
    beside = BESIDE[0]
    factual = _report((beside.told, finding.told, *between, told), (beside.short, finding.short))
    for edit, accepted, last in (("kept", True, told), ("robbed", False, None)):
        rest = () if last is None else (last,)
        text = _report((beside.denied, finding.told, *between, *rest), (finding.short,))
        pair = Pair(
            pair_id=f"exception-{turn}-{edit}",
            factual=factual,
            candidate=text,
            target=beside.concept,
            direction="remove",
        )
        yield Orphaning("exception", edit, place, accepted, pair)


def _report(findings: tuple[str, ...], impression: tuple[str, ...]) -> str:
    return f"FINDINGS: {' '.join(filter(None, findings))}\nIMPRESSION: {' '.join(filter(None, impression))}"

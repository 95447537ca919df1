"""Sides that are left out, devices that move, and collapse."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product

from tests.reader.generated.frames import (
    ABSENT,
    DEVICES,
    EFFUSION,
    NODULE,
    OPACITY,
    PNEUMOTHORAX,
    PRESENT,
    UNCERTAIN,
    UNSAID,
    Expected,
    Written,
    make_sentence,
    only,
)

# --- sides and lists ------------------------------------------------------------------------


def write_ellipses(chance: random.Random) -> Iterator[Written]:
    """Yield lists that share a noun across sides, with what each side has."""
    one, other = "left", "right"
    for _ in range(2):
        one, other = other, one
        for finding in (EFFUSION, PNEUMOTHORAX, OPACITY, NODULE):
            noun, many, concept = finding.noun, finding.plural or "", finding.concept
            d1, d2 = chance.sample(("small", "moderate", "large", "tiny", "trace"), 2)
            both = (
                only(concept, PRESENT, side=one, severity=d1),
                only(concept, PRESENT, side=other, severity=d2),
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
                yield make_sentence(text), both
            split = (only(concept, PRESENT, side=one), only(concept, ABSENT, side=other))
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
                yield make_sentence(text), split
            for text in (
                f"No {one} or {other} {noun}.", f"Neither a {one} nor a {other} {noun} is seen.",
                f"No {noun} on the {one} or {other}.", f"No {noun} on either side.",
                f"No {many} on either side.",
            ):  # fmt: skip
                yield make_sentence(text), (only(concept, ABSENT),)
            for text in (
                f"{one} greater than {other} {many}.", f"Bilateral {many}, {one} greater than {other}.",
                f"Bilateral {many}, {one} larger than {other}.", f"{one} > {other} {many}.",
            ):  # fmt: skip
                yield make_sentence(text), (only(concept, PRESENT),)
            left = (only(concept, PRESENT, side=one),)
            for text in (
                f"{one} lower lobe {noun}.", f"{noun} in the {one} hemithorax.", f"{noun} on the {one}.",
                f"{one}-sided {noun}, the {other} side is clear.", f"{noun} at the {one} base.",
            ):  # fmt: skip
                yield make_sentence(text), left
            parts = (only(concept, PRESENT, side=one), only(concept, PRESENT, side=other))
            if finding in (OPACITY, NODULE):
                for text in (
                    f"{one} lower and {other} upper lobe {many}.",
                    f"{one} upper lobe and {other} lower lobe {many}.",
                    f"{many} in the {one} upper and {other} lower lobes.",
                    f"{many} at the {one} base and in the {other} upper lobe.",
                    f"{one} apical and {other} basilar {many}.",
                ):  # fmt: skip
                    yield make_sentence(text), parts


# --- devices --------------------------------------------------------------------------------


def write_devices(chance: random.Random) -> Iterator[Written]:
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
            yield make_sentence(f"The {name} {phrase}"), (only(concept, PRESENT),)
    for (concept, name), phrase in product(DEVICES, removed):
        if chance.random() < 0.6:
            yield make_sentence(f"The {name} {phrase}"), (only(concept, ABSENT),)
    for concept, name in DEVICES:
        for text in (f"Interval removal of the {name}.", f"Status post removal of {name}.", f"No {name}.",
                     f"Removal of the {name}.", f"{name} removed in the interval.",
                     f"There has been interval removal of the {name}.",
                     f"Since the prior study, the {name} has been removed."):  # fmt: skip
            yield make_sentence(text), (only(concept, ABSENT),)
        for text in (f"Interval placement of {name}.", f"New {name}.",
                     f"Interval repositioning of the {name}.",
                     f"Interval advancement of the {name}.", f"Interval exchange of the {name}.",
                     f"Partial withdrawal of the {name}.", f"Interval retraction of the {name} by 2 cm.",
                     f"Status post placement of {name}.", f"No change in the {name}.",
                     f"The {name} is not malpositioned.",
                     f"Consider removal of the {name}.", f"Before removal of the {name}."):  # fmt: skip
            yield make_sentence(text), (only(concept, PRESENT),)
    for text in ("The patient has been extubated.", "Interval extubation.", "Status post extubation.",
                 "The patient was extubated in the interval."):  # fmt: skip
        yield text, (only("att_ett", ABSENT),)
    for text in ("The patient is intubated.", "The patient remains intubated.", "Interval intubation.",
                 "Status post intubation."):  # fmt: skip
        yield text, (only("att_ett", PRESENT),)


def write_malpositions(chance: random.Random) -> Iterator[Written]:
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
            make_sentence(f"The endotracheal tube {phrase}"),
            (only("att_ett", PRESENT), only("nrm_devices_ok", UNSAID, ABSENT),
             Expected("att_device_malposition|att_ett_malposition", (PRESENT,))),
        )  # fmt: skip
    for phrase in good:
        for concept, name in DEVICES[:3]:
            yield (
                make_sentence(f"The {name} {phrase}"),
                (
                    only(concept, PRESENT),
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
            make_sentence(f"The endotracheal tube {phrase}"),
            (
                Expected("att_device_malposition|att_ett_malposition", (UNCERTAIN,)),
                only("att_ett", PRESENT),
            ),
        )


# --- collapse -------------------------------------------------------------------------------


def write_collapses(chance: random.Random) -> Iterator[Written]:
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
            yield make_sentence(frame.format(lobe=lobe)), (only("fnd_atelectasis", PRESENT, side=side),)
        for frame in (
            "No {lobe} collapse.", "{lobe} collapse has resolved.", "No evidence of {lobe} collapse.",
            "Resolution of {lobe} collapse.", "Without {lobe} collapse.",
        ):  # fmt: skip
            yield make_sentence(frame.format(lobe=lobe)), (only("fnd_atelectasis", ABSENT),)
        for frame in (
            "{lobe} collapse cannot be excluded.", "Possible {lobe} collapse.", "?{lobe} collapse.",
            "{lobe} opacity, collapse versus consolidation.",
        ):  # fmt: skip
            yield make_sentence(frame.format(lobe=lobe)), (only("fnd_atelectasis", UNCERTAIN),)
    for level in ("T8", "T12", "L1", "mid thoracic", "T7"):
        for frame in (
            "{level} vertebral body collapse.", "Collapse of the {level} vertebral body.",
            "The {level} vertebra is collapsed.", "Partial collapse of {level} vertebral body.",
            "{level} vertebral collapse is unchanged.",
        ):  # fmt: skip
            yield (
                make_sentence(frame.format(level=level)),
                (only("fnd_atelectasis", UNSAID), only("att_vertebral_compression", PRESENT)),
            )
    for text in ("Tracheal collapse on expiration.", "The patient collapsed at home.",
                 "INDICATION: collapse.",
                 "HISTORY: Collapse, found down.", "Collapsed IVC on echo.", "Humeral head collapse.",
                 "Collapsed at work. Lungs are clear."):  # fmt: skip
        yield text, (only("fnd_atelectasis", UNSAID, ABSENT),)
    for text in ("No collapse.", "No collapse or consolidation.", "No consolidation, collapse or effusion.",
                 "No lobar collapse.", "Lungs clear, no collapse."):  # fmt: skip
        yield text, (only("fnd_atelectasis", ABSENT),)

"""Plain sentences of either answer: a reader who doubts or keeps everything fails here."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.reader.generated.frames import (
    ABSENT,
    FINDINGS,
    PRESENT,
    UNCERTAIN,
    Frames,
    Written,
    make_sentence,
    only,
)

# --- plain controls -------------------------------------------------------------------------


def write_controls(chance: random.Random) -> Iterator[Written]:
    frames = Frames(chance)
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
                yield make_sentence(text), (only(a.concept, first), only(b.concept, second))

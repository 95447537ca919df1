"""Find words that give the answer away too early, or that could point to a person."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.quality.figures import Privacy
from ccf_pipeline.quality.rates import rate
from ccf_pipeline.records import FINDING_LABELS, SUPPORT_DEVICES, Label, Mention

WRAPPER_WORDS = re.compile(
    r"</?\w*think\w*>|<answer>|the (?:disease|diagnosis) of this patient", re.IGNORECASE
)
_FIRST_SENTENCE = re.compile(r"\A(?:[A-Z]+:\s*)?.*?(?:\.(?=\s)|\Z)", re.DOTALL)

# What a de-identified report can never hold, in the forms that reports use; all of it is invented.
_PLANTS = (
    "Discussed with Dr. Abernathy by telephone.",
    "Findings were communicated to Dr. Quillfeather at 14:35.",
    "Compared with the film of 03/14/2019.",
    "Comparison is made with 2019-03-14.",
    "Comparison: March 14.",
    "The patient is a 67-year-old woman.",
    "MRN 48213377.",
    "Accession 9921034.",
    "Mr. Penhaligon was informed.",
    "Electronically signed by Jane Thistlewood, MD.",
    "Transferred from Saltmarsh General Hospital.",
    "Call 617-555-0143 with questions.",
    "Reviewed on 12 January by the team.",
    "Nurse Ravensworth was paged at 9:05 pm.",
    "Results were sent to reader@example.org.",
    "DOB 01/02/1950.",
    "Read by Okonkwo at 0735 hours.",
    "Study of 2018 is not available.",
    "Ms. Featherstone is aged 81.",
    "Signed: Tobias Wexcombe, MD.",
)


def names_answer_first(
    text: str, labels: Sequence[Label], mentions: Sequence[Mention], graph: ConceptGraph
) -> bool:
    """True if the first sentence asserts a disease by the name that the answer gives it, not by a sign."""
    present = {label.finding for label in labels if label.state == "present"}
    answers = {f for f, label in FINDING_LABELS.items() if label in present and f != SUPPORT_DEVICES}
    first = _FIRST_SENTENCE.match(text)
    end = first.end() if first else 0
    return any(
        mention.polarity == "present" and {mention.concept, *graph.ancestors(mention.concept)} & answers
        for mention in mentions
        if mention.start < end
    )


def scan_privacy(
    pairs: Sequence[tuple[str, str]], found_in: Callable[[str], Sequence[str]], *, seed: int
) -> Privacy:
    """Identifiers in a counterfactual that its report does not have; and whether planted ones are seen.

    Args:
        found_in: what finds identifiers in a text.
    """
    invented = planted = 0
    chance = random.Random(seed)
    for factual, counterfactual in pairs:
        known = set(found_in(factual))
        invented += any(found not in known for found in found_in(counterfactual))
    tried = [counterfactual for _, counterfactual in pairs[:400]]
    for number, text in enumerate(tried):
        plant = _PLANTS[number % len(_PLANTS)]
        sentences = re.split(r"(?<=\.)\s", text)
        sentences.insert(chance.randrange(len(sentences) + 1), plant)
        planted += len(found_in(" ".join(sentences))) > len(found_in(text))
    return Privacy(invented=rate(invented, len(pairs)), planted_found=rate(planted, len(tried)))

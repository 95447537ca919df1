"""What to do about a gate that did not pass, in a sentence for the person who built the data set."""

from __future__ import annotations

from ccf_pipeline.quality.figures import Gate

_BY_NAME = {
    "findings flipped": "Read some of them in report.html; a stronger model or `--repair 2` flips more.",
    "collateral change": "Read these pairs in report.html; `--strategy edits` leaves other sentences alone.",
    "preserved mentions": "Use `--strategy edits`, which keeps the rest of a report word for word.",
    "words changed": "Use `--strategy edits` or `--preset minimal`, which change less.",
    "sentences kept": "Use `--strategy edits` or `--preset minimal`, which change less.",
    "length change": "Look in report.html at what is added; ask for several wordings (`expert.candidates`).",
    "length, Cliff's delta": "Build with `--chosen`, so that both sides are worded by one hand.",
    "near duplicates": "Lower `--per-study`, or read more studies.",
    "graph violations": "Judge it again by today's graph with `ccf-build recheck`, which rejects such rows.",
    "invented identifiers": "`ccf-build share` leaves rows that name somebody out of L0 and L1.",
    "planted identifiers": "Do not share: the scan for names and dates does not hold on these texts.",
    "preferred by text alone": "Train on the mix as it ships (`dataset.even`, mirrors), or add films.",
    "told apart": "Set `expert.candidates`, build with `--chosen`, or drop pairs by `ccf-build select`.",
    "artefact AUC, wrapper": "Name a wrapper that treats both sides alike (`dataset.wrapper`).",
}
NOT_MEASURED = "Too little to measure: build from more studies."


def advise(gate: Gate) -> str:
    """Say what helps a gate that failed or could not be measured."""
    if gate.passed is None:
        return NOT_MEASURED
    return next(told for name, told in _BY_NAME.items() if gate.name.startswith(name))

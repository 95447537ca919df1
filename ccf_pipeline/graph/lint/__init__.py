"""Lint: what is wrong with a graph file that its fields alone do not show."""

from __future__ import annotations

from ccf_pipeline.graph.faults import Fault
from ccf_pipeline.graph.lint import backing, logic, references, wording
from ccf_pipeline.graph.model import GraphFile

FAULT_KINDS: dict[str, str] = {
    "schema": "a field is missing, unknown, or of the wrong kind",
    "unknown-concept": "a relation, a mimic or a label names a concept that is not defined",
    "unknown-region": "a concept or a region names a region that is not defined",
    "unknown-source": "a source key is not listed under `sources:`",
    "duplicate-concept": "an id is given to two concepts",
    "duplicate-region": "an id is given to two regions",
    "duplicate-relation": "two relations say the same of one pair",
    "wrong-prefix": "an id does not begin with fnd_, att_ or nrm_ as its kind asks",
    "missing-finding": "one of the fourteen findings is absent, or bears another label",
    "orphan": "a concept that no relation and no mimic names",
    "missing-why": "a relation or a mimic without a `why`",
    "missing-source": "a concept, a relation or a mimic without a source",
    "review-state": "`review` is none of `taught`, `mined`, `derived by RULE`, `cited`, `reviewed by … on …`",
    "unproved": "`derived` by a rule that does not prove it, or `mined` without counts that bear it out",
    "open-question": "a relation only taught, and `open_questions:` does not tell what would settle its kind",
    "shared-form": "two concepts claim one form that `shared_forms:` does not list",
    "bad-form": "a form is empty, padded, or written with capitals",
    "idle-not-form": "a `not_forms` phrase that contains none of the concept's forms",
    "unknown-slot": "a phrase to write has a slot that is not {side}, {region}, {severity} or {bilateral}",
    "wrong-kind": "a kind of relation that a positive or an exclusive relation cannot be",
    "self-relation": "a concept related to itself",
    "contradiction": "a pair both positive and exclusive",
    "inherited-contradiction": "a pair that is positive, and exclusive by what its kinds inherit",
    "cycle": "a concept that is, by steps, a kind of itself",
    "region-cycle": "a region that is, by steps, a part of itself",
    "impossible-condition": "a condition that can never hold",
    "unknown-severity": "a severity word that `severity_grades:` does not list",
}


def lint_graph(file: GraphFile) -> tuple[Fault, ...]:
    """Every fault of a graph file that fits the schema, in the order of FAULT_KINDS."""
    checks = (*references.CHECKS, *wording.CHECKS, *logic.CHECKS, *backing.CHECKS)
    faults = [fault for check in checks for fault in check(file)]
    order = list(FAULT_KINDS)
    return tuple(sorted(faults, key=lambda fault: order.index(fault.kind)))

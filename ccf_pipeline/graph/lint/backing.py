"""Lint of what relations stand on: proofs are tried again, and what is only taught has an open question."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ccf_pipeline.graph.faults import Fault
from ccf_pipeline.graph.model import GraphFile
from ccf_pipeline.graph.proofs import RULES, Proofs, bears_out


def unproved(file: GraphFile) -> Iterator[Fault]:
    proofs = Proofs(file)
    for number, relation in enumerate(file.relations):
        where = ("relations", number, "review")
        if relation.review.startswith("derived by ") and not proofs.prove(relation):
            rule = relation.review.removeprefix("derived by ")
            known = "" if rule in RULES else f"; there are {', '.join(RULES)}"
            message = f"{relation.key}: the rule `{rule}` does not prove it{known}"
            yield Fault("unproved", message, relation.key, where)
        if relation.review == "mined" and not any(bears_out(relation, found) for found in relation.mined):
            message = f"{relation.key}: no corpus under `mined:` bears it out"
            yield Fault("unproved", message, relation.key, where)


def open_questions(file: GraphFile) -> Iterator[Fault]:
    proofs = Proofs(file)
    for number, relation in enumerate(file.relations):
        if proofs.backing(relation) == "taught" and not proofs.open_question(relation).strip():
            message = f"{relation.key} is only taught, and nothing tells what would settle a {relation.kind}"
            yield Fault("open-question", message, relation.key, ("relations", number, "review"))


CHECKS: tuple[Callable[[GraphFile], Iterator[Fault]], ...] = (unproved, open_questions)

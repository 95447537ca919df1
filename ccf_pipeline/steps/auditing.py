"""A pair that somebody else made → verdict: only two texts and what was asked for are known."""

from __future__ import annotations

from ccf_pipeline.concepts import ConceptGraph
from ccf_pipeline.records import Pair, Study, Verdict
from ccf_pipeline.steps.aligning import align_candidate, number_sentences
from ccf_pipeline.steps.checking import check_edit
from ccf_pipeline.steps.facts import read_facts
from ccf_pipeline.steps.planning import Change, plan_as_asked
from ccf_pipeline.steps.reading import Lexicon


def audit_pair(pair: Pair, graph: ConceptGraph, lexicon: Lexicon) -> Verdict:
    """Judge a counterfactual as our own; its plan and its alignment are worked out from the texts."""
    study = _study_of(pair)
    factual = read_facts(pair.factual, lexicon)
    leaving = (pair.target,) if pair.direction == "remove" else pair.swap_from
    plan = plan_as_asked(study, factual, graph, Change(pair.direction, pair.target, leaving))
    edit = align_candidate(study, pair.candidate, plan.plan_id)
    return check_edit(edit, plan, study, factual, read_facts(pair.candidate, lexicon), graph)


def _study_of(pair: Pair) -> Study:
    return Study(
        corpus="pairs",
        study_id=pair.pair_id,
        subject_id=pair.pair_id,
        split="test",
        text=pair.factual,
        sentences=number_sentences(pair.factual),
        read_from="",
    )

"""Is the change there that was asked for, all of it, stated as a fact?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ccf_pipeline.counterfactual.check.case import (
    DISEASES,
    REST,
    Case,
    block,
    denied_with,
    kinds_of,
    label_of,
    warn,
)
from ccf_pipeline.counterfactual.check.conditions import is_called_old, is_qualified
from ccf_pipeline.reader.facts import Reading, spans_meet
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, Mention, Problem

# What a finding is where nothing says that it is old.
ACUTE_KINDS = {"fnd_fracture": "att_acute_fracture"}


_OF_OTHERS = re.compile(
    r"\b(?:other|others|additional|further|new|second|another|residual|recurrent|significant|substantial|gross"
    r"|large|larger|sizea?ble|major|marked)\b",
    re.IGNORECASE,
)


# "No focal opacity" may stand beside what has no focus.
_DIFFUSE = re.compile(
    r"\b(?:diffuse\w*|bilateral\w*|interstitial|perihilar|both lungs|throughout)\b", re.IGNORECASE
)


def target_faults(case: Case) -> Iterator[Problem]:
    """Return what is missing of the change, what still denies it, and what should have gone."""
    if case.plan.direction != "remove":
        yield from _check_not_normal(case) if case.plan.target == NO_FINDING else _check_asserted(case)
    yield from _find_left_behind(case)
    yield from _find_orphaned_signs(case)


def _check_asserted(case: Case) -> Iterator[Problem]:
    if not case.of_target:
        yield _check_hedged(case) or block(
            "target_missing", f"{case.label} is not stated; describe it as present."
        )
        return
    for mention in denials_of_target(case):
        yield block(
            "target_denied_elsewhere",
            f"Sentence {mention.sentence} still denies {case.label}; remove or change it.",
            mention,
        )
        return
    yield from _check_called_normal(case)
    yield from _check_denied_as_acute(case)


def denials_of_target(case: Case) -> Iterator[Mention]:
    """Yield what denies the target where it is asserted, by its name or by what it is a kind of."""
    names = denied_with(case.graph, case.plan.target)
    for mention in case.counterfactual.mentions:
        if mention.concept not in names or not _is_denial(mention, case):
            continue
        if mention.concept != case.plan.target and _is_partial_denial(mention, case):
            continue
        if any(_is_covering(mention, other, case) for other in case.of_target):
            yield mention


def _is_partial_denial(mention: Mention, case: Case) -> bool:
    """True for "no nodular opacity" and "no other opacity", which deny no consolidation."""
    if mention.implied_by is not None or _OF_OTHERS.search(case.words_of(mention)):
        return True
    if "focal" in case.words_of(mention).lower() and all(
        _DIFFUSE.search(case.words_of(m)) for m in case.of_target
    ):
        return True
    target, graph = case.plan.target, case.graph
    shown_by = {r.other(target) for r in graph.supports(target) if r.strength == "strong"}
    others = set(graph.descendants(mention.concept)) - {target, *graph.ancestors(target), *shown_by}
    span = [(mention.start, mention.end)]
    return any(m.concept in others and spans_meet(m, span) for m in case.counterfactual.mentions)


def _is_covering(denial: Mention, assertion: Mention, case: Case) -> bool:
    """True if they meet in one place; a denial of the whole compartment covers each of its places."""
    if denial.region in case.graph.concept(denial.concept).regions[:1]:
        return case.graph.overlaps((denial.side, None), (assertion.side, assertion.region))
    return case.meets(denial, assertion)


def _check_called_normal(case: Case) -> Iterator[Problem]:
    """Yield a problem where the whole chest is still called normal beside a disease."""
    if case.plan.target not in DISEASES:
        return
    for mention in case.counterfactual.of(NO_FINDING):
        is_plain = mention.implied_by is None and mention.polarity == "present" and _is_current(mention)
        if is_plain and mention.region in (None, "thorax") and not REST.search(case.words_of(mention)):
            yield block(
                "exclusive_asserted",
                f"Sentence {mention.sentence} still calls the chest normal; remove or change it.",
                mention,
                f"{NO_FINDING}>{case.plan.target}",
            )
            return


def _check_denied_as_acute(case: Case) -> Iterator[Problem]:
    """A break that came and is not called old is acute: "no acute osseous abnormality" denies it (R37)."""
    acute = ACUTE_KINDS.get(case.plan.target)
    if acute is None:
        return
    new = [m for m in case.added_of_target if not is_called_old(case.words_of(m))]
    for denial in case.counterfactual.of(acute) if new else ():
        if denial.polarity != "absent" or not _is_current(denial) or denial.severity is not None:
            continue
        if case.is_excepted(denial) or is_qualified(case.words_of(denial)):
            continue
        if any(case.meets(denial, mention) for mention in new):
            yield block(
                "target_denied_elsewhere",
                f"Sentence {denial.sentence} still denies what is acute, as {case.label} is; remove or change"
                " it.",
                denial,
            )
            return


def _check_hedged(case: Case) -> Problem | None:
    doubted = [
        m
        for m in case.counterfactual.mentions
        if m.concept in case.target_kinds and m.polarity == "uncertain"
    ]
    if not doubted or _is_conditional(doubted, case):
        return None
    cue = doubted[0].cue
    said = f' by "{cue}"' if cue else ""
    message = f"{case.label} is only hedged{said}; state it as present."
    return block("target_uncertain_only", message, doubted[0])


def _is_conditional(doubted: list[Mention], case: Case) -> bool:
    """A finding of which is told only what would follow from it is not stated at all."""
    return all(mention.cue in ("if", "whether", "unless", "in case of") for mention in doubted)


def _is_denial(mention: Mention, case: Case) -> bool:
    return (
        mention.polarity == "absent"
        and mention.temporality not in ("prior", "resolved")
        and mention.severity is None  # "no large effusion" denies a part only
        and not case.is_excepted(mention)
    )


def _check_not_normal(case: Case) -> Iterator[Problem]:
    for mention in case.counterfactual.mentions:
        if mention.concept in DISEASES and mention.polarity != "absent" and _is_current(mention):
            label = FINDING_LABELS[mention.concept]
            yield block(
                "exclusive_asserted",
                f"Sentence {mention.sentence} still speaks of {label}; a report of No Finding cannot.",
                mention,
                f"{NO_FINDING}>{mention.concept}",
            )
            return
    for mention in case.asserted:
        relation = case.graph.excludes(mention.concept, NO_FINDING)
        if relation is not None and not _has_been_there(mention, case.factual):
            label = case.graph.concept(mention.concept).label
            message = f"Sentence {mention.sentence} speaks of {label}; a report of No Finding cannot."
            yield block("exclusive_asserted", message, mention, relation.key)
            return


def _has_been_there(mention: Mention, factual: Reading) -> bool:
    return mention.concept in factual.asserted


def _is_current(mention: Mention) -> bool:
    return mention.temporality not in ("prior", "resolved")


def _find_left_behind(case: Case) -> Iterator[Problem]:
    """Return what was to go and is still asserted, or hedged, anywhere."""
    if case.plan.target == NO_FINDING:
        return
    for finding in case.leaving:
        spared = kinds_of(case.graph, case.plan.target) if case.plan.direction == "swap" else frozenset()
        kinds = kinds_of(case.graph, finding) - spared
        for mention in case.counterfactual.mentions:
            if mention.concept in kinds and mention.polarity != "absent" and _is_current(mention):
                label = label_of(case.graph, finding)
                message = f"Sentence {mention.sentence} still speaks of {label}; remove or change it."
                yield block("target_missing", message, mention)
                break


def _find_orphaned_signs(case: Case) -> Iterator[Problem]:
    """Signs that spoke for nothing but what is gone (rule R55).

    One that stands as it stood is refused; one that was written anew may be meant of something else.
    """
    if not case.leaving:
        return
    ceasing = {m.concept for m in case.plan.must_cease if m.polarity == "present"}
    if ceasing.isdisjoint(case.counterfactual.asserted):
        return
    going = {(m.sentence, m.concept) for m in case.plan.must_cease if m.polarity == "present"}
    origins = dict(zip((s.number for s in case.edit.sentences), case.edit.origins, strict=True))
    signs = {
        relation.other(finding): relation
        for finding in case.leaving
        for relation in case.graph.supports(finding)
        if relation.strength == "strong" and relation.kind in ("is_a", "sign_of")
    }
    explained = {
        relation.other(finding)
        for finding in (*DISEASES, case.plan.target)
        if finding in case.counterfactual.asserted and finding not in case.leaving
        for relation in case.graph.supports(finding)
    }
    for mention in case.asserted:
        sign = signs.get(mention.concept)
        if sign is None or mention.concept not in ceasing or mention.concept in explained:
            continue
        label = case.graph.concept(mention.concept).label
        tell = block if (origins[mention.sentence], mention.concept) in going else warn
        yield tell(
            "target_missing",
            f"Sentence {mention.sentence} still shows {label}, a sign of what is gone; remove it.",
            mention,
            sign.key,
        )
        return

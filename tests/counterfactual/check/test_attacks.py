"""Sixty kinds of words that a report or a model slips into an edit are refused."""

from __future__ import annotations

from ccf_pipeline.counterfactual.check.foreign_pairs import audit_pair
from tests.counterfactual.check.attacks import ATTACKS, attacked
from tests.shipped import GRAPH, LEXICON

# What passes, and why.
EXPLAINED = {"trigger: a rule": "that studies of a kind are normal is read as a normal state of this one"}


def test_at_most_two_kinds_of_attack_are_accepted_and_each_is_explained() -> None:
    taken = {
        kind
        for kind, attack in ATTACKS.items()
        if any(audit_pair(pair, GRAPH, LEXICON).accepted for pair in attacked(attack))
    }

    assert len(ATTACKS) >= 60
    assert taken <= EXPLAINED.keys()
    assert len(EXPLAINED) <= 2

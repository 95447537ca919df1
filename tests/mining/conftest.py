"""The shipped graph, as the tests of counterfactuals use it."""

from tests.counterfactual.conftest import graph

__all__ = ["graph"]

"""Counterfactual preference data for chest X-ray models, drawn from a concept graph."""

__version__ = "0.1.0"

"""The probe: what a small scorer of films and reports learns from a build's pairs, and whether it looks.

pairs.py    the accepted pairs with their films, and films drawn to show the counterfactual
scorer.py   the scorer and its training (needs torch, the extra `probe`)
run.py      arms, figures and the table
encoder.py  a small transformer that reads texts alone
"""

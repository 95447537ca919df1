"""From a report to a checked counterfactual: plan, prompt, edit and check, all without touching the world."""

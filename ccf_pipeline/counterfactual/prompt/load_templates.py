"""Prompt templates, as they are shipped with the package."""

from __future__ import annotations

import hashlib
from importlib import resources

from ccf_pipeline.records import Template

DIVIDER = "\n=====\n"


def load_template(strategy: str) -> Template:
    """The wording of a strategy: `prompts/STRATEGY.md`, where a line of `=` divides system from user part."""
    text = resources.files(__package__).joinpath("templates", f"{strategy}.md").read_text(encoding="utf-8")
    system, _, user = text.partition(DIVIDER)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Template(strategy=strategy, system=system.strip(), user=user.strip(), digest=digest)

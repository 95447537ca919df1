"""Load the prompt templates that are shipped with the package, and check one of a user's own."""

from __future__ import annotations

import hashlib
import string
from importlib import resources

from ccf_pipeline.errors import SettingsError
from ccf_pipeline.records import Template

DIVIDER = "\n=====\n"
SLOTS = {"request": True, "details": True, "report": True, "target": False, "graph": False}
"""What is filled into the user part of a prompt, and whether a prompt cannot do without it."""
SLOT_HINT = (
    "The user part, below a line of five `=` where there is a system part, has $request, $details and"
    " $report, and may have $target and $graph; `$$` writes a dollar sign."
)


def load_template(strategy: str) -> Template:
    """The wording of a strategy: `prompts/STRATEGY.md`, where a line of `=` divides system from user part."""
    text = resources.files(__package__).joinpath("templates", f"{strategy}.md").read_text(encoding="utf-8")
    return _make_template(strategy, text)


def make_own_template(strategy: str, text: str, name: str) -> Template:
    """Make a template of a user's text, with a digest as the shipped ones have.

    Raises:
        SettingsError: where a slot is missing or unknown.
    """
    template = _make_template(strategy, text)
    if not string.Template(template.user).is_valid() or not template.user:
        raise SettingsError(f"{name}: holds no user part with its slots in order", hint=SLOT_HINT)
    slots = set(string.Template(template.user).get_identifiers())
    stray = sorted(slots - SLOTS.keys() | set(string.Template(template.system).get_identifiers()))
    if stray:
        raise SettingsError(f"{name}: ${stray[0]} is no slot there", hint=SLOT_HINT)
    missing = [slot for slot, is_needed in SLOTS.items() if is_needed and slot not in slots]
    if missing:
        raise SettingsError(f"{name}: the slot ${missing[0]} is missing", hint=SLOT_HINT)
    return template


def _make_template(strategy: str, text: str) -> Template:
    system, divider, user = text.partition(DIVIDER)
    if not divider:
        system, user = "", text
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Template(strategy=strategy, system=system.strip(), user=user.strip(), digest=digest)

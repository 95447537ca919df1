"""Checks that a lab adds by a package of its own; docs/extending.md shows one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from ccf_pipeline.counterfactual.check.case import Case, block, warn
from ccf_pipeline.files.plugins import load_plugins
from ccf_pipeline.records import Problem


@dataclass(frozen=True)
class LabCheck:
    """A rule of a lab: it yields what is wrong with a case, each in words that an expert can act on."""

    name: str
    find: Callable[[Case], Iterable[str]]
    refuses: bool = True


@cache
def known_lab_checks() -> tuple[LabCheck, ...]:
    """Return the checks of installed plug-ins; what is installed does not change while a program runs."""
    return tuple(load_plugins("ccf_pipeline.checks", LabCheck).values())


def find_lab_faults(case: Case) -> Iterable[Problem]:
    """Yield what the checks of installed plug-ins find in a case."""
    for check in known_lab_checks():
        make_problem = block if check.refuses else warn
        for message in check.find(case):
            yield make_problem("lab_rule", f"{message} (rule `{check.name}`)")

"""A submission for PhysioNet: the data, checksums, a description in PhysioNet's sections, the licence."""

from __future__ import annotations

import re
from pathlib import Path

from ccf_pipeline.files.disk import write_text
from ccf_pipeline.records import ReasonCount
from ccf_pipeline.sharing.data import write_checksums
from ccf_pipeline.sharing.nouns import Recipe

CHECKSUMS = "SHA256SUMS.txt"
DESCRIPTION = "DESCRIPTION.md"
LICENCE_NOTE = "LICENSE.txt"
HOSTED_THERE = frozenset({"mimic", "demo"})
"""Corpora whose derivatives PhysioNet takes; the demo is for trying it out."""

_EXT = re.compile(r"(?:\A|[-_ ])Ext(?:[-_ ]|\Z)")


def is_ext_name(name: str) -> bool:
    """True if a name tells that it extends another data set, as PhysioNet asks for names with MIMIC."""
    return bool(_EXT.search(name))


def write_submission(folder: Path, name: str, recipe: Recipe) -> None:
    """Add to a folder what makes it a submission; the checksums are written last."""
    write_text(folder / DESCRIPTION, _write_description(name, recipe))
    write_text(folder / LICENCE_NOTE, _write_licence_note(name, recipe))
    write_checksums(folder, CHECKSUMS)


def _write_description(name: str, recipe: Recipe) -> str:
    summary, lineage = recipe.summary, recipe.lineage
    targets = _render_counts("target", summary.accepted_by_target)
    directions = _render_counts("direction", summary.accepted_by_direction)
    return f"""# {name}

The sections below are those of PhysioNet's submission form. What only the authors can say is marked AUTHORS.

## Abstract
{recipe.rows:,} counterfactual reports for {recipe.studies:,} studies of {recipe.terms.name}.
Each pairs a radiologist's report with one that would have been written had the image shown another finding.
The pairs are preference data for vision-language models that read chest X-rays.

## Background
AUTHORS: why these data are needed, with references.

## Methods
ccf_pipeline {lineage.code_version} read each report, chose findings to add, remove or exchange by its concept
graph ({lineage.graph_version}, digest `{lineage.graph_digest}`), had the expert `{recipe.expert}`
(model `{recipe.model}`) change the sentences concerned, and read the result back.
Of {summary.plan.plans:,} counterfactuals that were planned for {summary.plan.studies_planned:,} studies,
{summary.accepted:,} were accepted and {summary.rejected:,} refused by the checker.
AUTHORS: how the texts were reviewed, and by whom. ccf_pipeline had no radiologist read them.

## Data description
`data/<config>/<split>-*.parquet`: `ccf` holds every pair with labels, edits, verdict and lineage; the other
configs hold the same pairs in the form that training packages load. `recipe.json` says what they were made
with. Texts, ids and splits are those of the source.

{directions}

{targets}

## Usage notes
Rows name their study by the source's own ids, so that images and tables of the source can be joined to them.
The counterfactual side is invented: it describes no patient. Not for clinical use.

## Release notes
First release. AUTHORS: version.

## Ethics
Derived from de-identified reports under their data use agreement; no text was sent to a service that the
agreement does not allow. AUTHORS: confirm, and name the service where there was one.

## Acknowledgements, conflicts of interest
AUTHORS.

## References
{recipe.terms.citation or "AUTHORS."}
"""


def _write_licence_note(name: str, recipe: Recipe) -> str:
    return f"""{name}

Source: {recipe.terms.name}.
Terms of the source: {recipe.terms.terms}

Derived data are to be treated as the source is: on PhysioNet, for credentialed users who have signed the same
data use agreement, under the PhysioNet Credentialed Health Data License 1.5.0
(https://physionet.org/about/licenses/). This note is not the licence; PhysioNet attaches it on publication.
"""


def _render_counts(what: str, counts: tuple[ReasonCount, ...]) -> str:
    rows = "\n".join(f"| {entry.reason} | {entry.count:,} |" for entry in counts)
    return f"| {what} | pairs |\n|---|---|\n{rows}"

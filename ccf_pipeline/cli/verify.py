"""ccf-build verify: is every file of a build what it was; and make what is not anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccf_pipeline.errors import StorageError

if TYPE_CHECKING:
    from ccf_pipeline.records import BuildCheck


def verify(
    build: Annotated[Path, typer.Argument(help="The build folder, or s3://BUCKET/PREFIX.")] = Path("build"),
    repair: Annotated[
        bool, typer.Option("--repair", help="Make damaged files anew from the journal; nobody is asked.")
    ] = False,
    graph: Annotated[
        Path | None, typer.Option("--graph", help="The concept graph of the build, for --repair.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Compare every file of a build with its manifest, every answer with its checksum.

    The lines of audit.jsonl are checked against each other. Without --repair nothing is changed. A build
    that is not finished yet is compared with the seals of its shards.
    """
    from ccf_pipeline.cli.showing import progress_bars
    from ccf_pipeline.engine.audit_log import AUDIT_HINT
    from ccf_pipeline.engine.build_folder import ADDED, ADDED_HINT
    from ccf_pipeline.engine.journal import say_lost
    from ccf_pipeline.engine.paid_answers import AGAIN_HINT
    from ccf_pipeline.engine.place import open_place

    place = open_place(build)
    with progress_bars(quiet=quiet or as_json) as progress:
        found = place.repair(graph, progress) if repair else place.check(progress)
    if as_json:
        typer.echo(found.model_dump_json())
    elif not quiet:
        _show_check(place.name, found)
    mendable = [] if repair else [*found.damaged, *([f"journal ({found.journal})"] if found.journal else [])]
    lost = [f"journal ({say_lost(found.lost_answers)})"] if found.lost_answers else []
    audit = [f"audit.jsonl ({found.audit})"] if found.audit else []
    added = [f"{name} ({ADDED})" for name in found.added]
    if mendable or added or lost or audit:
        hints = [
            (mendable, place.repair_hint()),
            (added, ADDED_HINT),
            (lost, AGAIN_HINT),
            (audit, AUDIT_HINT),
        ]
        raise StorageError(
            f"{place.name}: damaged: {', '.join([*mendable, *added, *lost, *audit])}",
            hint=" ".join(hint for damage, hint in hints if damage),
        )


def _show_check(place: str, found: BuildCheck) -> None:
    for name in found.repaired:
        typer.echo(f"{name}: made anew")
    if found.repaired:
        said = f"{found.files} files, verified" if found.finished else "not finished; `ccf-build run` goes on"
        typer.echo(f"{place}: {said}")
    elif not found.damaged and not found.added and not found.journal and not found.lost_answers:
        said = f"{found.files} files, all as the manifest says" if found.finished else "not finished; intact"
        typer.echo(f"{place}: {said}")
    if found.audit_seal:
        lines = "1 line" if found.audit_lines == 1 else f"{found.audit_lines} lines"
        typer.echo(f"audit.jsonl: {lines}, the last one sealed by {found.audit_seal}")

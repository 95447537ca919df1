"""ccf-build fetch: bring a build from an object store to this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ccf_pipeline.cli.places import on_disk


def fetch(
    build: Annotated[Path, typer.Argument(help="Where the build lies: s3://BUCKET/PREFIX.")],
    out: Annotated[Path, typer.Argument(help="The folder to bring it to.", callback=on_disk)],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Bring a build from an object store to a folder, and verify it there.

    What is there already is not fetched again. A build that is not finished comes as far as it is; `ccf-build
    run --out DIR` with its settings goes on with it here, apart from the store.
    """
    from ccf_pipeline.cli.showing import progress_bars
    from ccf_pipeline.engine.audit_log import AUDIT_HINT
    from ccf_pipeline.engine.bucket.place import fetch_build
    from ccf_pipeline.errors import StorageError

    with progress_bars(quiet=quiet) as progress:
        found = fetch_build(build, out, progress)
    if found.audit:
        raise StorageError(f"{out}: fetched, but audit.jsonl: {found.audit}", hint=AUDIT_HINT)
    if not quiet:
        said = f"{found.files} files, all as the manifest says" if found.finished else "not finished; intact"
        typer.echo(f"{out}: {said}")

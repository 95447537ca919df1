"""ccf-build help: the pages of the documentation that come along with the program."""

from __future__ import annotations

from typing import Annotated

import typer

from ccf_pipeline.errors import MissingInput

FOLDER = "docs"


def show_help(
    topic: Annotated[
        str | None, typer.Argument(help="A page, e.g. experts; all of them are listed if left out.")
    ] = None,
) -> None:
    """Print a page of the documentation; the messages of the program name them."""
    from ccf_pipeline.files.package_data import carried_file

    pages = {path.stem: path for path in sorted(carried_file(FOLDER).glob("*.md"))}
    if topic is None:
        for name, path in pages.items():
            title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
            typer.echo(f"{name:18} {title}")
        return
    page = pages.get(topic.removeprefix("docs/").removesuffix(".md"))
    if page is None:
        raise MissingInput(f"there is no page `{topic}`", hint=f"Pages: {', '.join(pages)}.")
    typer.echo(page.read_text(encoding="utf-8"))

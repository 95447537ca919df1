"""The folder of a share: recipe.json, README.md, data, and manifest.json over all of them."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from ccf_pipeline.engine.build_folder import PRIVATE_FOLDER
from ccf_pipeline.errors import BuildConflict, MissingInput, StorageError
from ccf_pipeline.files.disk import disk_error, file_digest, sealed_folder, write_text
from ccf_pipeline.sharing.nouns import SHARE_FORMAT, MissingRow, Recipe, SharedFile

RECIPE = "recipe.json"
MANIFEST = "manifest.json"
README = "README.md"
PHRASES = Path("data") / "phrases" / "phrases.parquet"
MISSING = "missing.jsonl"
_FETCH_AGAIN = "Fetch the share again; a file of it is damaged."


@contextlib.contextmanager
def staged_folder(out: Path) -> Iterator[Path]:
    """A private folder to write a share in; it takes the place of `out` when all went well.

    What stood at `out` is replaced when it was a share, and refused when it was anything else.
    """
    _refuse_foreign(out)
    with sealed_folder(out) as staged:
        yield staged


@contextlib.contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """A private folder inside another one, gone when it is left."""
    scratch = beside / ".preview"
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=PRIVATE_FOLDER)
        yield scratch
    except OSError as error:
        raise disk_error(scratch, error) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def write_recipe(folder: Path, recipe: Recipe) -> None:
    whole = recipe.model_dump(mode="json")
    write_text(folder / RECIPE, json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def write_manifest(folder: Path) -> None:
    """List what is there, whole and in order; written last."""
    files = [file.model_dump() for file in list_files(folder)]
    write_text(folder / MANIFEST, json.dumps(files, indent=1, sort_keys=True) + "\n")


def list_files(folder: Path) -> tuple[SharedFile, ...]:
    """Every file below a folder with its size and digest."""
    return tuple(
        SharedFile(
            path=path.relative_to(folder).as_posix(), bytes=path.stat().st_size, sha256=file_digest(path)
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )


def read_share(folder: Path) -> Recipe:
    """The recipe of a share whose files are all as its manifest says."""
    for name in (MANIFEST, RECIPE):
        if not (folder / name).is_file():
            raise MissingInput(
                f"{folder}: is not a share ({name} is not there)",
                hint="Name the folder that `ccf-build share` wrote.",
            )
    try:
        files = [SharedFile.model_validate(one) for one in json.loads((folder / MANIFEST).read_text("utf-8"))]
        recipe = Recipe.model_validate_json((folder / RECIPE).read_text("utf-8"))
    except (OSError, ValueError, ValidationError) as error:
        raise StorageError(f"{folder}: its manifest or recipe cannot be read", hint=_FETCH_AGAIN) from error
    if recipe.format != SHARE_FORMAT:
        raise StorageError(
            f"{folder}: is a share of format {recipe.format}, this version reads {SHARE_FORMAT}",
            hint="Ask for a share made by this version, or install the ccf_pipeline that its recipe names.",
        )
    for file in files:
        path = folder / file.path
        if not path.is_file() or file_digest(path) != file.sha256:
            raise StorageError(f"{path}: is not what the manifest says", hint=_FETCH_AGAIN)
    return recipe


def write_missing(folder: Path, missing: list[MissingRow]) -> None:
    write_text(folder / MISSING, "".join(row.model_dump_json() + "\n" for row in missing))


def _refuse_foreign(out: Path) -> None:
    if out.is_file():
        raise BuildConflict(f"{out}: is a file", hint="Choose another --out.")
    if (
        out.is_dir()
        and any(out.iterdir())
        and not (out / RECIPE).is_file()
        and not (out / MANIFEST).is_file()
    ):
        raise BuildConflict(f"{out}: is not empty and is not a share", hint="Choose another --out.")

"""Find the flows and prefect.yaml that come along with the package, and copy them out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ccf_pipeline.errors import BuildConflict, MissingInput, UnreadableInput
from ccf_pipeline.files.disk import write_text

PACKAGE = Path(__file__).parents[1]
PREFECT_FILES = ("prefect.yaml", "flows")


def carried_file(name: str, package: Path = PACKAGE) -> Path:
    """A file or folder that comes along: inside an installed wheel, or beside the package in a checkout."""
    carried = package / "carried" / name
    if carried.exists():
        return carried
    # Beside an installed package lies the rest of site-packages, where `flows` may be anyone's.
    beside = package.parent / name
    if (package.parent / "pyproject.toml").is_file() and beside.exists():
        return beside
    raise MissingInput(
        f"{name}: did not come along with this installation",
        hint="Install ccf-pipeline again, or run it from a whole checkout.",
    )


def lay_out(folder: Path, names: tuple[str, ...] = PREFECT_FILES, *, force: bool = False) -> tuple[Path, ...]:
    """Copy what comes along into a folder; files that are there already are only replaced by force."""
    pairs = [
        (source, folder / place) for name in names for source, place in _list_source_files(carried_file(name))
    ]
    standing = [target for _, target in pairs if target.exists()]
    if standing and not force:
        raise BuildConflict(f"{standing[0]}: is there already", hint="Choose another folder, or add --force.")
    for source, target in pairs:
        write_text(target, _read_text(source))
    return tuple(target for _, target in pairs)


def _list_source_files(source: Path) -> Iterator[tuple[Path, Path]]:
    if source.is_file():
        yield source, Path(source.name)
        return
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path, path.relative_to(source.parent)


def _read_text(source: Path) -> str:
    try:
        return source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableInput(f"{source}: cannot be read ({error.__class__.__name__})") from error

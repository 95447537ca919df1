"""Records tell commits apart, in a checkout, in a wheel and in an archive."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccf_pipeline import __version__
from ccf_pipeline.files import code_version


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing is remembered, before or afterwards."""
    code_version.read_code_version.cache_clear()
    monkeypatch.setattr(code_version, "PACKAGE", tmp_path / "ccf_pipeline")
    (tmp_path / "ccf_pipeline").mkdir()
    yield
    code_version.read_code_version.cache_clear()


def test_an_archive_tells_its_version_alone() -> None:
    assert code_version.read_code_version() == __version__


def test_a_wheel_tells_the_commit_that_was_baked_in(tmp_path: Path) -> None:
    (tmp_path / "ccf_pipeline" / "carried").mkdir()
    (tmp_path / "ccf_pipeline" / "carried" / "commit.txt").write_text("0123456789ab\n", encoding="ascii")

    assert code_version.read_code_version() == f"{__version__}+0123456789ab"


def test_a_checkout_tells_its_commit_and_that_it_has_changes(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        return subprocess.run(
            ["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True, text=True
        ).stdout.strip()

    (tmp_path / "file").write_text("one", encoding="ascii")
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "first")):
        git(*words)
    first = code_version.read_code_version()
    code_version.read_code_version.cache_clear()
    (tmp_path / "file").write_text("two", encoding="ascii")

    assert first == f"{__version__}+{git('rev-parse', '--short=12', 'HEAD')}"
    assert code_version.read_code_version() == f"{first}-dirty"

"""No file that somebody sends crashes, hangs or fills the machine: it is refused in two lines, or read."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.hostile_files import GROUPS

MOST_MEGABYTES = 500
MOST_SECONDS = 20
GOOD_CODES = {0, 1, 2, 3, 74}


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_hostile_files_are_told_in_two_lines_within_memory_and_time(group: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile_files", group], capture_output=True, text=True, check=False
    )

    *found, total = map(json.loads, done.stdout.splitlines())
    assert [one["name"] for one in found] == list(GROUPS[group]), done.stderr[-2000:]
    for one in found:
        assert one["code"] in GOOD_CODES, one
        assert "the program failed" not in one["told"], one
        assert one["seconds"] < MOST_SECONDS, one
    assert total["megabytes"] < MOST_MEGABYTES


def test_the_table_has_sixty_kinds() -> None:
    assert sum(map(len, GROUPS.values())) >= 60

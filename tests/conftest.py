"""What every test starts from: no settings of the person who runs it."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# No deadline: a shared machine is slow now and then. The same examples every time: a red run can be repeated.
settings.register_profile("ccf", deadline=None, derandomize=True)
settings.load_profile("ccf")


@pytest.fixture(autouse=True)
def no_settings_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CCF_ variable in somebody's shell must not decide a test."""
    for name in [name for name in os.environ if name.startswith("CCF_")]:
        monkeypatch.delenv(name)

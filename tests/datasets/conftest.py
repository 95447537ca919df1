"""One build for every test of the exports."""

from __future__ import annotations

import pytest

from ccf_pipeline.engine.build_folder import BuildFolder
from tests.paired_build import paired_build


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> BuildFolder:
    return paired_build(tmp_path_factory.mktemp("paired"))

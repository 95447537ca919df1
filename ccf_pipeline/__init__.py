"""Counterfactual preference data for chest X-ray models, drawn from a concept graph."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ccf_pipeline.engine.notebook import check as check
    from ccf_pipeline.engine.notebook import load_graph as load_graph
    from ccf_pipeline.engine.notebook import open_build as open_build
    from ccf_pipeline.engine.notebook import plan as plan
    from ccf_pipeline.engine.notebook import read_report as read_report
    from ccf_pipeline.walk import build_corpus as build

__version__ = "0.2.0"
__all__ = ["__version__", "build", "check", "load_graph", "open_build", "plan", "read_report"]


def _offer_rewards() -> ModuleType:
    """Let `from ccf_pipeline.rewards import …` find the module in its room; it runs when first used."""
    path = Path(__file__).parent / "datasets" / "rewards.py"
    spec = importlib.util.spec_from_file_location(f"{__name__}.rewards", path)
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rewards = _offer_rewards()


def __getattr__(name: str) -> Any:
    # Imported when it is first asked for: `ccf-build --help` needs none of it, and it takes half a second.
    if name == "build":
        from ccf_pipeline.walk import build_corpus

        return build_corpus
    if name in __all__:
        from ccf_pipeline.engine import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

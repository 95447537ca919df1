"""Counterfactual preference data for chest X-ray models, drawn from a concept graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ccf_pipeline.api import build as build
    from ccf_pipeline.api import check as check
    from ccf_pipeline.api import load_graph as load_graph
    from ccf_pipeline.api import open_build as open_build
    from ccf_pipeline.api import plan as plan
    from ccf_pipeline.api import read_report as read_report

__version__ = "0.1.0"
__all__ = ["__version__", "build", "check", "load_graph", "open_build", "plan", "read_report"]


def __getattr__(name: str) -> Any:
    # Imported when it is first asked for: `ccf-build --help` needs none of it, and it takes half a second.
    if name in __all__:
        from ccf_pipeline import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""ccf-build: parses, prints, exits; decides nothing."""

from __future__ import annotations

from ccf_pipeline.cli.app import main

__all__ = ["main"]

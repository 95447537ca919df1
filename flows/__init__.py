"""Prefect's skin over the pipeline: no logic lives here."""

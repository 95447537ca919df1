"""Which process a flow run lives in: what `ccf-build recover` needs to know that it has died."""

from __future__ import annotations

import os
import socket

from prefect.client.orchestration import get_client
from prefect.runtime import flow_run

from ccf_pipeline.engine.prefect_runs import PROCESS


def note_process() -> None:
    """Label this run with its machine and process."""
    if flow_run.id:
        with get_client(sync_client=True) as client:
            client.update_flow_run_labels(flow_run.id, {PROCESS: f"{socket.gethostname()}:{os.getpid()}"})

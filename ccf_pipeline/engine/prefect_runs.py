"""Prefect runs that a killed worker left "Running": nobody else brings them to an end.

The one module besides the flows that knows Prefect, and only when somebody asks.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import NamedTuple

from ccf_pipeline.errors import CcfError, MissingInput

PROCESS = "ccf.process"
"""The label by which a run says `host:pid`; Prefect itself keeps no host."""
FLOWS = ("build-dataset", "publish-dataset", "extract-graph")


class LostRun(NamedTuple):
    """A run whose process is gone."""

    run_id: str
    name: str


class NoPrefectServer(CcfError):
    """Prefect's server does not answer."""

    hint = "Start it with `prefect server start`, or set PREFECT_API_URL to where it is."


def end_lost_runs(named: Sequence[str] = ()) -> list[LostRun]:
    """Mark as Crashed the runs of our flows whose process has died on this machine, with their tasks.

    Args:
        named: ids of runs that are lost for sure, such as those of a machine that is gone.
    """
    for variable, value in (("PREFECT_SERVER_ANALYTICS_ENABLED", "false"), ("DO_NOT_TRACK", "1")):
        os.environ.setdefault(variable, value)  # a server that Prefect starts for this calls home otherwise
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowFilter, FlowRunFilter, TaskRunFilter
    from prefect.client.schemas.objects import State
    from prefect.states import Crashed

    flows = FlowFilter.model_validate({"name": {"any_": list(FLOWS)}})
    # Prefect 3.7 wants the name of the state to be said, be it None; later versions take it so as well.
    at_work = {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}, "name": None}}
    crashed: State[None] = Crashed(message="Its process was killed; run it again, and it goes on.")
    ended = []
    try:
        with get_client(sync_client=True) as client:
            found = client.read_flow_runs(
                flow_filter=flows, flow_run_filter=FlowRunFilter.model_validate(at_work)
            )
            unknown = set(named) - {str(run.id) for run in found}
            if unknown:
                raise MissingInput(
                    f"{min(unknown)}: no such run is under way", hint="`prefect flow-run ls` lists them."
                )
            for run in found:
                if str(run.id) not in named and not _is_dead_process(str(run.labels.get(PROCESS, ""))):
                    continue
                client.set_flow_run_state(run.id, crashed, force=True)
                tasks = client.read_task_runs(
                    flow_run_filter=FlowRunFilter.model_validate({"id": {"any_": [run.id]}}),
                    task_run_filter=TaskRunFilter.model_validate(at_work),
                )
                for one in tasks:
                    client.set_task_run_state(one.id, crashed, force=True)
                ended.append(LostRun(str(run.id), run.name))
    except httpx.TransportError as error:
        raise NoPrefectServer(f"Prefect's server does not answer ({type(error).__name__})") from None
    return ended


def _is_dead_process(process: str) -> bool:
    """True if `host:pid` is a process of this machine that is no more; of other machines we cannot know."""
    host, _, pid = process.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False

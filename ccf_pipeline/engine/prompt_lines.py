"""Prompts that wait for an answer, as lines of JSON: for whoever answers them without being called."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from ccf_pipeline.files.disk import sealed_file
from ccf_pipeline.records import Prompt


def write_waiting(path: Path, prompts: Iterable[Prompt]) -> int:
    """Write one line per prompt, readable to its owner only: prompts hold reports. Returns how many."""
    count = 0
    with (
        sealed_file(path, private=True) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as lines,
    ):
        for prompt in prompts:
            lines.write(json.dumps(_make_prompt_line(prompt), ensure_ascii=False) + "\n")
            count += 1
    return count


def _make_prompt_line(prompt: Prompt) -> dict[str, object]:
    return {
        "prompt_id": prompt.prompt_id,
        "plan_id": prompt.plan.plan_id,
        "study_id": prompt.plan.study_id,
        "strategy": prompt.strategy,
        "form": prompt.form,
        "attempt": prompt.attempt,
        "sampling": prompt.sampling.model_dump(),
        "messages": [message.model_dump() for message in prompt.messages],
    }

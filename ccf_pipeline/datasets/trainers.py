"""Ask an installed training package which arguments it takes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from ccf_pipeline.errors import MissingInput, UnreadableInput
from ccf_pipeline.records import Noun

TIMEOUT_SECONDS = 180

_ASK = """
import dataclasses, importlib.metadata, json
try:
    version = importlib.metadata.version({package!r})
except importlib.metadata.PackageNotFoundError:
    raise SystemExit({absent})
{imports}
names = sorted({{field.name for one in classes for field in dataclasses.fields(one)}})
print("\\n" + json.dumps({{"version": version, "arguments": names}}))
"""
_IMPORTS = {
    "ms-swift": """
try:
    from swift.arguments import RLHFArguments, SftArguments
except ImportError:
    from swift.llm import RLHFArguments, TrainArguments as SftArguments
classes = (RLHFArguments, SftArguments)
""",
    "trl": """
from trl import DPOConfig, ModelConfig, ScriptArguments
classes = (DPOConfig, ModelConfig, ScriptArguments)
""",
    "llamafactory": """
from llamafactory.hparams import DataArguments, FinetuningArguments, ModelArguments, TrainingArguments
classes = (DataArguments, FinetuningArguments, ModelArguments, TrainingArguments)
""",
}
_ABSENT = 91


class Installed(Noun):
    """A package's version and the arguments its command line takes."""

    version: str
    arguments: frozenset[str]


def find_installed(package: str, python: Path) -> Installed | None:
    """Return the arguments that a package of an environment takes; None where it is not installed."""
    asked = _ASK.format(package=package, imports=_IMPORTS[package], absent=_ABSENT)
    try:
        told = subprocess.run(
            [str(python), "-c", asked],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except OSError as error:
        raise MissingInput(f"{python}: there is no such interpreter") from error
    except subprocess.TimeoutExpired as error:
        raise UnreadableInput(f"{python}: {package} did not load within {TIMEOUT_SECONDS} s") from error
    if told.returncode == _ABSENT:
        return None
    if told.returncode != 0:
        last = (told.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UnreadableInput(
            f"{python}: {package} is installed and cannot be loaded: {last}",
            hint="Mend that environment, or name another one with --python.",
        )
    return Installed.model_validate(json.loads(told.stdout.strip().splitlines()[-1]))

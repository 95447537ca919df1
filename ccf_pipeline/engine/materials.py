"""Load what every step of a build works with: settings, graph, prompts, reader."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ccf_pipeline.counterfactual.prompt import CHOSEN
from ccf_pipeline.counterfactual.prompt.load_templates import load_template, make_own_template
from ccf_pipeline.errors import MissingInput, UnreadableInput
from ccf_pipeline.files.code_version import read_code_version
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import Reading, read_facts
from ccf_pipeline.reader.golden import require_reader
from ccf_pipeline.records import Lineage, Template
from ccf_pipeline.settings import BuildSettings, ExpertSettings

REPAIR = "repair"
FALL_BACK = "rewrite"
# Where the build lies, what it is reached by and when it stops do not decide what it makes.
ELSEWHERE = dict.fromkeys(("out", "graph", "reuse", "endpoint", "engine", "limits", "prices", "store"), True)

Progress = Callable[[str, int, int | None], None]
"""Told the stage, how far it is, and out of how many where that is known."""


def silent(stage: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Materials:
    """The settings, graph, prompts and reader of a build, loaded once."""

    settings: BuildSettings
    graph: ConceptGraph
    templates: Mapping[str, Template]

    @classmethod
    def load(cls, settings: BuildSettings) -> Materials:
        """Read the graph and the prompts; refuse a graph with which reports are not read as they should."""
        names = [settings.expert.strategy, REPAIR, FALL_BACK, *([CHOSEN] if settings.expert.rewords else [])]
        templates = {name: load_template(name) for name in names}
        if settings.expert.template is not None:
            templates[settings.expert.strategy] = _read_own_template(settings.expert)
        materials = cls(settings, load_graph(settings.graph), templates)
        require_reader(materials.lexicon, materials.graph.file)
        return materials

    @property
    def template(self) -> Template:
        return self.templates[self.settings.expert.strategy]

    @cached_property
    def lexicon(self) -> Lexicon:
        return Lexicon.from_graph(self.graph.file)

    @cached_property
    def lineage(self) -> Lineage:
        digests = "".join(template.digest for _, template in sorted(self.templates.items()))
        return Lineage(
            graph_version=f"{self.graph.name} {self.graph.version}",
            graph_digest=self.graph.digest,
            prompt_digest=hashlib.sha256(digests.encode()).hexdigest()[:16],
            code_version=read_code_version(),
        )

    @property
    def identity(self) -> dict[str, Any]:
        """Return everything that decides the bytes of a build; its folder goes on only under the same."""
        chosen = self.settings.model_dump(mode="json", exclude=ELSEWHERE)
        return {**_flatten_settings(chosen), **self.lineage.model_dump()}

    def read(self, text: str) -> Reading:
        return read_facts(text, self.lexicon)


def _read_own_template(expert: ExpertSettings) -> Template:
    path = expert.template or Path()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MissingInput(f"{path}: there is no such template") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableInput(f"{path}: cannot be read ({error.__class__.__name__})") from error
    return make_own_template(expert.strategy, text, str(path))


def _flatten_settings(table: dict[str, Any], above: str = "") -> dict[str, Any]:
    def entries() -> Iterator[tuple[str, Any]]:
        for key, value in table.items():
            if isinstance(value, dict):
                yield from _flatten_settings(value, f"{above}{key}.").items()
            else:
                yield f"{above}{key}", value

    return dict(entries())

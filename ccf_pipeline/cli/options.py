"""Command-line options derived from the settings: each says what build.toml says of it, in the same words."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
import typer
from pydantic import BaseModel

from ccf_pipeline.errors import SettingsError
from ccf_pipeline.files.plugins import plugin_names
from ccf_pipeline.settings import CORPUS_KINDS, BuildSettings, load_settings

AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON for a program.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]

# Parameter: the setting it stands for, and the option's names. The groups are what a command takes together.
CORPUS = {
    "tables": ("corpus.tables", "--tables"),
    "images": ("corpus.images", "--images"),
    "limit": ("corpus.limit", "--limit"),
    "skip_bad": ("corpus.skip_bad", "--skip-bad"),
    "allow_missing_tables": ("corpus.allow_missing_tables", "--allow-missing-tables"),
    "graph": ("graph", "--graph"),
}
PLAN = {
    "preset": ("plan.preset", "--preset"),
    "per_study": ("plan.per_study", "--per-study"),
    "seed": ("plan.seed", "--seed"),
}
ASKING = {
    "strategy": ("expert.strategy", "--strategy"),
    "chosen": ("expert.chosen", "--chosen"),
    "repair": ("expert.repair", "--repair"),
    "template": ("expert.template", "--template"),
    "recorded": ("expert.recorded", "--recorded"),
}
BUILD = {
    "out": ("out", "--out", "-o"),
    "reuse": ("reuse", "--reuse"),
    "expert": ("expert.kind", "--expert"),
    "model": ("expert.model", "--model"),
    "base_url": ("endpoint.urls", "--base-url", "--endpoint"),
    "key_variable": ("endpoint.key_variable", "--key-variable"),
    "concurrency": ("endpoint.concurrency", "--concurrency"),
    "allow_private_net": ("endpoint.allow_private_net", "--allow-private-net"),
    "attestation": ("endpoint.attestation", "--attestation"),
    "max_requests": ("limits.requests", "--max-requests"),
    "max_tokens": ("limits.tokens", "--max-tokens"),
    "max_cost": ("limits.cost", "--max-cost"),
    "shard_size": ("shards.size", "--shard-size"),
}
Group = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Given:
    """The settings given on the command line; the rest comes from the environment and build.toml."""

    config: Path | None
    flags: Mapping[str, Any]

    def load(self, **more: Any) -> BuildSettings:
        """Return the settings.

        Args:
            more: further settings, nested as in build.toml.
        """
        flags = {
            name: dict(value) if isinstance(value, dict) else value for name, value in self.flags.items()
        }
        for name, value in more.items():
            flags[name] = {**flags.get(name, {}), **value} if isinstance(value, dict) else value
        return load_settings(self.config, flags)

    def said(self, key: str) -> Any:
        """Return the value that an option gave to a setting, None where no option did."""
        value: Any = self.flags
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value


def takes_settings(
    *groups: Group, unused: Group | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command `--config`, `--corpus` and the options of some groups, as a `Given`.

    Args:
        unused: options that the command accepts and does not need, so that one set of options fits them all.
    """
    options = {name: entry for group in groups for name, entry in group.items()}
    hidden = dict(unused or {})

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

        def call(**values: Any) -> None:
            flags: dict[str, Any] = {}
            for name, (key, *_) in {**options, **hidden}.items():
                value = values.pop(name)
                _put(flags, key, tuple(value) if isinstance(value, list) else value)
            for key, value in corpus_flags(values.pop("corpus")).items():
                _put(flags, f"corpus.{key}", value)
            command(Given(values.pop("config"), flags), **values)

        derived = [
            _make_parameter(
                "config", Annotated[Path | None, typer.Option("--config", "-c", help=CONFIG_HELP)]
            ),
            _make_parameter("corpus", Annotated[str | None, typer.Option("--corpus", help=CORPUS_HELP)]),
            *(_make_option(name, *entry) for name, entry in options.items()),
            *(_make_option(name, *entry, hidden=True) for name, entry in hidden.items()),
        ]
        parameters = [*derived, *(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own)]
        call.__name__, call.__doc__ = command.__name__, command.__doc__
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {one.name: one.annotation for one in parameters}
        return call

    return decorate


CONFIG_HELP = "A build.toml; ./build.toml if it is there."
CORPUS_HELP = f"KIND:PATH of the reports, e.g. mimic:/data/mimic-cxr. Kinds: {', '.join(CORPUS_KINDS)}."


def corpus_flags(spoken: str | None) -> dict[str, str | None]:
    """Return KIND:PATH as settings; a bare PATH leaves the kind to the other sources."""
    if spoken is None:
        return {}
    kind, colon, path = spoken.partition(":")
    if not colon:
        return {"path": spoken}
    kinds = CORPUS_KINDS if kind.replace("-", "_") in CORPUS_KINDS else known_kinds()
    if kind.replace("-", "_") not in kinds:
        raise SettingsError(
            f"--corpus {spoken}: `{kind}` is not a kind of corpus",
            hint=f"Known kinds: {', '.join(kinds)}; for example mimic:{path or 'PATH'}.",
        )
    if not path:
        raise SettingsError(f"--corpus {spoken}: names no path", hint=f"Write {kind}:PATH.")
    return {"kind": kind.replace("-", "_"), "path": path}


def known_kinds() -> tuple[str, ...]:
    """Return the kinds of corpus of the package and of installed plug-ins."""
    return (*CORPUS_KINDS, *plugin_names("ccf_pipeline.corpora"))


def _put(flags: dict[str, Any], key: str, value: Any) -> None:
    *tables, name = key.split(".")
    for table in tables:
        flags = flags.setdefault(table, {})
    flags[name] = value


def _make_option(name: str, key: str, *names: str, hidden: bool = False) -> inspect.Parameter:
    """Return the parameter of a command that stands for a setting."""
    model: type[BaseModel] = BuildSettings
    *tables, last = key.split(".")
    for table in tables:
        inner = model.model_fields[table].annotation
        assert isinstance(inner, type)
        assert issubclass(inner, BaseModel)
        model = inner
    field = model.model_fields[last]
    kind, told = _strip_type(field.annotation), escape(field.description or "")
    if kind is bool:
        names = (f"{names[0]}/--no-{names[0].removeprefix('--')}",)
    return _make_parameter(
        name,
        Annotated[
            kind | None,
            typer.Option(
                *names, help=told, hidden=hidden, show_default=False, **_find_bounds(field.metadata)
            ),
        ],
    )


def escape(text: str) -> str:
    """Return a help text whose brackets are shown: `[prices]` is no markup."""
    return text.replace("[", "\\[")


def _make_parameter(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _strip_type(annotation: Any) -> Any:
    """Return the type without None and checks; a tuple becomes an option that may be repeated."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        (given,) = (one for one in inner if one is not type(None))
        return _strip_type(given)
    if origin is Annotated:
        return _strip_type(inner[0])
    if origin is tuple:
        return list[_strip_type(inner[0])]  # type: ignore[misc]
    if origin is Literal or isinstance(annotation, type):
        return annotation
    raise TypeError(f"{annotation}: no option is made of it")


def _find_bounds(metadata: list[Any]) -> dict[str, Any]:
    """Return the limits of a number, as the option checks them before the settings do."""
    bounds: dict[str, Any] = {}
    for one in metadata:
        if isinstance(one, annotated_types.Ge):
            bounds["min"] = one.ge
        if isinstance(one, annotated_types.Le):
            bounds["max"] = one.le
    return bounds

"""The settings of a build: one frozen BuildSettings from build.toml, environment and command line."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ccf_pipeline.errors import MissingInput, SettingsError, UnreadableInput
from ccf_pipeline.files.hostile import refuse_deep_toml
from ccf_pipeline.files.plugins import Group, plugin_names
from ccf_pipeline.records import Noun, Sensitivity, Spend

ENV_PREFIX = "CCF_"
LOG_VARIABLE = "CCF_LOG"
"""How much is logged; it decides nothing of what a build makes."""
SETTINGS_FILE = Path("build.toml")

CORPUS_KINDS = ("mimic", "openi", "chexpert_plus", "table", "demo", "studies")
EXPERT_KINDS = ("rules", "openai", "vllm", "scripted")
CONFIG_NAMES = (
    "ccf",
    "sft",
    "cpo_thinking",
    "cpo_mirror",
    "cpo_perception",
    "cpo_mixed",
    "trl_dpo",
    "llamafactory",
    "cpo_unmirrored",
    "cf_vlm",
    "rejected",
)
EXPORTED_NAMES = ("kto", "trl_kto", "grpo", "trl_grpo", "verl", "cpo_scripts")
"""The configs that only `ccf-build export` writes; a build's own folder holds its images often enough."""
PlanPreset = Literal["balanced", "paper", "minimal"]
ChatClient = Literal["openai", "aiohttp"]
Strategy = Literal["edits", "lines", "rewrite", "paper", "minimal"]
ImagesAs = Literal["embedded", "paths"]
MatchFloor = Literal["labels", "attributes"]


def _require_known(group: Group, shipped: tuple[str, ...], name: str) -> str:
    """Raise an error unless the package or an installed plug-in has something of this name."""
    known = (*shipped, *plugin_names(group)) if name not in shipped else shipped
    if name not in known:
        raise ValueError(f"`{name}` is not known; known are {', '.join(known)}")
    return name


CorpusKind = Annotated[str, AfterValidator(partial(_require_known, "ccf_pipeline.corpora", CORPUS_KINDS))]
ExpertKind = Annotated[str, AfterValidator(partial(_require_known, "ccf_pipeline.experts", EXPERT_KINDS))]
ConfigName = Annotated[str, AfterValidator(partial(_require_known, "ccf_pipeline.formats", CONFIG_NAMES))]


class ColumnSettings(Noun):
    """The names of a table's columns; those left out go by their usual names."""

    study_id: str | None = Field(default=None, description="Column of the study's or report's id.")
    subject_id: str | None = Field(default=None, description="Column of the patient's id.")
    text: str | None = Field(default=None, description="Column of the whole report.")
    findings: str | None = Field(default=None, description="Column of the findings section.")
    impression: str | None = Field(default=None, description="Column of the impression section.")
    split: str | None = Field(default=None, description="Column that says train, validate or test.")
    image: str | None = Field(default=None, description="Column of the image's path below the images folder.")
    view: str | None = Field(default=None, description="Column of the view: PA, AP, lateral.")
    age: str | None = Field(default=None, description="Column of the age in years.")
    sex: str | None = Field(default=None, description="Column of the sex.")


def _expand_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # there is no such user
        return path


AnyPath = Annotated[Path, AfterValidator(_expand_home)]
"""A path as a person writes it: `~` is the home folder, also where no shell has expanded it."""


class CorpusSettings(Noun):
    """The source of the reports."""

    kind: CorpusKind = Field(default="mimic", description="How the corpus is laid out on disk.")
    path: AnyPath = Field(default=Path("corpus"), description="Its folder, archive or table.")
    tables: AnyPath | None = Field(
        default=None, description="Folder of MIMIC-CXR-JPG, where it does not lie in or beside the path."
    )
    images: AnyPath | None = Field(default=None, description="Folder of the images, where it is another one.")
    limit: int | None = Field(default=None, ge=1, description="Read only the first so many studies.")
    skip_bad: bool = Field(default=False, description="Go on after a damaged table with what it still gives.")
    allow_missing_tables: bool = Field(
        default=False,
        description="Use MIMIC-CXR without its split or image table: all patients are for training then, or"
        " no study has an image.",
    )
    sensitivity: Sensitivity | None = Field(
        default=None,
        description="Who may see a table of your own; `credentialed` unless you say that it is open.",
    )
    columns: ColumnSettings = ColumnSettings()


class PlanSettings(Noun):
    """The choice of counterfactuals."""

    preset: PlanPreset = Field(
        default="balanced",
        description="`balanced` gains and loses each finding about as often, `paper` adds findings near"
        " to what is there, `minimal` changes one element.",
    )
    per_study: int = Field(default=2, ge=1, le=12, description="Counterfactuals per study.")
    seed: int = Field(default=7, ge=0, description="The same seed gives the same plans.")


class ExpertSettings(Noun):
    """The writer of the counterfactuals and how it is asked: all that decides the answers."""

    kind: ExpertKind = Field(
        default="rules",
        description="`rules` writes from the graph itself (no network, no GPU, no key), `openai` asks a"
        " server that speaks OpenAI's chat completions, `vllm` runs the model in this process, `scripted`"
        " plays recorded answers back.",
    )
    model: str | None = Field(default=None, description="The model's name, as the server or vLLM knows it.")
    strategy: Strategy = Field(
        default="edits",
        description="`edits` asks for changes by sentence, so that the rest stays word for word.",
    )
    repair: int = Field(
        default=2, ge=0, le=10, description="How often a rejected answer goes back with the reasons."
    )
    chosen: bool | None = Field(
        default=None,
        description="Have the factual side reworded by the same hand, so that its style does not tell the"
        " sides apart; one more answer per study of a model, one per pair of `rules`, which do so unless"
        " told otherwise.",
    )
    candidates: int = Field(
        default=1,
        ge=1,
        le=8,
        description="So many wordings are written of each counterfactual, by a model in one request; of those"
        " that the checker accepts the one is kept that a reader of words alone tells least.",
    )
    examples: int = Field(
        default=0,
        ge=0,
        le=3,
        description="So many sentences of other patients' reports that say what is new are offered to a model"
        " as style; `rules` draws what it writes from them unasked.",
    )
    temperature: float = Field(default=0.7, ge=0, le=2, description="How freely the model draws its words.")
    max_answer_tokens: int = Field(default=1024, ge=16, description="An answer is cut off after so many.")
    template: AnyPath | None = Field(
        default=None, description="A prompt of your own in place of the strategy's; answers keep its form."
    )
    recorded: AnyPath | None = Field(
        default=None, description="The recorded answers that `scripted` plays back."
    )

    @property
    def drawn_sentences(self) -> int:
        """How many sentences of the bank a plan draws for what is new, in each section."""
        return self.candidates if self.kind == "rules" else self.examples

    @property
    def rewords(self) -> bool:
        """Whether the factual side is put into other words; rules do so unless told otherwise."""
        return self.kind == "rules" if self.chosen is None else self.chosen

    @property
    def rewords_pairs(self) -> bool:
        """Whether each pair has a factual side of its own; a model's answer serves all pairs of a study."""
        return self.rewords and self.kind == "rules"


def _require_variable(name: str) -> str:
    """Refuse what is a key rather than the name of the variable that holds it, before it is written down."""
    if not re.fullmatch(r"[A-Za-z_]\w{0,63}", name, re.ASCII) or re.match(r"(?:sk|hf|gh[pousr])_", name):
        raise ValueError("names no environment variable; a key itself belongs into one, not here")
    return name


class EndpointSettings(Noun):
    """The address of an `openai` expert; may change from run to run of one build."""

    urls: tuple[str, ...] = Field(
        default=(), description="Base URLs of the servers; a weight may follow: URL=3."
    )
    client: ChatClient = Field(
        default="aiohttp",
        description="aiohttp asks by itself, or the openai package over it, at four times the cost.",
    )
    concurrency: int = Field(default=64, ge=1, le=4096, description="Requests under way at once, at most.")
    deadline_seconds: float = Field(default=900.0, gt=0, description="One answer may take so long in all.")
    give_up_seconds: float = Field(
        default=600.0, gt=0, description="A server that answers nothing for so long stops the build."
    )
    requests_per_minute: int | None = Field(
        default=None, ge=1, description="Requests that each server allows in a minute."
    )
    tokens_per_minute: int | None = Field(
        default=None, ge=1, description="Tokens that each server allows in a minute."
    )
    key_variable: Annotated[str, AfterValidator(_require_variable)] | None = Field(
        default=None, description="The environment variable that holds the key; never the key itself."
    )
    allow_private_net: bool = Field(
        default=False, description="Let reports go to addresses of a private network as well."
    )
    attestation: AnyPath | None = Field(
        default=None, description="Who vouches for a public server: a file by `ccf-build attest`."
    )


class EngineSettings(Noun):
    """The engine of a `vllm` expert; may change from run to run of one build."""

    processes: int = Field(
        default=1, ge=1, le=64, description="Engines at once, each in a process with GPUs of its own."
    )
    tensor_parallel: int = Field(
        default=1, ge=1, description="GPUs that one engine spreads the model over, if one is too small."
    )
    max_model_len: int = Field(default=8192, ge=256, description="Tokens of prompt and answer, at most.")
    chunk: int = Field(
        default=2048, ge=1, description="Prompts per call of an engine; its answers are kept as it ends."
    )
    options: tuple[str, ...] = Field(
        default=(), description="More of what vLLM's LLM takes: dtype=bfloat16, quantization=fp8."
    )


class LimitSettings(Noun):
    """Limits at which a build stops, to be continued; counted over all of its runs."""

    requests: int | None = Field(default=None, ge=1, description="Answers to ask for, at most.")
    tokens: int | None = Field(default=None, ge=1, description="Tokens in and out, at most.")
    cost: float | None = Field(default=None, gt=0, description="Money to spend, in the currency of [prices].")


class PriceSettings(Noun):
    """Prices of a million tokens."""

    input: float = Field(default=0.0, ge=0, description="A million tokens that the server reads.")
    cached: float = Field(default=0.0, ge=0, description="A million of them that it had in its prefix cache.")
    output: float = Field(default=0.0, ge=0, description="A million tokens that it writes.")

    def cost_of(self, spend: Spend) -> float:
        """What answers come to at these prices."""
        fresh = spend.tokens_in - spend.tokens_cached
        paid = fresh * self.input + spend.tokens_cached * self.cached + spend.tokens_out * self.output
        return paid / 1_000_000


class ShardSettings(Noun):
    """The size of the shards."""

    size: int = Field(default=500, ge=1, le=100_000, description="Studies per shard.")


class StoreSettings(Noun):
    """The work on a build in an object store (`out = "s3://…"`); may change from run to run."""

    is_private: bool = Field(
        default=False,
        description="Your word that nobody may read the bucket who may not read the reports; needed for"
        " reports under an agreement.",
    )
    scratch: AnyPath | None = Field(
        default=None,
        description="Folder of this machine to work in, removed once the build stands in the store; below"
        " ~/.cache otherwise.",
    )
    flush_seconds: float = Field(
        default=10.0, gt=0, description="What a machine that dies loses: the answers of so many seconds."
    )
    lease_seconds: float = Field(
        default=60.0, gt=0, description="A worker that gives no sign for so long has lost its shards."
    )
    patience_seconds: float = Field(
        default=120.0, ge=0, description="A store that answers nothing for so long stops the build."
    )

    @model_validator(mode="after")
    def _a_lease_outlives_some_flushes(self) -> StoreSettings:
        if self.lease_seconds < 3 * self.flush_seconds:
            raise ValueError("lease_seconds has to be three times flush_seconds at least")
        return self


class DatasetSettings(Noun):
    """The contents of the data set, and the wrapper of its pairs."""

    version: str = Field(
        default="1.0.0",
        pattern=r"^\d+\.\d+\.\d+$",
        description="The data set's own version, as its card names it; `ccf-build help dataset-versions`"
        " says when it"
        " rises.",
    )
    changes: str = Field(default="", description="What changed since the version before, for the card.")
    configs: tuple[ConfigName, ...] = Field(
        default=CONFIG_NAMES,
        min_length=1,
        description="The configs to write, the first one being the default; `ccf-build export` writes any"
        " other one later.",
    )
    images: ImagesAs = Field(
        default="embedded",
        description="`embedded` puts the images into the Parquet, once per side of a pair; `paths` names"
        " them, below the corpus's folder of images.",
    )
    rejected_per_chosen: int | None = Field(
        default=None,
        ge=1,
        description="At most so many rejected texts per chosen one; they are picked so that both sides name"
        " as many diseases as can be. All of them otherwise.",
    )
    match: MatchFloor = Field(
        default="attributes",
        description="How close the film of a mirror row must be to the counterfactual text, by its own"
        " report: `labels` the same findings and nothing that contradicts the text, `attributes` the same"
        " side and degree of the target as well.",
    )
    even: bool = Field(
        default=True,
        description="Write a pair that no mirror evens out only if another one leads back: from the"
        " diagnosis that this one leads to, to the diagnosis that it leaves.",
    )
    select: float | None = Field(
        default=None,
        ge=0.1,
        le=1.0,
        description="Train only on pairs that a reader of words tells no better than it must, by adversarial"
        " rounds within each kind of change; at least this share of all pairs stays, 0.67 for example.",
    )
    same_diagnosis: bool = Field(
        default=False,
        description="Train on pairs whose sides name the same diagnosis as well; most change a device only.",
    )
    wrapper: str = Field(
        default="ccf",
        description="The words around a chain of thought: `ccf`, `paper`, or a YAML file of your own.",
    )
    question: str | None = Field(
        default=None, description="The question to ask of an image, in place of the wrapper's."
    )
    perception_weight: float = Field(
        default=1.0, gt=0, description="`cpo_sample_weight` of a perception pair; a thinking pair has 1."
    )


class BuildSettings(BaseModel):
    """All settings that decide what a build makes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: AnyPath = Field(default=Path("build"), description="The build folder; or s3://BUCKET/PREFIX.")
    graph: AnyPath | None = Field(
        default=None, description="A concept graph of your own; the default one otherwise."
    )
    reuse: tuple[AnyPath, ...] = Field(
        default=(),
        description="Other build folders; their answers to what this build would ask are taken over.",
    )
    corpus: CorpusSettings = CorpusSettings()
    plan: PlanSettings = PlanSettings()
    expert: ExpertSettings = ExpertSettings()
    endpoint: EndpointSettings = EndpointSettings()
    engine: EngineSettings = EngineSettings()
    limits: LimitSettings = LimitSettings()
    prices: PriceSettings = PriceSettings()
    shards: ShardSettings = ShardSettings()
    store: StoreSettings = StoreSettings()
    dataset: DatasetSettings = DatasetSettings()


def load_settings(file: Path | None = None, flags: Mapping[str, Any] | None = None) -> BuildSettings:
    """Read the settings once, at the rim.

    Args:
        file: a build.toml; when none is named, the one in the current folder if there is one.
        flags: what the command line said, nested as in build.toml; None means not said.
    """
    if file is None and SETTINGS_FILE.is_file():
        file = SETTINGS_FILE
    if file is not None:
        _refuse_unknown(_list_keys(_read_toml(file)), where=str(file), spell=lambda key: key)
    _refuse_unknown(
        [_parse_variable(n) for n in os.environ if n.startswith(ENV_PREFIX) and n != LOG_VARIABLE],
        where="the environment",
        spell=lambda key: ENV_PREFIX + key.upper().replace(".", "__"),
    )

    try:
        loaded = _read_layers(file, _drop_unset(flags or {}))
    except ValidationError as error:
        raise SettingsError(_describe_first_fault(error)) from error
    return BuildSettings.model_construct(
        **{name: getattr(loaded, name) for name in BuildSettings.model_fields}
    )


def _read_layers(file: Path | None, flags: Mapping[str, Any]) -> BuildSettings:
    """Read flags, environment and file together: flags beat the environment, the environment the file."""
    # Imported here: the command line derives its options from the settings, and help has to be quick.
    from pydantic_settings import (
        BaseSettings,
        PydanticBaseSettingsSource,
        SettingsConfigDict,
        TomlConfigSettingsSource,
    )

    class Layers(BaseSettings, BuildSettings):
        model_config = SettingsConfigDict(
            frozen=True,
            extra="forbid",
            env_prefix=ENV_PREFIX,
            env_nested_delimiter="__",
            env_ignore_empty=True,
            toml_file=file,
        )

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    return Layers(**flags)


def settings_of(flat: Mapping[str, Any], *, out: Path, graph: Path | None) -> BuildSettings:
    """The settings of a build as its build.json keeps them, by dotted keys among others."""
    known = {key for key, _, _ in setting_fields()}
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        if key in known:
            table, _, name = key.rpartition(".")
            (nested.setdefault(table, {}) if table else nested)[name] = value
    parts: dict[str, Any] = {
        name: _validate_table(name, field.annotation, nested.get(name, {}))
        for name, field in BuildSettings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }
    return BuildSettings.model_construct(**parts, out=out, graph=graph)


def _validate_table(name: str, model: type[BaseModel], values: Mapping[str, Any]) -> BaseModel:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_describe_first_fault(error, f"{name}.")) from error


def setting_fields(model: type[BaseModel] = BuildSettings, above: str = "") -> Iterator[tuple[str, Any, str]]:
    """Every setting as (dotted key, default, what it is for), in the order of the file."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from setting_fields(field.annotation, f"{above}{name}.")
        else:
            choices = get_args(field.annotation) if not field.is_required() else ()
            for check in field.metadata:
                if isinstance(check, AfterValidator) and isinstance(check.func, partial):
                    choices = check.func.args[1]  # the names that the package ships
            said = [str(choice) for choice in choices if isinstance(choice, str)]
            purpose = (field.description or "") + (f" One of: {', '.join(said)}." if len(said) > 1 else "")
            yield f"{above}{name}", field.default, purpose


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        refuse_deep_toml(text)
        return tomllib.loads(text)
    except FileNotFoundError as error:
        raise MissingInput(f"{file}: there is no such settings file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableInput(f"{file}: cannot be read ({error.__class__.__name__})") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{file}: not valid TOML: {error}", hint="Correct the line that is named."
        ) from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{file}: its tables lie too deep") from error


def _list_keys(table: Mapping[str, Any], above: str = "") -> list[str]:
    keys: list[str] = []
    for name, value in table.items():
        keys += _list_keys(value, f"{above}{name}.") if isinstance(value, dict) else [f"{above}{name}"]
    return keys


def _parse_variable(name: str) -> str:
    return name.removeprefix(ENV_PREFIX).lower().replace("__", ".")


def _refuse_unknown(keys: list[str], *, where: str, spell: Any) -> None:
    known = [key for key, _, _ in setting_fields()]
    for key in keys:
        if key in known:
            continue
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        hint = (
            f"Did you mean `{spell(near[0])}`?"
            if near
            else f"Known settings: {', '.join(map(spell, known))}."
        )
        raise SettingsError(f"{where}: `{spell(key)}` is not a setting", hint=hint)


def _drop_unset(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what the command line left unsaid, so that weaker sources can speak."""
    kept: dict[str, Any] = {}
    for name, value in flags.items():
        if isinstance(value, Mapping):
            inner = _drop_unset(value)
            if inner:
                kept[name] = inner
        elif value is not None:
            kept[name] = value
    return kept


def _describe_first_fault(error: ValidationError, above: str = "") -> str:
    fault = error.errors(include_url=False)[0]
    key = above + ".".join(str(part) for part in fault["loc"])
    said = "" if key.endswith("key_variable") else f" (it is {fault['input']!r})"
    return f"setting `{key}`: {fault['msg'].removeprefix('Value error, ')}{said}"

"""The command that trains on a data set: a recipe's hyper-parameters with the files that lie there."""

from __future__ import annotations

import shlex
import sys
from importlib import resources
from pathlib import Path

import pyarrow.parquet as pq
import yaml

from ccf_pipeline.datasets.trainers import Installed, find_installed
from ccf_pipeline.errors import MissingInput, SettingsError
from ccf_pipeline.records import Noun

Value = bool | int | float | str


class Recipe(Noun):
    """The command of a training package; older versions spell a name with `|` the second way."""

    purpose: str
    package: str
    configs: tuple[str, ...]
    loss: str
    command: tuple[str, ...]
    gpus: int
    batch: int
    environment: dict[str, Value]
    arguments: dict[str, Value]
    before: str = ""


def recipe_names() -> tuple[str, ...]:
    """The recipes that are shipped."""
    folder = resources.files(__package__).joinpath("recipes")
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir()))


def load_recipe(name: str) -> Recipe:
    """One recipe by its name."""
    if name not in recipe_names():
        raise SettingsError(f"`{name}` is not a recipe", hint=f"Known recipes: {', '.join(recipe_names())}.")
    file = resources.files(__package__).joinpath("recipes", f"{name}.yaml")
    return Recipe.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))


def training_script(
    name: str,
    dataset: Path,
    *,
    model: str | None = None,
    gpus: int | None = None,
    images_root: Path | None = None,
    python: Path | None = None,
) -> str:
    """A shell script that trains on a data set; its arguments are checked where the package is installed.

    Args:
        model: the model or checkpoint to start from, in place of the recipe's.
        gpus: the size of a whole batch stays the recipe's, however many there are.
        images_root: where the images lie, for a data set that names them by path.
        python: the interpreter of the environment that the package is installed in; else this one.
    """
    recipe = load_recipe(name)
    folder = _find_dataset_folder(dataset)
    for config in recipe.configs:
        _require_train(folder, config)
    processes = gpus or recipe.gpus
    installed = find_installed(recipe.package, python or Path(sys.executable))
    arguments = {
        **_translate_arguments(recipe, installed),
        **_make_batch_arguments(recipe, processes),
        **_make_data_arguments(recipe, folder),
    }
    if model is not None:
        arguments["model" if "model" in arguments else "model_name_or_path"] = model
    _refuse_unknown(recipe, arguments, installed)
    environment = dict(recipe.environment)
    prefix = ""
    if images_by_path(folder, recipe.configs[0]):
        if images_root is None:
            raise SettingsError(
                f"{folder}: the images are named by path, below a folder that only you know",
                hint="Name it with --images-root, or export the config with --images embedded.",
            )
        if recipe.package == "ms-swift":
            environment["ROOT_IMAGE_DIR"] = str(images_root.resolve())
        else:
            prefix = f"cd {shlex.quote(str(images_root.resolve()))}\n"
    if recipe.package != "trl":
        environment["NPROC_PER_NODE"] = processes
    return _write_script(name, recipe, installed, prefix, environment, processes, arguments)


def images_by_path(folder: Path, config: str) -> bool:
    """True if the rows name their images instead of holding them."""
    (first, *_) = _list_files(folder, config, "train")
    row = next(pq.ParquetFile(first).iter_batches(batch_size=1, columns=["images"])).to_pylist()[0]
    return row["images"][0]["bytes"] is None


def _find_dataset_folder(named: Path) -> Path:
    """The data set that was named, or that of the build folder that was."""
    for folder in (named, named / "dataset"):
        if (folder / "data").is_dir():
            return folder.resolve()
    raise MissingInput(f"{named}: there is no data set", hint="Name a build folder or its `dataset`.")


def _list_files(folder: Path, config: str, split: str) -> list[Path]:
    return sorted((folder / "data" / config).glob(f"{split}-*.parquet"))


def _require_train(folder: Path, config: str) -> None:
    if not _list_files(folder, config, "train"):
        raise MissingInput(
            f"{folder}: holds no training rows of the config {config}",
            hint=f"Write it with `ccf-build export BUILD --config {config} --out FOLDER`.",
        )


def _make_data_arguments(recipe: Recipe, folder: Path) -> dict[str, Value | list[str]]:
    """The arguments that name the rows; the test split is never among them."""
    is_validated = all(_list_files(folder, config, "validation") for config in recipe.configs)
    if recipe.package == "ms-swift":
        found: dict[str, Value | list[str]] = {"dataset": _list_globs(recipe, folder, "train")}
        if is_validated:
            return {**found, "val_dataset": _list_globs(recipe, folder, "validation")}
        return {**found, "split_dataset_ratio": 0}
    if recipe.package == "trl":
        named: dict[str, Value | list[str]] = {
            "dataset_name": str(folder),
            "dataset_config": recipe.configs[0],
            "dataset_train_split": "train",
        }
        if is_validated:
            return {**named, "dataset_test_split": "validation", "eval_strategy": "steps"}
        return named
    entries: dict[str, Value | list[str]] = {"dataset_dir": str(folder), "dataset": "ccf_dpo"}
    if is_validated:
        return {**entries, "eval_dataset": "ccf_dpo_validation", "eval_strategy": "steps"}
    return entries


def _list_globs(recipe: Recipe, folder: Path, split: str) -> list[str]:
    return [f"{shlex.quote(str(folder))}/data/{config}/{split}-*.parquet" for config in recipe.configs]


def _translate_arguments(recipe: Recipe, installed: Installed | None) -> dict[str, Value | list[str]]:
    """The recipe's arguments in the spelling of the installed version, or of the newest."""
    spelt: dict[str, Value | list[str]] = {}
    for names, value in recipe.arguments.items():
        spellings = names.split("|")
        known = [one for one in spellings if installed is not None and one in installed.arguments]
        spelt[known[0] if known else spellings[0]] = value
    return spelt


def _make_batch_arguments(recipe: Recipe, processes: int) -> dict[str, Value | list[str]]:
    each = int(recipe.arguments["per_device_train_batch_size"])
    return {"gradient_accumulation_steps": max(1, round(recipe.batch / each / processes))}


def _refuse_unknown(
    recipe: Recipe, arguments: dict[str, Value | list[str]], installed: Installed | None
) -> None:
    unknown = sorted(set(arguments) - installed.arguments) if installed is not None else []
    if installed is not None and unknown:
        raise SettingsError(
            f"{recipe.package} {installed.version} does not know --{', --'.join(unknown)}",
            hint="This recipe is checked with the versions in tests/consumers; install one of them.",
        )


def _write_script(
    name: str,
    recipe: Recipe,
    installed: Installed | None,
    prefix: str,
    environment: dict[str, Value],
    processes: int,
    arguments: dict[str, Value | list[str]],
) -> str:
    checked = (
        f"checked against {recipe.package} {installed.version}"
        if installed is not None
        else f"not checked: {recipe.package} is not installed here (--python names another environment)"
    )
    loss = f"Loss: {recipe.loss}"
    told = (
        f"ccf-build recipe {name}: {recipe.purpose}",
        loss,
        recipe.before,
        f"The arguments are {checked}.",
    )
    head = "#!/bin/sh\n" + "".join(f"# {line}\n" for line in told if line) + "set -eu\n"
    command = [word.format(gpus=processes) for word in recipe.command]
    lines = [f"{key}={shlex.quote(str(value))}" for key, value in environment.items()]
    lines.append(shlex.join(command))
    lines += [f"    --{key} {_format_value(value)}" for key, value in arguments.items()]
    return head + prefix + " \\\n".join(lines) + "\n"


def _format_value(value: Value | list[str]) -> str:
    if isinstance(value, list):
        return " ".join(value)
    return str(value).lower() if isinstance(value, bool) else shlex.quote(str(value))

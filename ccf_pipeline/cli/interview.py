"""Ask a person for settings, one at a time; an answer that does not hold is explained and asked for again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ccf_pipeline.cli.options import corpus_flags, known_kinds
from ccf_pipeline.errors import CcfError, EndpointRefused, MissingInput, SettingsError

if TYPE_CHECKING:
    from ccf_pipeline.settings import BuildSettings

PLAIN_QUESTIONS = {
    "out": "Folder to build in",
    "plan.per_study": "Counterfactuals per study",
    "plan.seed": "Seed",
    "expert.kind": "Who writes the counterfactuals (rules, openai, vllm, scripted)",
}


class Interview:
    """Collects settings by dotted key; what was said already is not asked for."""

    def __init__(self, said: dict[str, Any]) -> None:
        self.said = {key: value for key, value in said.items() if value is not None}

    def ask_all(self) -> dict[str, Any]:
        """Ask for everything that a build needs, and return all settings that were said."""
        from ccf_pipeline.settings import setting_fields

        defaults = {key: default for key, default, _ in setting_fields()}
        if "corpus.path" not in self.said:
            _ask_until("Reports, as KIND:PATH (e.g. mimic:/data/mimic-cxr)", None, self._take_corpus)
        for key, question in PLAIN_QUESTIONS.items():
            if key not in self.said:
                _ask_until(question, str(defaults[key]), partial(self._keep_answer, key))
        if self.said["expert.kind"] == "openai":
            self._ask_for_server()
        elif self.said["expert.kind"] == "vllm" and "expert.model" not in self.said:
            _ask_until(
                "Model: a folder, or a name on the Hub", None, partial(self._keep_answer, "expert.model")
            )
        elif self.said["expert.kind"] == "scripted":
            _ask_until("File of the recorded answers", None, self._take_recorded)
        return self.said

    def _keep_answer(self, key: str, answer: Any) -> None:
        """Keep an answer if the settings accept it."""
        from ccf_pipeline.settings import settings_of

        settings_of({**self.said, key: answer}, out=Path(), graph=None)
        if key == "out" and Path(answer).expanduser().is_file():
            raise SettingsError(f"{answer}: is a file", hint="Name a folder; it is made if it is not there.")
        self.said[key] = int(answer) if key.startswith("plan.") else answer

    def _take_corpus(self, answer: str) -> None:
        from ccf_pipeline.corpora import require_corpus, require_tables
        from ccf_pipeline.settings import CorpusSettings

        flags = corpus_flags(answer)
        if "kind" not in flags:
            meant = f"{answer}:PATH" if answer in known_kinds() else f"mimic:{answer} or table:{answer}"
            raise SettingsError(f"{answer}: is not of the form KIND:PATH", hint=f"Write {meant}.")
        corpus = CorpusSettings.model_validate(flags)
        require_corpus(corpus)
        self.said.update({f"corpus.{name}": value for name, value in flags.items()})
        try:
            require_tables(corpus)
        except MissingInput as error:
            _explain(error)
            _ask_until("Folder of mimic-cxr-jpg (empty: go on without its tables)", "", self._take_tables)

    def _take_tables(self, answer: str) -> None:
        from ccf_pipeline.corpora import require_corpus, require_tables
        from ccf_pipeline.settings import CorpusSettings

        choice = {"tables": answer} if answer else {"allow_missing_tables": True}
        corpus = CorpusSettings.model_validate(
            {"kind": self.said["corpus.kind"], "path": self.said["corpus.path"], **choice}
        )
        require_corpus(corpus)
        require_tables(corpus)
        self.said.update({f"corpus.{name}": value for name, value in choice.items()})

    def _take_recorded(self, answer: str) -> None:
        if not Path(answer).expanduser().is_file():
            raise MissingInput(f"{answer}: there is no such file")
        self._keep_answer("expert.recorded", answer)

    # --- a served model -------------------------------------------------------------------

    def _ask_for_server(self) -> None:
        if "endpoint.urls" not in self.said:
            _ask_until("URL of the model server", "http://127.0.0.1:8000/v1", self._take_url)
        if "endpoint.key_variable" not in self.said:
            _ask_until("Environment variable that holds the key (empty: none)", "", self._take_key)
        if "expert.model" not in self.said:
            served = self._list_models()
            if served:
                typer.echo(f"It serves: {', '.join(served)}")
            else:
                typer.echo("Nothing answers there yet; the name is taken as it is.")
            _ask_until("Model", served[0] if served else None, partial(self._keep_answer, "expert.model"))

    def _take_url(self, answer: str) -> None:
        from ccf_pipeline.experts.guard import allowed_endpoints

        self.said["endpoint.urls"] = [answer]
        try:
            allowed_endpoints(self._make_settings())
        except EndpointRefused as error:
            if "--allow-private-net" not in error.hint or self.said.get("endpoint.allow_private_net"):
                raise
            _explain(error)
            if not typer.confirm("Is it in your own network, and may these reports go there?"):
                raise
            self.said["endpoint.allow_private_net"] = True
            allowed_endpoints(self._make_settings())

    def _take_key(self, answer: str) -> None:
        from ccf_pipeline.experts.guard import api_key

        if answer:
            api_key(answer)
            self.said["endpoint.key_variable"] = answer

    def _list_models(self) -> list[str]:
        from ccf_pipeline.experts.chat.not_found import list_models
        from ccf_pipeline.experts.guard import allowed_endpoints, api_key

        key = api_key(self.said.get("endpoint.key_variable"))
        (endpoint, *_) = allowed_endpoints(self._make_settings())
        return asyncio.run(list_models(endpoint, key=key))

    def _make_settings(self) -> BuildSettings:
        from ccf_pipeline.settings import settings_of

        return settings_of(self.said, out=Path(), graph=None)


def _ask_until(question: str, default: str | None, take: Callable[[str], None]) -> None:
    """Ask until an answer is taken; what is wrong with one is said in two lines."""
    while True:
        try:
            take(str(typer.prompt(question, default=default)).strip())
            return
        except CcfError as error:
            _explain(error)


def _explain(error: CcfError) -> None:
    typer.echo(f"error: {error.what}\nhint:  {error.hint}", err=True)

"""A folder → a private, gated data set on the Hugging Face Hub, whole or resumable, over nobody's changes.

Data go first, file by file; README.md and manifest.json go in the last commit. What was sent before a stop
is not sent again. The token is huggingface_hub's own business: it is never read into a message here.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ccf_pipeline.errors import CcfError, HubRefused, RemoteChanged, Unfinished
from ccf_pipeline.files.disk import file_digest, write_text
from ccf_pipeline.sharing.hub_client import guard_client, read_endpoint

FILES_PER_COMMIT = 50
LAST = ("recipe.json", "README.md", "manifest.json")
_MADE_BY_THE_HUB = frozenset({".gitattributes"})
# What huggingface_hub raises over an answer that lacks what it looks for, or is another kind of thing.
_ODD_ANSWERS = (ValueError, LookupError, TypeError, AttributeError, AssertionError)
_MAY_WRITE = frozenset({"write", "admin", "contributor", None})

Progress = Callable[[str, int, int | None], None]


class HubDataset:
    """One data set repository, seen with the account that the environment's token names.

    Args:
        endpoint: the address of a Hub that is not the Hub itself; HF_ENDPOINT is not asked.
    """

    def __init__(self, repository: str, *, endpoint: str | None = None, token: str | None = None) -> None:
        from huggingface_hub import HfApi
        from huggingface_hub.utils.tqdm import disable_progress_bars

        disable_progress_bars()
        self.repository = repository
        self.endpoint = read_endpoint(endpoint)
        guard_client(self.endpoint)
        self._api: Any = HfApi(endpoint=self.endpoint, token=token)

    # --- before anything is made -------------------------------------------------------------

    def preflight(self) -> None:
        """Whether the token is known and may write to the namespace; asks, and changes nothing."""
        from huggingface_hub import get_token

        namespace, slash, name = self.repository.partition("/")
        if not slash or not namespace or not name or "/" in name:
            raise HubRefused(
                f"`{self.repository}` is not NAMESPACE/NAME", hint="Write it as in `lab/cxr-ext`."
            )
        if self._api.token is None and get_token() is None:
            raise HubRefused("there is no token for the Hub")
        with self._translate_errors("asking who the token belongs to"):
            account = self._api.whoami()
            role = account.get("auth", {}).get("accessToken", {}).get("role")
            roles = {account["name"]: "admin"} | {
                org["name"]: org.get("roleInOrg") for org in account.get("orgs", [])
            }
        if role == "read":
            raise HubRefused("the token may only read")
        if namespace not in roles or roles[namespace] not in _MAY_WRITE:
            raise HubRefused(f"the account of the token may not write to `{namespace}`")

    # --- private and gated, or not at all ----------------------------------------------------

    def make_private(self) -> None:
        """The repository, made if it is not there, private and gated; seen to be so before anything goes."""
        if self._check_exists():
            self._require_private("before the push")
        else:
            with self._translate_errors("making the repository"):
                self._api.create_repo(self.repository, repo_type="dataset", private=True, exist_ok=True)
            self._require_private("although it was made private")
        with self._translate_errors("gating the repository"):
            self._api.update_repo_settings(self.repository, repo_type="dataset", private=True, gated="manual")
        self.require_as_asked()

    def require_as_asked(self) -> None:
        """Read the settings again: private and gated by hand, or nothing more is sent."""
        info = self._require_private("after it was set to private")
        if info.gated != "manual":
            raise HubRefused(
                f"{self.repository}: access is not gated although it was asked for; nothing more was sent",
                hint="Look at the repository's settings; the Hub may not allow gating there.",
            )

    def _check_exists(self) -> bool:
        from huggingface_hub.errors import RepositoryNotFoundError

        try:
            with self._translate_errors("looking for the repository"):
                self._api.dataset_info(self.repository)
        except HubRefused as refused:
            if isinstance(refused.__cause__, RepositoryNotFoundError):
                return False
            raise
        return True

    def _require_private(self, when: str) -> Any:
        with self._translate_errors("reading the repository's settings"):
            info = self._api.dataset_info(self.repository)
        if not info.private:
            raise HubRefused(
                f"{self.repository}: is public {when}; nothing more was sent",
                hint="Make it private on the Hub if it should be, or push to another repository.",
            )
        return info

    # --- files ---------------------------------------------------------------------------------

    def upload(self, folder: Path, memory: Path, message: str, progress: Progress) -> tuple[int, int, str]:
        """Bring the repository to what the folder holds; returns (files sent, files already there, commit).

        Args:
            memory: a file that keeps what this build put there last time; other changes are conflicts.
        """
        files = {path.relative_to(folder).as_posix(): path for path in _list_files(folder)}
        local = {name: _compute_digests(path) for name, path in files.items()}
        remote = self._read_remote()
        before = _read_memory(memory)
        self._refuse_changes(remote, before, local)
        sent = [name for name in _sort_for_upload(files) if remote.get(name) not in local[name]]
        stale = sorted(name for name in remote if name in before and name not in files)
        data = [name for name in sent if name not in LAST]
        batches = [data[at : at + FILES_PER_COMMIT] for at in range(0, len(data), FILES_PER_COMMIT)]
        done = 0
        for names in [*batches, [name for name in sent if name in LAST]]:
            is_last = names and names[-1] in LAST
            gone = stale if is_last else []
            done = self._commit(files, names, gone, message, (done, len(sent)), progress)
            _save_memory(memory, self._read_remote())
        self._require_whole(local)
        return len(sent), len(files) - len(sent), self._read_head()

    def _commit(
        self,
        files: Mapping[str, Path],
        names: Sequence[str],
        gone: Sequence[str],
        message: str,
        counted: tuple[int, int],
        progress: Progress,
    ) -> int:
        """One commit on top of what was seen; large files were sent one by one before it."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        done, total = counted
        if not names and not gone:
            return done
        parent = self._read_head()
        operations: list[Any] = []
        for name in names:
            addition = CommitOperationAdd(path_in_repo=name, path_or_fileobj=files[name])
            with self._translate_errors(f"sending {name}"):
                self._api.preupload_lfs_files(
                    self.repository, [addition], repo_type="dataset", free_memory=False
                )
            operations.append(addition)
            done += 1
            progress("upload", done, total)
        operations += [CommitOperationDelete(path_in_repo=name) for name in gone]
        self.require_as_asked()
        with self._translate_errors("committing"):
            self._api.create_commit(
                self.repository,
                operations,
                commit_message=message,
                repo_type="dataset",
                parent_commit=parent,
            )
        return done

    def _read_head(self) -> str:
        with self._translate_errors("reading the repository's head"):
            return str(self._api.dataset_info(self.repository).sha)

    def _read_remote(self) -> dict[str, str]:
        """Path → digest of everything in the repository but what the Hub put there itself."""
        from huggingface_hub.hf_api import RepoFile

        with self._translate_errors("listing the repository"):
            entries = list(self._api.list_repo_tree(self.repository, recursive=True, repo_type="dataset"))
        return {
            entry.path: f"sha256:{entry.lfs.sha256}" if entry.lfs else f"git:{entry.blob_id}"
            for entry in entries
            if isinstance(entry, RepoFile) and entry.path not in _MADE_BY_THE_HUB
        }

    def _refuse_changes(
        self, remote: Mapping[str, str], before: Mapping[str, str], local: Mapping[str, frozenset[str]]
    ) -> None:
        """Raise an error if the repository holds files that this build did not put there."""
        changed = [
            name
            for name, digest in remote.items()
            if before.get(name) != digest and digest not in local.get(name, frozenset())
        ]
        changed += [name for name in before if name not in remote and name in local]
        if changed:
            raise RemoteChanged(
                f"{self.repository}: {len(changed)} files are not as this build left them, the first is"
                f" {min(changed)}"
            )

    def _require_whole(self, local: Mapping[str, frozenset[str]]) -> None:
        remote = self._read_remote()
        wrong = [name for name, digests in local.items() if remote.get(name) not in digests]
        wrong += [name for name in remote if name not in local]
        if wrong:
            raise RemoteChanged(
                f"{self.repository}: {len(wrong)} files are not what was sent, the first is {min(wrong)}"
            )

    @contextlib.contextmanager
    def _translate_errors(self, doing: str) -> Iterator[None]:
        """Say in our words what the Hub or the network refused; no header or address is repeated."""
        from huggingface_hub.errors import HfHubHTTPError

        try:
            yield
        except HfHubHTTPError as error:
            raise self._make_refusal(doing, error.response.status_code) from error
        except (OSError, RuntimeError, *_ODD_ANSWERS) as error:
            inner = error.__cause__
            if isinstance(inner, HfHubHTTPError):
                raise self._make_refusal(doing, inner.response.status_code) from error
            if isinstance(error, _ODD_ANSWERS):
                raise self._make_odd_refusal(doing, error.__class__.__name__) from error
            raise self._make_unfinished(doing, error.__class__.__name__) from error
        except Exception as error:
            if error.__class__.__module__.partition(".")[0] not in (
                "httpx",
                "httpx2",
                "httpcore2",
                "httpcore",
            ):
                raise
            raise self._make_unfinished(doing, error.__class__.__name__) from error

    def _make_refusal(self, doing: str, status: int) -> CcfError:
        where = f"{self.repository}: {doing}"
        if status == 401:
            return HubRefused(f"{where}: the Hub does not know the token, or it has expired")
        if status == 403:
            return HubRefused(f"{where}: the token may not do this")
        if status == 404:
            return HubRefused(f"{where}: there is no such repository for this account")
        if status in (409, 412):
            return RemoteChanged(f"{where}: someone else changed the repository meanwhile")
        return self._make_unfinished(doing, f"status {status}")

    def _make_odd_refusal(self, doing: str, why: str) -> HubRefused:
        return HubRefused(
            f"{self.repository}: {doing}: the answer of {self.endpoint} is not a Hub's ({why})",
            hint="Open that address in a browser: a portal or a proxy may answer in its place.",
        )

    def _make_unfinished(self, doing: str, why: str) -> Unfinished:
        return Unfinished(f"{self.repository}: stopped while {doing} ({why})")


def _list_files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def _sort_for_upload(files: Mapping[str, Path]) -> list[str]:
    """Data by name, then what makes the repository whole."""
    return sorted(files, key=lambda name: (LAST.index(name) + 1 if name in LAST else 0, name))


def _compute_digests(path: Path) -> frozenset[str]:
    """Return what the Hub calls a file's content, as a large file and as one of git's."""
    content = path.read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return frozenset({f"sha256:{file_digest(path)}", f"git:{blob}"})


def _read_memory(memory: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(memory.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def _save_memory(memory: Path, remote: Mapping[str, str]) -> None:
    write_text(memory, json.dumps(dict(sorted(remote.items())), indent=1) + "\n")

"""The mirror of a run in an object store, from which the run can be resumed on any machine.

Object stores have no append and no atomic rename. A run is therefore written to a local copy, and files that
have changed are uploaded after each checkpoint and export. The marker `mirror.json` comes last. It lists the
files of a complete state, so an upload that was cut off does not count. Files that it no longer lists are
removed after it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from anime_gan.common.command_line import print_lines
from anime_gan.common.errors import InputError
from anime_gan.common.files import PARTIAL_PATTERN, remove, write_text
from anime_gan.common.json_files import JsonError, parse_json, read_json
from anime_gan.common.locks import locked_if_possible
from anime_gan.common.stores import Store, joined, open_store, store_copies
from anime_gan.runs.run_lock import LOCK, RunError
from anime_gan.training.checkpoints import Checkpoints
from anime_gan.training.run_files import (
    CHECKPOINTS,
    CONFIG,
    DATA,
    EXPORTS,
    PROGRESS,
    REPORT,
    SCHEMA,
    STAGES,
)

# The marker in the store, and the file beside the local copy that knows what the store has.
MARKER, STATE = "mirror.json", "store.json"
VERSION = 1
# What the first upload of a run may contain.
STARTED = (CONFIG, SCHEMA, DATA, REPORT, PROGRESS, "styles.png")
# Not uploaded: the lock, and the file by which workers check that they share a folder.
UNMIRRORED = (LOCK, ".workers")
# These folders contain folders that are complete or useless.
_WHOLE = (CHECKPOINTS, EXPORTS)
# TensorFlow takes a folder with this file for a model.
_MODEL = "saved_model.pb"


class _Marker(msgspec.Struct):
    """The contents of the marker: the run, the upload, and name -> SHA-256 of each file."""

    version: int
    run: str
    upload: str
    files: dict[str, str]


class _State(msgspec.Struct):
    """What the local copy knows.

    Attributes:
        url: The place in the store.
        name: Name of the folder of the copy.
        run: The run; empty before the first upload.
        uploads: The last upload that is known to be complete, and one that may be.
        files: Name -> SHA-256 of each file in the store; empty for one that may be incomplete.
    """

    url: str
    name: str
    run: str = ""
    uploads: list[str] = []
    files: dict[str, str] = {}


class Mirror:
    """A run in an object store and its local copy.

    Attributes:
        url: The place of the run in the store, such as `s3://bucket/run`.
        copy: The folder of the local copy, in which the run is trained.
    """

    def __init__(self, url: str, copy: Path) -> None:
        """Stores both places; nothing is read or written yet."""
        self.url, self.copy = url, copy
        self._file = copy.parent / STATE
        self._opened: Store | None = None

    @classmethod
    def at(cls, url: str) -> Mirror:
        """Returns the mirror at a URL. Its copy has a fixed place in the user's cache."""
        name = url.rpartition("/")[2]
        folder = store_copies(url)
        mirror = cls(url, folder / name)
        if not mirror._file.is_file():
            mirror._save(_State(url, name))
        return mirror

    @classmethod
    def of(cls, run: Path) -> Mirror | None:
        """Returns the mirror that a run, or a stage of a run, belongs to; None for any other folder."""
        for copy in (run, run.parent):
            with contextlib.suppress(JsonError, OSError):
                state = read_json(copy.parent / STATE, _State)
                if state.name == copy.name:
                    return cls(state.url, copy)
        return None

    def check_is_free(self) -> None:
        """Checks that the bucket can be reached, and that a new run would overwrite nothing.

        Raises:
            RunError: It cannot, or it would.
        """
        with self._told("cannot be reached"):
            try:
                # A first upload that was cut off is written again.
                taken = any(entry.name not in STARTED for entry in self._store.entries(self.url))
            except FileNotFoundError as error:
                if not self._store.is_folder("/".join(self.url.split("/")[:3])):
                    raise OSError("the bucket does not exist, or you have no access to it") from error
                taken = False
        if taken:
            reason = "is not empty; choose another place, or resume the run in it: " + self.resume_command()
            raise RunError(reason, "run_dir", self.url)

    def pull(self) -> bool:
        """Brings the local copy to the state of the store, unless the copy is at least as new.

        Returns:
            Whether there is a complete state in the store.

        Raises:
            RunError: The store cannot be read, or the copy belongs to another run.
        """
        with self._locked(), self._told("cannot be read"):
            marker = self._read_marker()
            if marker is None:
                return False
            state = self._state()
            if state.run == marker.run and marker.upload in state.uploads:
                return True
            if state.run != marker.run and any(self._names()):
                reason = f"its local copy {self.copy} belongs to another run; delete the copy first"
                raise RunError(reason, "run_dir", self.url)
            # Saved first, so that an interrupted download is recognized and goes on.
            self._save(_State(self.url, self.copy.name, marker.run))
            found = self._downloaded(marker)
            for name in set(self._names()) - set(found):
                remove(self.copy / name)
            self._remove_empty_folders()
            self._correct_progress(marker, found)
            # The next upload removes what was left out.
            files = {**dict.fromkeys(marker.files, ""), **found}
            self._save(_State(self.url, self.copy.name, marker.run, [marker.upload], files))
        return True

    def push(self) -> None:
        """Uploads what has changed since the last upload, then the marker, and removes what is gone.

        Raises:
            RunError: The store cannot be written to, or another machine has continued the run. The message
                names the local copy, which is complete.
        """
        with self._locked(), self._told("cannot be written to"):
            state = self._state()
            local = {name: _digest(self.copy / name) for name in self._names()}
            if state.uploads and state.files == local:
                return
            marker = self._read_marker()
            if marker is None:
                state = _State(self.url, self.copy.name, state.run or secrets.token_hex(8))
            elif state.run != marker.run or marker.upload not in state.uploads:
                reason = (
                    f"another machine has continued this run; the local copy in {self.copy} stays until "
                    "--resume replaces it with the newer state"
                )
                raise RunError(reason, "run_dir", self.url)
            upload = secrets.token_hex(8)
            changed = sorted((name for name in local if state.files.get(name) != local[name]), key=_order)
            # Saved first, because an upload that is cut off leaves files in an unknown state.
            state.files = {**state.files, **dict.fromkeys(changed, "")}
            state.uploads = [marker.upload, upload] if marker else [upload]
            self._save(state)
            for name in changed:
                self._store.upload(self.copy / name, joined(self.url, name))
            self._upload_marker(_Marker(VERSION, state.run, upload, local))
            gone = sorted(set(state.files) - set(local), key=_order, reverse=True)
            state.uploads, state.files = [upload], {**local, **dict.fromkeys(gone, "")}
            self._save(state)
            for name in gone:
                with contextlib.suppress(FileNotFoundError):
                    self._store.remove(joined(self.url, name))
            state.files = local
            self._save(state)

    def has_run(self) -> bool:
        """Whether the local copy has a run, or the first of its stages."""
        return any((self.copy / name).is_file() for name in (CONFIG, STAGES))

    def resume_command(self) -> str:
        """Returns the command that resumes the run, on this or another machine."""
        return shlex.join(["python", "train.py", "--resume", f"--run_dir={self.url}"])

    @property
    def _store(self) -> Store:
        if self._opened is None:
            self._opened = open_store(self.url)
        return self._opened

    def _downloaded(self, marker: _Marker) -> dict[str, str]:
        """Downloads all files that differ; returns name -> SHA-256 of those that are there.

        A file that was uploaded after the marker is newer, and only its content differs. In checkpoints and
        exports, whose files belong together, all files of such a folder are left out.
        """
        found: dict[str, str] = {}
        broken: set[str] = set()
        for name, expected in marker.files.items():
            path = self.copy / name
            digest = _digest(path) if path.is_file() else ""
            if digest != expected:
                with contextlib.suppress(FileNotFoundError):
                    self._store.download(joined(self.url, name), path)
                digest = _digest(path) if path.is_file() else ""
            if digest != expected and _whole_folder(name):
                broken.add(_whole_folder(name))
            elif digest:
                found[name] = digest
        for folder in sorted(broken):
            print_lines([f"{joined(self.url, folder)} is incomplete and was skipped"])
        return {name: digest for name, digest in found.items() if _whole_folder(name) not in broken}

    def _correct_progress(self, marker: _Marker, found: dict[str, str]) -> None:
        """Corrects `progress.json` if it is newer than the marker: it counts a checkpoint that is missing."""
        for name, expected in marker.files.items():
            path = self.copy / name
            if path.name == PROGRESS and found.get(name) != expected:
                newest = Checkpoints(path.parent / CHECKPOINTS).newest()
                write_text(path, json.dumps({"step": newest}))

    def _read_marker(self) -> _Marker | None:
        try:
            text = self._store.read(joined(self.url, MARKER))
        except FileNotFoundError:
            return None
        try:
            marker = parse_json(text, _Marker)
        except JsonError as error:
            raise OSError(f"{MARKER} is damaged ({error})") from error
        if marker.version != VERSION:
            raise OSError(f"{MARKER} has version {marker.version}, not version {VERSION}")
        for name in marker.files:
            parts = PurePosixPath(name).parts
            if not parts or ".." in parts or PurePosixPath(name).is_absolute() or "\\" in name or ":" in name:
                raise OSError(f"{MARKER} is damaged (it lists {name!r})")
        return marker

    def _upload_marker(self, marker: _Marker) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / MARKER
            path.write_text(json.dumps(msgspec.to_builtins(marker)), "utf-8")
            self._store.upload(path, joined(self.url, MARKER))

    def _state(self) -> _State:
        return read_json(self._file, _State, RunError, f"delete {self._file} to mirror the run again")

    def _save(self, state: _State) -> None:
        write_text(self._file, json.dumps(msgspec.to_builtins(state)))

    def _names(self) -> Iterator[str]:
        """Yields the names of all files of the copy that belong into the store."""
        for path in sorted(self.copy.rglob("*")):
            name = path.relative_to(self.copy)
            hidden = any(PurePosixPath(part).match(PARTIAL_PATTERN) for part in name.parts)
            if path.is_file() and path.name not in UNMIRRORED and not hidden:
                yield name.as_posix()

    def _remove_empty_folders(self) -> None:
        """Removes the folders of checkpoints and exports that are gone."""
        for path in sorted(self.copy.rglob("*"), reverse=True):
            if path.is_dir():
                with contextlib.suppress(OSError):
                    path.rmdir()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Waits for other workers on this machine, which have the same copy."""
        with locked_if_possible(self._file.with_suffix(".lock")):
            yield

    @contextlib.contextmanager
    def _told(self, problem: str) -> Iterator[None]:
        """Adds the places, and what to do, to an error of the store."""
        try:
            yield
        except OSError as error:
            kept = ""
            if any(self._names()):
                kept = f"; the run is kept in {self.copy}. To mirror and resume it: {self.resume_command()}"
            raise RunError(f"{problem} ({error}){kept}", "run_dir", self.url) from error


def shown_place(run: Path) -> str:
    """Returns the place of a run as the user names it: a URL for a local copy, else the path."""
    mirror = Mirror.of(run)
    if mirror is None:
        return str(run)
    return mirror.url if run == mirror.copy else joined(mirror.url, run.name)


def push_run(run: Path, *, is_last: bool = False) -> None:
    """Uploads a run that has a mirror.

    Args:
        run: The folder of the run, or of one of its stages.
        is_last: Whether a failure is an error. Otherwise, it is a note, and the next upload tries again.

    Raises:
        RunError: The last upload failed.
    """
    mirror = Mirror.of(run)
    if mirror is None:
        return
    try:
        mirror.push()
    except InputError as error:
        if is_last:
            raise
        print_lines([f"{mirror.url}: {error.reason}"])


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(2**22):
            digest.update(block)
    return digest.hexdigest()


def _whole_folder(name: str) -> str:
    """Returns the checkpoint or export that a file belongs to; empty if there is none."""
    parts = PurePosixPath(name).parts
    for place, part in enumerate(parts[:-2]):
        if part in _WHOLE:
            return "/".join(parts[: place + 2])
    return ""


def _order(name: str) -> tuple[int, str]:
    """Sorts files by when they are uploaded: checkpoints and exports first, of each model its graph last."""
    if not _whole_folder(name):
        return 2, name
    return int(PurePosixPath(name).name == _MODEL), name

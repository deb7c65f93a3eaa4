"""The workers of a run: one process on each machine, which train the same networks together."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import logging
import os
import re
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from anime_gan.common.command_line import print_lines
from anime_gan.common.files import remove, write_text
from anime_gan.common.quiet import import_tensorflow
from anime_gan.runs.run_lock import RunError
from anime_gan.runs.worker_place import WorkerPlace, split_address

if TYPE_CHECKING:
    from anime_gan.common.backend import tf

# "Temporary failure; the user is invited to retry" (EX_TEMPFAIL of sysexits.h).
START_AGAIN = 75
# Bytes of the longest text that a worker tells the others.
LONGEST_TEXT = 4096
# Seconds between two looks for the chief.
PAUSE = 0.5
# The file by which the workers notice that they see the same folder, and the seconds that they look for it:
# network file systems show new files late.
TOKEN = ".workers"
LATE_SECONDS = 10.0
# What TensorFlow raises when another worker is gone, by the moment.
_LOST = (
    "UnavailableError",
    "AbortedError",
    "CancelledError",
    "DeadlineExceededError",
    "FailedPreconditionError",
    "InternalError",
    "UnknownError",
)

logger = logging.getLogger(__name__)


class Cluster:
    """The workers of a run. A process that trains alone is a cluster of one, whose methods wait for nobody.

    All workers call the same methods in the same order, because each method waits for the others.

    Attributes:
        strategy: The distribution strategy of all workers; None before `join`, and in a cluster of one.
    """

    def __init__(self, place: WorkerPlace | None = None) -> None:
        """Stores which worker this process is, without looking for the others."""
        self.strategy: tf.distribute.Strategy | None = None
        self._place = place

    @property
    def is_chief(self) -> bool:
        """Whether this worker chooses and writes the run."""
        return self._place is None or self._place.number == 0

    @property
    def has_others(self) -> bool:
        """Whether there is more than one worker."""
        return self._place is not None

    def join(self, finished: Callable[[], bool]) -> bool:
        """Waits for the other workers and connects to them. Call it before TensorFlow computes anything.

        Args:
            finished: Whether there is nothing left to do. The chief of a finished run no longer comes.

        Returns:
            Whether the workers are connected; False if the run is finished.

        Raises:
            RunError: Another process uses the port of this worker.
        """
        if self._place is None:
            return True
        self._check_port(self._place)
        if not self._wait_for_chief(self._place, finished):
            return False
        tf = import_tensorflow()
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            tf.train.ClusterSpec({"worker": list(self._place.addresses)}),
            task_type="worker",
            task_id=self._place.number,
            rpc_layer="grpc",
        )
        others = len(self._place.addresses) - 1
        print_lines([f"{self._name(self._place.number)} waits for {others} other worker{'s' * (others > 1)}"])
        with _signals_end_the_process():
            self.strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver)
            self.wait()
        return True

    def wait(self) -> None:
        """Waits until all workers are here."""
        self._gather(b"")

    def chief_says(self, text: str) -> str:
        """Returns the text of the chief. The texts of the other workers do not count."""
        return self._gather(text.encode() if self.is_chief else b"")[0].decode()

    def chief_finds(self, is_true: bool) -> bool:
        """Returns what the chief has found. What the other workers have found does not count."""
        return self.chief_says(str(is_true)) == str(True)

    @contextlib.contextmanager
    def agreed(self) -> Iterator[None]:
        """Goes on only if no worker raised an error inside. Nothing inside may wait for other workers.

        Raises:
            RunError: Another worker raised an error, which it prints itself.
        """
        try:
            yield
        except Exception:
            self._gather(b"failed")
            raise
        failed = [index for index, answer in enumerate(self._gather(b"")) if answer]
        if failed:
            raise RunError(f"{self._names(failed)} failed; see the error message there")

    def check_same(self, what: str, value: str) -> None:
        """Checks that a text is the same on all workers.

        Args:
            what: The meaning of the text, for the message.
            value: The text, of any length.

        Raises:
            RunError: Some workers have another text than the chief.
        """
        digests = self._gather(hashlib.sha256(value.encode()).digest())
        if others := [index for index, digest in enumerate(digests) if digest != digests[0]]:
            raise RunError(
                f"{self._names(others)} and the chief have different {what}; "
                f"start all workers with the same {what}"
            )

    def check_shared(self, folder: Path) -> None:
        """Checks that all workers see the chief's folder.

        Raises:
            RunError: Some do not.
        """
        if not self.has_others:
            return
        with self.agreed():
            token = secrets.token_hex(16)
            if self.is_chief:
                write_text(folder / TOKEN, token)
        token = self.chief_says(token)
        answers = self._gather(b"" if self.is_chief or _appears(folder / TOKEN, token) else b"unseen")
        if self.is_chief:
            remove(folder / TOKEN)
        if unseen := [index for index, answer in enumerate(answers) if answer]:
            reason = (
                f"{self._names(unseen)} cannot see this folder of the chief; use one that all workers share"
            )
            raise RunError(reason, "run_dir", folder)

    def lost(self, error: BaseException) -> str:
        """Returns a sentence about the worker that an error says is gone; empty for another error."""
        if self._place is None:
            return ""
        from anime_gan.common.backend import tf

        if not isinstance(error, tf.errors.OpError) or type(error).__name__ not in _LOST:
            return ""
        logger.info("another worker is gone: %s", error)
        named = {int(index) for index in re.findall(r"task:(\d+)", str(error))} - {self._place.number}
        who = self._names(sorted(named)) if len(named) == 1 else "another worker"
        return f"{who} is gone; start all workers again to resume the run from its last checkpoint"

    def leave(self, status: int) -> int:
        """Ends the process of a worker that has joined others; otherwise, returns the status.

        The end of TensorFlow's connections would wait for workers that are gone.
        """
        if self.strategy is None:
            return status
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

    def _gather(self, value: bytes) -> list[bytes]:
        """Returns the values of all workers, each of at most `LONGEST_TEXT` bytes that are not all zero."""
        strategy = self.strategy
        if strategy is None or self._place is None:
            return [value]
        if len(value) > LONGEST_TEXT:
            raise ValueError(f"{len(value)} bytes are too long to tell other workers")
        row = np.frombuffer(value.ljust(LONGEST_TEXT, b"\0"), np.uint8).astype(np.int32)
        step = strategy.num_replicas_in_sync // len(self._place.addresses)
        return [row.astype(np.uint8).tobytes().rstrip(b"\0") for row in self._table(row).numpy()[::step]]

    @functools.cached_property
    def _table(self) -> Callable[[np.ndarray], tf.Tensor]:
        """Makes a table int32 [replicas, n] of the rows of all replicas; each has the row of its worker."""
        from anime_gan.common.backend import tf

        strategy = self.strategy
        assert strategy is not None

        def on_replica(row: tf.Tensor) -> tf.Tensor:
            # Each replica adds its row to a table that is zero elsewhere.
            replica = tf.distribute.get_replica_context()
            place = tf.one_hot(replica.replica_id_in_sync_group, replica.num_replicas_in_sync, dtype=tf.int32)
            return replica.all_reduce(tf.distribute.ReduceOp.SUM, place[:, tf.newaxis] * row)

        @tf.function(autograph=False, input_signature=[tf.TensorSpec([LONGEST_TEXT], tf.int32)])
        def table(row: tf.Tensor) -> tf.Tensor:
            return strategy.experimental_local_results(strategy.run(on_replica, args=(row,)))[0]

        return table

    def _wait_for_chief(self, place: WorkerPlace, finished: Callable[[], bool]) -> bool:
        """Waits until the chief listens; returns False as soon as the run is finished."""
        said = False
        while not finished():
            if place.number == 0:
                return True
            with contextlib.suppress(OSError):
                socket.create_connection(split_address(place.addresses[0]), timeout=5).close()
                return True
            if not said:
                print_lines([f"{self._name(place.number)} waits for the chief at {place.addresses[0]}"])
                said = True
            time.sleep(PAUSE)
        return False

    def _check_port(self, place: WorkerPlace) -> None:
        # TensorFlow would share the port with the other process.
        _, port = split_address(place.address)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError as error:
                reason = f"port {port} cannot be used ({error.strerror}); is the worker running already?"
                raise RunError(reason, "worker", place.number) from error

    def _name(self, index: int) -> str:
        address = self._place.addresses[index] if self._place else ""
        return f"worker {index} ({address})"

    def _names(self, indices: list[int]) -> str:
        return ", ".join(map(self._name, indices))


def _appears(file: Path, content: str) -> bool:
    """Waits for a file with this content; returns whether it appears."""
    end = time.monotonic() + LATE_SECONDS
    while True:
        with contextlib.suppress(OSError, ValueError):
            if file.read_text("utf-8") == content:
                return True
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE)


@contextlib.contextmanager
def _signals_end_the_process() -> Iterator[None]:
    """Lets signals end the process at once: Python would not see them while TensorFlow waits."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    previous = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    try:
        with _termination_ends_the_process():
            yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _termination_ends_the_process() -> Iterator[None]:
    """Keeps the default handler of SIGTERM: TensorFlow sets one that only notes the signal, and waits on.

    Python sets handlers in its main thread only, which waits. Another one calls the C library.
    """
    if os.name == "nt":
        yield
        return
    library, is_done = ctypes.CDLL(None), threading.Event()
    library.signal.argtypes, library.signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p

    def keep() -> None:
        while not is_done.wait(PAUSE):
            library.signal(signal.SIGTERM, None)

    keeping = threading.Thread(target=keep, daemon=True)
    keeping.start()
    try:
        yield
    finally:
        is_done.set()
        keeping.join()

"""Kills the workers of a small training at random moments, starts them again, and waits for its end."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from campaign_kills import finished_run, pictures, training_options

from anime_gan.runs.worker_place import free_addresses

TITLE = "kills of one of several workers, all started again until the end: the same weights"
# The suite tests workers elsewhere, in less time.
SHORT, FULL = 0, 30
WORKERS = 2
# A worker whose machine is lost falls silent, as after SIGSTOP; SIGTERM stops all workers with a checkpoint.
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM)
# The status that asks for a new start, and the seconds in which the other workers must end with it.
START_AGAIN, END_SECONDS = 75, 60
# Kills of a training that then goes on until its end.
KILLS = 4
# A training that takes longer hangs.
LONGEST_SECONDS = 600


class UnexpectedEnd(Exception):
    """A worker has ended for good; the message says how."""


class Workers:
    """The processes of a training, and what they print.

    Attributes:
        processes: The process of each worker.
    """

    def __init__(
        self, run_dir: str, data: Path, outputs: Path, environments: Sequence[dict[str, str]]
    ) -> None:
        """Starts all workers.

        Args:
            run_dir: The value of `--run_dir`.
            data: The folder of the pictures.
            outputs: An existing folder for what they print.
            environments: The environment of each worker.
        """
        self._run_dir, self._data, self._environments = run_dir, data, environments
        self._addresses = ",".join(free_addresses(WORKERS))
        name = PurePosixPath(run_dir).name
        self._outputs = [outputs / f"{name}-{number}.log" for number in range(WORKERS)]
        self.processes = [self._start(number) for number in range(WORKERS)]

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        command = [
            *(sys.executable, "-m", "anime_gan.commands.train", "--start_or_resume"),
            *(f"--run_dir={self._run_dir}", f"--workers={self._addresses}", f"--worker={number}"),
            *training_options(self._data),
        ]
        with self._outputs[number].open("wb") as output:
            return subprocess.Popen(command, stdout=output, stderr=output, env=self._environments[number])

    def start_again(self) -> None:
        """Starts workers that have ended without completing the run, as a supervisor does.

        Raises:
            UnexpectedEnd: A worker ended with a status after which a supervisor ends too.
        """
        for number, process in enumerate(self.processes):
            status = process.poll()
            if status in (None, 0):
                continue
            if status != START_AGAIN and 0 < status <= 130:
                raise UnexpectedEnd(f"worker {number} ended with {status}: {self.lines(number)[-1:]}")
            self.processes[number] = self._start(number)

    def run_for(self, seconds: float, number: int) -> bool:
        """Starts workers again as they end, for some seconds; returns whether a worker runs at the end."""
        end = time.monotonic() + seconds
        while self.processes[number].poll() != 0:
            self.start_again()
            left = end - time.monotonic()
            if left <= 0:
                return True
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.processes[number].wait(min(left, 0.5))
        return False

    def lines(self, number: int) -> list[str]:
        """Returns what a worker has printed since its start."""
        return self._outputs[number].read_text("utf-8", "replace").splitlines()

    def trains(self, number: int) -> bool:
        """Whether a worker has told which run it trains."""
        return any(line.startswith("run: ") for line in self.lines(number))

    def kill(self, number: int, chosen: signal.Signals) -> list[str]:
        """Sends a signal to a worker, and waits for the end of the others; returns what went wrong."""
        process = self.processes[number]
        allowed = {0, START_AGAIN} | ({128 + chosen} if chosen == signal.SIGTERM else set())
        connected = [self.trains(other) for other in range(WORKERS)]
        began = time.monotonic()
        process.send_signal(chosen)
        wrong = []
        for other, is_connected in enumerate(connected):
            # A worker that still waits for the others goes on waiting.
            if other == number or not is_connected:
                continue
            try:
                status = self.processes[other].wait(max(END_SECONDS - (time.monotonic() - began), 0.1))
            except subprocess.TimeoutExpired:
                wrong.append(f"worker {other} did not end")
                continue
            if status not in allowed:
                wrong.append(f"worker {other} ended with {status}: {self.lines(other)[-1:]}")
            elif status == START_AGAIN and not self.lines(other)[-1].startswith("train.py: "):
                wrong.append(f"worker {other} said {self.lines(other)[-1:]}")
        with contextlib.suppress(subprocess.TimeoutExpired):
            if chosen != signal.SIGSTOP:
                process.wait(END_SECONDS)
        process.kill()
        process.wait()
        return wrong

    def finish(self) -> list[str]:
        """Starts the workers again until the run is complete; returns what went wrong."""
        end = time.monotonic() + LONGEST_SECONDS
        for number in range(WORKERS):
            if self.run_for(end - time.monotonic(), number):
                return [f"the training hangs: {[self.lines(each)[-1:] for each in range(WORKERS)]}"]
        return []

    def close(self) -> None:
        """Ends all processes."""
        for process in self.processes:
            process.kill()
            process.wait()


def run(count: int, seed: int, folder: Path) -> list[str]:
    """Kills a worker `count` times; a training that has ended is compared, and the next one starts.

    Args:
        count: Number of kills.
        seed: Random seed of the workers, the moments, and the signals.
        folder: An empty folder.

    Returns:
        A line for each kill after which the training could not go on, or gave other weights.
    """
    if not count:
        return []
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "TF_ENABLE_ONEDNN_OPTS": "0"}
    data = pictures(folder / "faces")

    def start(name: str) -> Workers:
        return Workers(str(folder / name), data, folder, [environment] * WORKERS)

    return kill_and_compare(count, random.Random(seed), start, lambda name: finished_run(folder / name))


def kill_and_compare(
    count: int,
    generator: random.Random,
    start: Callable[[str], Workers],
    result: Callable[[str], str],
    before_restart: Callable[[int], str] = lambda number: "",
) -> list[str]:
    """Trains undisturbed once, then kills workers at random moments, and compares.

    Args:
        count: Number of kills.
        generator: Chooses the workers, the moments, and the signals.
        start: Starts the workers of a run with this name.
        result: Returns the checksum of the weights of a run with this name, or what is wrong with it.
        before_restart: Gets the number of a worker that was killed; returns what it did, for the message.

    Returns:
        A line for each run that could not go on, or gave other weights.
    """
    began = time.monotonic()
    with contextlib.closing(start("whole")) as workers:
        wrong = workers.finish()
    longest = time.monotonic() - began
    expected = result("whole")
    if wrong or len(expected) != 64:
        return [f"without a kill: {wrong or expected}"] * count
    failures: list[str] = []
    done = runs = 0
    while done < count:
        kills, wrong = [], []
        name = f"run{runs}"
        runs += 1
        with contextlib.closing(start(name)) as workers:
            try:
                while len(kills) < KILLS and done < count:
                    number, chosen = generator.randrange(WORKERS), generator.choice(SIGNALS)
                    moment = generator.uniform(0.1, 1.0) * longest
                    if not workers.run_for(moment, number):
                        break
                    done += 1
                    kills.append(f"{chosen.name} to worker {number} after {moment:.1f} s")
                    wrong += workers.kill(number, chosen)
                    kills[-1] += before_restart(number)
                wrong += workers.finish()
            except UnexpectedEnd as error:
                wrong.append(str(error))
        found = result(name)
        if wrong or found != expected:
            failures.append(f"{', '.join(kills)}: {'; '.join(wrong) or found}")
    return failures

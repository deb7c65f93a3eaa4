"""Trains the same steps on other numbers of workers and replicas, and compares what they report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from anime_gan.runs.worker_place import free_addresses

TITLE = "workers x replicas that train the same: losses to 1e-5 after one step, to 1e-3 after ten"
# The suite tests two workers elsewhere.
SHORT, FULL = 0, 5
SCRIPT = Path(__file__).with_name("train_as_worker.py")
# (workers, replicas of each), compared with one worker of as many replicas.
FORMS = ((4, 1), (2, 2), (2, 1), (1, 4), (1, 2))


def run(count: int, seed: int, folder: Path) -> list[str]:
    """Trains in `count` forms, all with the same random numbers.

    Args:
        count: Number of forms.
        seed: Number of the first form, so that forms can run one by one.
        folder: Ignored.

    Returns:
        A line for each form whose steps reported something else.
    """
    del folder
    failures: list[str] = []
    for workers, replicas in FORMS[seed:][:count]:
        # One worker with several replicas is compared with a process that has one.
        alone = trained(1, workers * replicas if workers > 1 else 1)[0]["reported"]
        results = trained(workers, replicas)
        name = f"{workers} x {replicas}"
        if any(result["reported"] != results[0]["reported"] for result in results):
            failures.append(f"{name}: the workers report different values")
        if any(result["stopped_by"] != signal.SIGTERM for result in results):
            failures.append(f"{name}: a signal did not reach all workers")
        if any(result["said"] != "worker 0" for result in results):
            failures.append(f"{name}: a worker did not hear the chief")
        for step, allowed in ((1, 1e-5), (len(alone), 1e-3)):
            pairs = zip(alone[step - 1].items(), results[0]["reported"][step - 1].values(), strict=True)
            worst = max((abs(value - other), key) for (key, value), other in pairs if key.startswith("loss/"))
            print(f"{name}: losses differ by at most {worst[0]:.2g} after step {step}", file=sys.stderr)
            if worst[0] > allowed:
                failures.append(f"{name}: {worst[1]} differs by {worst[0]:.2g} after step {step}")
    return failures


def trained(workers: int, replicas: int) -> list[dict[str, Any]]:
    """Trains in as many processes as workers; returns what each printed."""
    addresses = ",".join(free_addresses(workers))
    root = str(Path(__file__).parents[2])
    processes = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), addresses, str(number), str(replicas)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": root, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        for number in range(workers)
    ]
    return [json.loads(process.communicate()[0]) for process in processes]

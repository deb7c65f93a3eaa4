"""Kills workers that train a run in a bucket; half of them come back on a machine with an empty disk."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from campaign_kills import finished_run, pictures
from campaign_workers import WORKERS, Workers, kill_and_compare

from anime_gan.runs.mirror import Mirror

TITLE = "kills of workers that train in a bucket, half of them replaced with an empty disk: the same weights"
# The suite tests the copies of runs elsewhere, in less time.
SHORT, FULL = 0, 12
BUCKET = "s3://bucket"


def run(count: int, seed: int, folder: Path) -> list[str]:
    """Kills a worker `count` times; a training that has ended is compared, and the next one starts.

    Args:
        count: Number of kills.
        seed: Random seed of the workers, the moments, the signals, and the disks that are lost.
        folder: An empty folder.

    Returns:
        A line for each run that could not go on, or whose weights in the bucket are other ones.
    """
    if not count:
        return []
    generator = random.Random(seed)
    data = pictures(folder / "faces")
    caches = [folder / f"cache{number}" for number in range(WORKERS)]

    def start(name: str) -> Workers:
        environments = [
            {**os.environ, "XDG_CACHE_HOME": str(cache), "TF_ENABLE_ONEDNN_OPTS": "0"} for cache in caches
        ]
        return Workers(f"{BUCKET}/{name}", data, folder, environments)

    def lose_the_disk(number: int) -> str:
        if generator.random() < 0.5:
            return ""
        shutil.rmtree(caches[number], ignore_errors=True)
        return " and to its disk"

    def result(name: str) -> str:
        with mock.patch.dict(os.environ, {"XDG_CACHE_HOME": str(folder / "cache_of_another_machine")}):
            mirror = Mirror.at(f"{BUCKET}/{name}")
            return finished_run(mirror.copy) if mirror.pull() else "nothing is in the bucket"

    with _server():
        return kill_and_compare(count, generator, start, result, lose_the_disk)


@contextlib.contextmanager
def _server() -> Iterator[None]:
    """A server on this machine that speaks as S3 does, and the variables by which programs find it."""
    import fsspec
    from moto.server import ThreadedMotoServer

    # It would print every request.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    variables = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with mock.patch.dict(os.environ, variables):
        fsspec.filesystem("s3", skip_instance_cache=True).mkdir(BUCKET)
        yield
    server.stop()

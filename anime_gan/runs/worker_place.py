"""Which worker of a run this process is, from `--workers` and `--worker` or from `TF_CONFIG`."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from anime_gan.training.config import ConfigError

TF_CONFIG = "TF_CONFIG"
EXAMPLE = "--workers=10.0.0.1:7000,10.0.0.2:7000 --worker=0"
# A name or an address, and a port. An IPv6 address is in brackets.
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]]+):([0-9]{1,5})")


class WorkerPlace(NamedTuple):
    """One of the workers of a run.

    Attributes:
        addresses: `host:port` of each worker. The first one is the chief, which writes the run.
        number: The worker that this process is, from 0.
    """

    addresses: tuple[str, ...]
    number: int

    @property
    def address(self) -> str:
        """`host:port` of this worker."""
        return self.addresses[self.number]


def find_worker(
    workers: Sequence[str], worker: int | None, environment: Mapping[str, str]
) -> WorkerPlace | None:
    """Returns which worker this process is; None if it trains alone.

    Args:
        workers: The value of `--workers`; empty if it was not given. Then `TF_CONFIG` counts.
        worker: The value of `--worker`; None if it was not given.
        environment: The variables of the process.

    Raises:
        ConfigError: An address or the index is missing or wrong.
    """
    if not workers and worker is not None:
        raise ConfigError(f"needs --workers, such as {EXAMPLE}", "worker", worker)
    if not workers:
        text = environment.get(TF_CONFIG, "")
        return _checked(*_from_tf_config(text), TF_CONFIG) if text.strip() else None
    if worker is None:
        raise ConfigError(
            f"needs --worker, the number of this process from 0 to {len(workers) - 1}, such as {EXAMPLE}",
            "workers",
            ",".join(workers),
        )
    return _checked(tuple(workers), worker, "--workers")


def split_address(address: str) -> tuple[str, int]:
    """Returns the host and the port of an address."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def free_addresses(count: int) -> tuple[str, ...]:
    """Returns addresses of this machine, for workers that all run on it. Nobody uses their ports yet."""
    with contextlib.ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(count)]
        # All are open at once, so that each gets another port.
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return tuple(f"127.0.0.1:{each.getsockname()[1]}" for each in sockets)


def _from_tf_config(text: str) -> tuple[tuple[str, ...], int]:
    """Reads `TF_CONFIG`. A task `chief` comes before the workers; TensorFlow counts them like that too."""
    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{TF_CONFIG} is not valid JSON: {error}") from error
    cluster = content.get("cluster") if isinstance(content, dict) else None
    task = content.get("task") if isinstance(content, dict) else None
    if not isinstance(cluster, dict) or not isinstance(task, dict):
        raise ConfigError(f'{TF_CONFIG} needs the objects "cluster" and "task"')
    if others := sorted(set(cluster) - {"chief", "worker"}):
        raise ConfigError(
            f'{TF_CONFIG}: tasks can be "chief" and "worker", not {", ".join(map(repr, others))}'
        )
    chiefs, workers = (cluster.get(kind, []) for kind in ("chief", "worker"))
    kind, index = task.get("type"), task.get("index")
    for addresses in (chiefs, workers):
        if not isinstance(addresses, list) or not all(isinstance(each, str) for each in addresses):
            raise ConfigError(f'{TF_CONFIG}: "cluster" needs lists of addresses, such as "10.0.0.1:7000"')
    if kind not in cluster or type(index) is not int or not 0 <= index < len(cluster[kind]):
        raise ConfigError(f'{TF_CONFIG}: "task" must be one of the tasks in "cluster", such as worker 0')
    return (*chiefs, *workers), index + (len(chiefs) if kind == "worker" else 0)


def _checked(addresses: tuple[str, ...], index: int, source: str) -> WorkerPlace | None:
    for address in addresses:
        found = _ADDRESS.fullmatch(address)
        if not found or not 0 < int(found[2]) < 2**16:
            raise ConfigError(f"{source}: {address!r} is not an address such as 10.0.0.1:7000")
    if twice := sorted({address for address in addresses if addresses.count(address) > 1}):
        raise ConfigError(f"{source}: {twice[0]} is listed twice; each worker needs its own address")
    if not 0 <= index < len(addresses):
        raise ConfigError(f"must be from 0 to {len(addresses) - 1}, one of --workers", "worker", index)
    return WorkerPlace(addresses, index) if len(addresses) > 1 else None

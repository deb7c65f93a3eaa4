"""Which worker a process is: from flags and from TF_CONFIG."""

from __future__ import annotations

import json

import pytest

from anime_gan.runs.worker_place import WorkerPlace, find_worker, split_address
from anime_gan.training.config import ConfigError

TWO = ["10.0.0.1:7000", "node-2.local:7001"]


def tf_config(kind: str, index: int, **cluster: list[str]) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})}


def test_flags_name_the_worker():
    assert find_worker(TWO, 1, {}) == WorkerPlace(tuple(TWO), 1)
    assert find_worker(TWO, 1, {}).address == "node-2.local:7001"


def test_flags_count_rather_than_the_environment():
    assert find_worker(TWO, 0, tf_config("worker", 1, worker=["a:1", "b:2"])) == WorkerPlace(tuple(TWO), 0)


def test_a_process_without_others_trains_alone():
    assert find_worker([], None, {}) is None
    assert find_worker([], None, {"TF_CONFIG": " "}) is None
    assert find_worker(["a:1"], 0, {}) is None
    assert find_worker([], None, tf_config("worker", 0, worker=["a:1"])) is None


def test_the_chief_of_tf_config_comes_before_the_workers():
    cluster = {"chief": ["c:1"], "worker": ["a:1", "b:2"]}
    assert find_worker([], None, tf_config("chief", 0, **cluster)) == WorkerPlace(("c:1", "a:1", "b:2"), 0)
    assert find_worker([], None, tf_config("worker", 1, **cluster)) == WorkerPlace(("c:1", "a:1", "b:2"), 2)


@pytest.mark.parametrize(
    ("workers", "worker", "environment", "words"),
    [
        ([], 1, {}, "needs --workers"),
        (TWO, None, {}, "from 0 to 1"),
        (TWO, 2, {}, "must be from 0 to 1"),
        (["10.0.0.1", "b:2"], 0, {}, "'10.0.0.1' is not an address"),
        (["a:1", "b:65536"], 0, {}, "'b:65536' is not an address"),
        (["a:1", "b:0"], 0, {}, "'b:0' is not an address"),
        (["a:1", "a:1"], 0, {}, "a:1 is listed twice"),
        ([], None, {"TF_CONFIG": "{"}, "not valid JSON"),
        ([], None, {"TF_CONFIG": "[]"}, '"cluster" and "task"'),
        ([], None, tf_config("ps", 0, ps=["a:1"], worker=["b:2"]), "not 'ps'"),
        ([], None, tf_config("worker", 2, worker=["a:1", "b:2"]), "one of the tasks"),
        ([], None, tf_config("worker", True, worker=["a:1", "b:2"]), "one of the tasks"),
        ([], None, tf_config("worker", 0, worker="a:1"), "lists of addresses"),
        ([], None, tf_config("worker", 0, worker=[1, 2]), "lists of addresses"),
    ],
)
def test_wrong_places_are_refused(workers, worker, environment, words):
    with pytest.raises(ConfigError, match=words):
        find_worker(workers, worker, environment)


def test_an_address_is_split():
    assert split_address("[fe80::1]:70") == ("fe80::1", 70)
    assert split_address("node:7000") == ("node", 7000)

"""Worker processes."""

from __future__ import annotations

import os

import pytest

from anime_gan.common.workers import available_cores, map_in_order


def test_results_in_the_order_of_the_jobs_and_few_jobs_taken_ahead():
    taken = []

    def jobs():
        for job in range(-40, 0):
            taken.append(job)
            yield job

    results = map_in_order(abs, jobs())
    assert next(results) == 40
    assert len(taken) <= available_cores() + 2
    assert [40, *results] == list(range(40, 0, -1))


def test_a_killed_process_is_an_error_in_words():
    with pytest.raises(OSError, match="a worker process was killed"):
        list(map_in_order(os._exit, [1]))

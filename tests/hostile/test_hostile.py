"""The short form of each campaign; `run.py` runs the long form."""

import pytest
import run

CAMPAIGNS = run.campaigns()


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_every_input_is_answered_well(name):
    """A campaign names no input that the program answered badly."""
    campaign = CAMPAIGNS[name]
    assert run.run(campaign, campaign.SHORT, seed=0) == []

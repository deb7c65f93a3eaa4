"""The training step and everything it computes with."""

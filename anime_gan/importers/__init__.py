"""Converts published models, whose files the user supplies, to exports."""

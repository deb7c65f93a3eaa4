"""Datasets that consist of several data sources."""

"""A training run on disk: starting, resuming, reporting, and the directory itself."""

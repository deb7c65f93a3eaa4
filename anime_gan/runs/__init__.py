"""Training runs: starting, resuming, and reporting, and the directory on disk."""

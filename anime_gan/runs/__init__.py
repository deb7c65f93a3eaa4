"""Starts, resumes, and reports on training runs, and manages their directories."""

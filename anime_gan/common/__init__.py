"""Helpers that know nothing about faces: files, command lines, layouts, tables."""

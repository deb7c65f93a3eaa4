"""The exported model: a SavedModel and the files beside it."""

"""Attributes: from the words that people type to rows of labels, and back."""

from anime_gan.attributes.schema import AttributeRequestError, Group, Schema, Slot, Term

__all__ = ["AttributeRequestError", "Group", "Schema", "Slot", "Term"]

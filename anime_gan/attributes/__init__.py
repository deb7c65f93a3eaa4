"""Converts between typed attribute requests and label rows."""

from anime_gan.attributes.scales import Scale, ScaleWord
from anime_gan.attributes.schema import AttributeRequestError, Group, Schema, Slot, Term

__all__ = ["AttributeRequestError", "Group", "Scale", "ScaleWord", "Schema", "Slot", "Term"]

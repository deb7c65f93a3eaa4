"""Attributes: conversion between words that people type and rows of labels."""

from anime_gan.attributes.schema import AttributeRequestError, Group, Schema, Slot, Term

__all__ = ["AttributeRequestError", "Group", "Schema", "Slot", "Term"]

"""Engines turn prompt ids into text."""

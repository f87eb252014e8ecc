"""Scores, behaviour and comparison: strings in, numbers out. Knows no model. No torch."""

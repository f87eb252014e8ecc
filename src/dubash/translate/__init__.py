"""Translators: whatever turns source segments into hypotheses."""

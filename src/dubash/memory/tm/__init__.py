"""The translation memory: units kept with where they come from, found again by likeness."""

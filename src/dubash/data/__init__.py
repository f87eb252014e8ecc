"""Data: every file kind in, frozen splits out. Filters, duplicates, leak guard. No torch."""

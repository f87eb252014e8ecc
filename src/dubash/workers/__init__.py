"""Programs for environments of their own: run as files by another Python, never imported."""

"""The report room: one self-contained HTML page and a model card, from a run folder. No torch."""

"""What a run would take, before it is there: a pass, a run, and what would make it fit."""

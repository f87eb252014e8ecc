"""One file a command, read top to bottom: the story of what the command does."""

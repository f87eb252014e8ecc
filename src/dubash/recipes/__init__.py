"""The recipes that ship with dubash (YAML)."""

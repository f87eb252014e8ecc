"""The recipe: one YAML file that says the whole run, composed of the rooms' options."""

"""What a model takes before there is one: its shape, its parameters and bytes, counted unbuilt."""

"""What every room shares: types, errors, options, languages, files, the run folder. No torch."""

"""The steps of the walk: pure functions from one noun to the next."""

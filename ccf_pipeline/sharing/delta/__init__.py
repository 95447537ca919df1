"""What may leave: texts as deltas, keyed check values, and the search for what leaked."""

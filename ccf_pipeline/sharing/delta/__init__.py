"""Turn texts into deltas and keyed check values, and search for what leaked."""

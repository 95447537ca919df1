"""Everything that touches the world: files, models, the Hub."""

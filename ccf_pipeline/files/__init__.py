"""Write and read files: whole or absent, as Arrow tables, in child processes."""

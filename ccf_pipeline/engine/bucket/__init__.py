"""Builds in an object store: objects, leases, and the journal as small objects."""

"""Run a build so that it survives: the build folder, its journal, locks, verification and repair."""

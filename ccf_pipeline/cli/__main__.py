"""`python -m ccf_pipeline.cli` is `ccf-build`."""

from ccf_pipeline.cli import main

main()

"""`python -m ccf_pipeline` is `ccf-build`."""

from ccf_pipeline.cli import main

main()

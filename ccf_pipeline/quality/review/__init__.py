"""Where a clinician judges pairs: a small web application on this machine, and the book of judgements."""

"""Making reports: each is a run, its output, its page and its record, in a directory of its own."""

"""DataFrames in pages: where one lies, which of its rows are wanted, reading no more than these, and their cells."""

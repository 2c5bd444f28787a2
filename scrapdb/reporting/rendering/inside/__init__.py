"""What runs in the process that renders: it sees no files but its own, and asks for what it is not given."""

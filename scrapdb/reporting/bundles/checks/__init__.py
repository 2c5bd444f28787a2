"""What can be wrong with a bundle, found without running it: one module for each of its parts, and one table."""

"""A module for each kind of address: it sends a letter there, or raises one of `outcomes`."""

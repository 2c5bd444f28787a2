"""The API for programs: a module for each kind of thing."""

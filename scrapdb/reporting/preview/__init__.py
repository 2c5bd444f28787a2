"""A bundle in a browser while somebody writes it."""

"""Letters: what is told, in the language of the report. `writing` makes them, of our words or of the bundle's."""

"""Bound trees to SQL: the only SQL of the asking wing."""

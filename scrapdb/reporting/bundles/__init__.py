"""Bundles: what an author of reports writes, opened, checked, begun and translated."""

"""Adapters to outside systems: one folder each, strangers to each other."""

"""Trades: one folder each, pure, strangers to each other."""

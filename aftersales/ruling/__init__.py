"""Ruling: rules that merchants write as decision tables (RV-1), checked when they are stored, run by a table engine.

``fact``, ``figure``: what a table may look at, and what that is for a case. ``jdm``, ``cell``, ``values``, ``result``: the file, a
condition, the set that it admits, what a row says. ``check``, ``reach``, ``problem``: what is wrong with a table. ``table``: a
checked table, and a stored version of one. ``standard``: the set every shop starts with. ``ruled``, ``explain``: a decision by a
table, and why it was this row.
"""

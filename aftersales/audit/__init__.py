"""Audit: what ``aftersales check`` finds wrong with a trade or plugin, by name, with what to do about it.

::

    subject.py   a name or path → what is to be looked at, and where it lies
    static.py    what its source says, without running it: imports, clock, files, network, types
    inside.py    runs in a process of its own: import, then trade.py or adapter.py; whatever hangs there is ended from outside
    trade.py     texts, rules on varied facts (variety.py), scenarios, limits (shift.py)
    adapter.py   what a plugin's module builds
    paper.py     manifest, README, declared compatibility, tests
    verdict.py   all of it together: the level that is reached
"""

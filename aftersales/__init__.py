"""The core of the after-sales system: cases, money, rules and the contract for integrators.

Standard library only. Functions, plugins and verticals depend on this package; it depends on nothing of theirs.
"""

__version__ = "0.1.0"

"""Trouble between any two steps: the process dies there, or somebody else's work happens in the middle of ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


class Crash(BaseException):
    """The process died here. No use case may catch it: what it had not stored by now never happens."""


class Fuse:
    """Burns one notch at every boundary of a call to the outside. At its end something happens, once, and the next part is lit."""

    def __init__(self) -> None:
        self._parts: list[tuple[int, Callable[[], None]]] = []

    def light(self, parts: Sequence[tuple[int, Callable[[], None]]]) -> None:
        """After so many notches, this happens; then the next part burns."""
        self._parts = list(parts)

    def put_out(self) -> None:
        """Nothing more happens."""
        self._parts = []

    def burn(self) -> None:
        """One notch."""
        if not self._parts:
            return
        left, happens = self._parts[0]
        if left > 0:
            self._parts[0] = (left - 1, happens)
            return
        del self._parts[0]
        happens()


def crash() -> None:
    """Die."""
    raise Crash


class Fragile:
    """``inner`` with a notch of the fuse before and after each call: trouble strikes with or without the call's effect."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner, self._fuse = inner, fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def call(*given: Any, **named: Any) -> Any:
            self._fuse.burn()
            try:
                return found(*given, **named)
            finally:
                self._fuse.burn()

        return call

"""Digit: the check digits of parcel numbers. Each function says whether ``check`` belongs to ``serial``.

The arithmetic is that of the carriers' published label specifications, read from the open data set tracking_number_data (MIT).
Serials are digits, and capital letters where a function says so; anything else makes it False, never an error.
"""

from __future__ import annotations

from collections.abc import Sequence

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

#: UPU standard S10: one weight for each of the eight digits.
_S10 = (8, 6, 4, 2, 3, 5, 9, 7)


def fits_mod7(serial: str, check: str) -> bool:
    """The whole serial, divided by seven, leaves the check digit."""
    return _digits(serial, check) and int(serial) % 7 == int(check)


def fits_mod10(serial: str, check: str, even: int, odd: int) -> bool:
    """Weights ``even`` and ``odd`` in turn, the first place being even; letters count as their code less three, modulo ten."""
    if not _letters(serial) or not _digits(check):
        return False
    values = (int(c) if c.isdigit() else (ord(c) - 3) % 10 for c in serial)
    total = sum(value * (odd if place % 2 else even) for place, value in enumerate(values))
    return -total % 10 == int(check)


def fits_luhn(serial: str, check: str) -> bool:
    """Every second digit from the right is doubled, and its digits added."""
    if not _digits(serial, check):
        return False
    doubled = sum(sum(divmod(2 * int(c), 10)) for c in serial[::-2])
    return -(doubled + sum(map(int, serial[-2::-2]))) % 10 == int(check)


def fits_s10(serial: str, check: str) -> bool:
    """Eleven less the weighted sum modulo eleven; ten is written as 0, eleven as 5."""
    if len(serial) != len(_S10) or not _digits(serial, check):
        return False
    left = 11 - _weighed(serial, _S10) % 11
    return {10: 0, 11: 5}.get(left, left) == int(check)


def fits_weighed(serial: str, check: str, weights: Sequence[int]) -> bool:
    """The weighted sum modulo eleven, of which the last digit is taken."""
    return len(serial) == len(weights) and _digits(serial, check) and _weighed(serial, weights) % 11 % 10 == int(check)


def fits_mod37(serial: str, check: str) -> bool:
    """ISO/IEC 7064, MOD 37,36: serial and check of digits and capital letters."""
    if not _letters(serial) or not _letters(check) or len(check) != 1:
        return False
    left = 36
    for character in serial:
        left = (left + _ALPHABET.index(character)) % 36 or 36
        left = left * 2 % 37
    return (left + _ALPHABET.index(check)) % 36 == 1


def _weighed(serial: str, weights: Sequence[int]) -> int:
    return sum(int(c) * weight for c, weight in zip(serial, weights, strict=True))


def _digits(*texts: str) -> bool:
    return all(text.isascii() and text.isdigit() for text in texts)


def _letters(text: str) -> bool:
    return bool(text) and all(c in _ALPHABET for c in text)

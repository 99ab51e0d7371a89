"""Place: where somebody or something is, as far as parcels need it: province, prefecture-level city, district."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A place in words, as it was told; "" where it was not. Never a street or a house."""

    province: str = ""
    city: str = ""
    district: str = ""

"""Caller: who asks, in which role, for which merchant."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The roles of OP-3. ``SYSTEM`` is ours alone (schedules, streams, callbacks): no token carries it."""

    BUYER = "buyer"
    CLERK = "clerk"
    APPROVER = "approver"
    ADMIN = "admin"
    PLATFORM = "platform"
    INTEGRATOR = "integrator"
    SYSTEM = "system"


STAFF = frozenset({Role.CLERK, Role.APPROVER, Role.ADMIN, Role.PLATFORM})


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or program with a valid token. A buyer's ``sub`` is the buyer's id at that merchant."""

    sub: str
    role: Role
    merchant: str

    @property
    def name(self) -> str:
        """How events name the caller: ``clerk:wang``."""
        return f"{self.role}:{self.sub}"

    @property
    def is_staff(self) -> bool:
        """Whether the caller works for the merchant or the platform."""
        return self.role in STAFF

    def sees(self, merchant: str, buyer_id: str | None = None) -> bool:
        """Whether a thing of ``merchant`` (and of ``buyer_id``, where it has one) exists for this caller."""
        if self.role in (Role.PLATFORM, Role.SYSTEM):
            return True
        return self.merchant == merchant and (self.role is not Role.BUYER or self.sub == buyer_id)


SYSTEM = Caller("aftersales", Role.SYSTEM, "")

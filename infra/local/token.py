"""Tokens of the local system: a JWT signed with the home's secret, for whoever a developer wants to be."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from aftersales.caller import Role
from infra.local.home import DEFAULT, Home, NoHome

#: Everybody whom a token can name; the system itself needs none.
ROLES = tuple(str(role) for role in Role if role is not Role.SYSTEM)


def token(home: Home, role: str, merchant: str = "m1", sub: str = "", hours: float = 12) -> str:
    """A token for ``role`` at ``merchant``; ``sub`` names the person (a plain name made of the role, if empty)."""
    import jwt

    claims = {"sub": sub or f"{role}-1", "role": role, "exp": int(time.time() + hours * 3600)}
    if merchant:
        claims["merchant"] = merchant
    return jwt.encode(claims, home.secret("token"), algorithm="HS256")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare who the token is for."""
    parser.add_argument("--role", choices=ROLES, default="buyer", help="what the person is (default: buyer)")
    parser.add_argument("--merchant", default="m1", help="whose shop (default: m1)")
    parser.add_argument("--sub", default="", help="who the person is (default: the role's name with -1)")
    parser.add_argument("--hours", type=float, default=12, help="how long it is valid (default: 12)")
    parser.add_argument("--home", type=Path, default=DEFAULT, help="folder of the local system (default: .local)")


def main(args: argparse.Namespace) -> int:
    """Print the token."""
    try:
        print(token(Home.there(args.home), args.role, args.merchant, args.sub, args.hours))
    except NoHome as error:
        print(f"token: {error}", file=sys.stderr)
        return 1
    return 0

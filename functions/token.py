"""Tokens: a Bearer JWT says who asks. Keys come as a shared secret or as a JWKS; nothing else about a caller is believed."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

from aftersales.caller import Caller, Role
from aftersales.errors import BadSettings, Unauthenticated
from aftersales.registry import Registry

NAME = re.compile(r"[A-Za-z0-9_.:@-]{1,64}")
ASYMMETRIC = ["RS256", "ES256", "EdDSA"]


def caller_of(registry: Registry, authorization: str) -> Caller:
    """The caller that an ``Authorization: Bearer …`` header names. Raises Unauthenticated, never saying more than needed."""
    import jwt

    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("There is no bearer token.", todo="Send Authorization: Bearer <token>.")
    try:
        key, algorithms = _key(registry, token)
        claims = jwt.decode(token, key, algorithms=algorithms, options={"require": ["exp", "sub"]}, leeway=10)
        role, merchant = Role(claims["role"]), str(claims.get("merchant", ""))
    except jwt.ExpiredSignatureError as error:
        raise Unauthenticated("The token has expired.", todo="Get a new one.") from error
    except (jwt.PyJWTError, KeyError, ValueError) as error:
        raise Unauthenticated("The token is not valid.", todo="Get a new one.") from error
    named = NAME.fullmatch(str(claims["sub"])) and (NAME.fullmatch(merchant) or (role is Role.PLATFORM and not merchant))
    if role is Role.SYSTEM or not named:
        raise Unauthenticated("The token names no role and merchant that can be used here.", todo="Get one with role and merchant.")
    return Caller(str(claims["sub"]), role, merchant)


def _key(registry: Registry, token: str) -> tuple[Any, list[str]]:
    jwks = registry.setting("token", "jwks", "")
    if jwks:
        return _published(jwks, token), ASYMMETRIC
    secret = registry.setting("token", "secret", "")
    if len(secret) < 32:
        raise BadSettings("The token secret has at least 32 characters, or a JWKS is set.")
    return secret, ["HS256"]


def _published(jwks: str, token: str) -> Any:
    import jwt

    kid = jwt.get_unverified_header(token).get("kid")
    for key in _key_set(jwks).keys:
        if key.key_id == kid:
            return key.key
    raise Unauthenticated("The token is signed with an unknown key.", todo="Get a new one.")


@lru_cache(maxsize=4)
def _key_set(jwks: str) -> Any:
    import jwt

    return jwt.PyJWKSet.from_dict(json.loads(jwks))

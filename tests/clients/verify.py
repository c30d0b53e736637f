"""Verifies tokens with PyJWT by the server's published keys, and says of each what it found.

Standard input: {"jwks": URL, "issuer": .., "checks": [{"token": .., "audience": ..}, ..]}
Standard output: a list with the subject of each token that is good, or the name of PyJWT's refusal.
"""
import json
import sys

import jwt

asked = json.load(sys.stdin)
keys = jwt.PyJWKClient(asked["jwks"])


def verdict(check):
    try:
        claims = jwt.decode(
            check["token"],
            keys.get_signing_key_from_jwt(check["token"]).key,
            algorithms=["ES256"],
            audience=check["audience"],
            issuer=asked["issuer"],
            options={"require": ["exp", "iat", "sub", "jti"]},
        )
        # PyJWT leaves the type (RFC 9068) to its caller.
        kind = jwt.get_unverified_header(check["token"])["typ"]
        return claims["sub"] if kind == "at+jwt" else "typ " + kind
    except jwt.exceptions.PyJWTError as refusal:
        return type(refusal).__name__


json.dump([verdict(check) for check in asked["checks"]], sys.stdout)

"""Lets in whoever shows a good access token, without asking the server about each: its keys and lists are kept."""
import base64
import time
import urllib.request
import zlib

import jwt  # pip install "pyjwt[crypto]"

ALGORITHMS = ["ES256", "EdDSA", "RS256"]


class Verifier:
    def __init__(self, issuer, audience=None):
        self.issuer, self.audience = issuer, audience
        self.keys = jwt.PyJWKClient(issuer + "/.well-known/jwks.json")
        self.lists = {}  # by address: when to ask again, and the bits

    def user(self, token):
        """Id of the user. Raises jwt.PyJWTError for every token that is not good."""
        claims = self.claims(token, "at+jwt", ["exp", "sub", "status"], issuer=self.issuer, audience=self.audience)
        status = claims["status"]["status_list"]
        if self.is_over(status["uri"], status["idx"]):
            raise jwt.InvalidTokenError("the session is over")
        return claims["sub"]

    def claims(self, token, kind, required, **rules):
        """What a token says that is of this kind and that a key of the server signed."""
        key = self.keys.get_signing_key_from_jwt(token).key
        if jwt.get_unverified_header(token).get("typ") != kind:
            raise jwt.InvalidTokenError("not " + kind)
        return jwt.decode(token, key, algorithms=ALGORITHMS, options={"require": required}, **rules)

    def is_over(self, uri, place):
        """Whether this bit of a list is set. A list is fetched again when its time is up, or nobody gets in."""
        until, bits = self.lists.get(uri, (0, b""))
        if time.time() >= until:
            if not uri.startswith(self.issuer + "/"):
                raise jwt.InvalidTokenError("a list of another server")
            with urllib.request.urlopen(uri, timeout=5) as answer:
                token = answer.read().decode()
            claims = self.claims(token, "statuslist+jwt", ["exp", "sub", "ttl"], subject=uri)
            bits = zlib.decompress(base64.urlsafe_b64decode(claims["status_list"]["lst"] + "=="))
            until = min(claims["exp"], time.time() + claims["ttl"])
            self.lists[uri] = until, bits
        return bits[place // 8] >> place % 8 & 1

"""JSON Web Tokens, taken apart and forged by hand: the tests need tokens that no library would make."""

import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def split(token):
    """(header, claims, signature bytes)."""
    header, claims, signature = token.split(".")
    return json.loads(unb64url(header)), json.loads(unb64url(claims)), unb64url(signature)


def join(header, claims, signature):
    """Header and claims may be dicts or ready bytes."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)]
    return ".".join([b64url(parts[0]), b64url(parts[1]), b64url(signature)])


def sign_es256(header, claims, key=None):
    """Signed as ES256 by `key`, or by a key that nobody knows."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    signed = join(header, claims, b"").rsplit(".", 1)[0].encode()
    r, s = utils.decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
    return join(header, claims, r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def sign_hs256(header, claims, secret):
    signed = join(header, claims, b"").rsplit(".", 1)[0].encode()
    return join(header, claims, hmac.new(secret, signed, hashlib.sha256).digest())


def public_jwk(key):
    numbers = key.public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": b64url(numbers.x.to_bytes(32, "big")),
        "y": b64url(numbers.y.to_bytes(32, "big")),
    }

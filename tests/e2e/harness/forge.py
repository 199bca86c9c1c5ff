"""Tokens with a genuine signature over claims of our choice: the server's own key, taken from its data directory.

Whether a claim is looked at can only be seen when nothing else is wrong with the token.
"""

import ctypes
import ctypes.util
import hashlib
import hmac
import json

from cryptography.hazmat.primitives.serialization import load_der_private_key

from . import jwt
from .state import rows

NONCE, TAG = 24, 16


def unseal(secret, purpose, sealed):
    """Opens a sealed text (src/codec/seal.h) with the key file's key."""
    version, _, text = sealed.split(".")
    assert version == "s1"
    box = jwt.unb64url(text)
    key = hmac.new(secret, b"seal", hashlib.sha256).digest()
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
    out = ctypes.create_string_buffer(len(box))
    size = ctypes.c_ulonglong()
    done = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        out, ctypes.byref(size), None, box[NONCE:], ctypes.c_ulonglong(len(box) - NONCE), purpose,
        ctypes.c_ulonglong(len(purpose)), box[:NONCE], key)
    assert done == 0, "the seal does not open"
    return out.raw[:size.value]


def signing_key(server):
    """(kid, private key) with which the server signs now."""
    secret = bytes.fromhex((server.data / "key").read_text().split()[0])
    (kid, sealed), = rows(server, "SELECT kid, sealed FROM token_keys WHERE state = 'active' "
                                  "ORDER BY created_at DESC LIMIT 1")
    return kid, load_der_private_key(unseal(secret, f"token-key:{kid}".encode(), sealed), None)


class Forge:
    """Changes a genuine token and signs it again as the server would."""

    def __init__(self, server, genuine):
        self.kid, self.key = signing_key(server)
        self.header, self.claims, _ = jwt.split(genuine)
        assert self.header["kid"] == self.kid

    def token(self, header=None, raw_claims=None, **changes):
        """Claims set to None are left out; raw_claims is text to sign as it is."""
        claims = {key: value for key, value in (self.claims | changes).items() if value is not None}
        return jwt.sign_es256(header or self.header, raw_claims.encode() if raw_claims is not None else claims,
                              self.key)

    def claims_text(self):
        return json.dumps(self.claims)

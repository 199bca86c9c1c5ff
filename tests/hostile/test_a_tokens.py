"""Group A: authentication and forged tokens. A forged claim is signed with the server's own key, so that only it is wrong."""

import base64
import json
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from harness import jwt, state
from harness.client import Registry
from harness.raw import exchange, request
from harness.server import ADMIN_PASSWORD, REPOSITORY, Server, binary


def stranger():
    return ec.generate_private_key(ec.SECP256R1())


def by_stranger(target, **header):
    key = stranger()
    header = {name: jwt.public_jwk(key) if value == "own" else value for name, value in header.items()}
    return jwt.sign_es256(target.forge.header | header, target.forge.claims, key)


A_01 = {
    "jwk": {"jwk": "own"}, "jwk-of-ours": {"jwk": None}, "jku": {"jku": "http://127.0.0.1:1/keys"},
    "x5u": {"x5u": "http://127.0.0.1:1/c"}, "x5c": {"x5c": ["MIIB"]}, "real-kid-alone": {},
}


@pytest.mark.parametrize("name", A_01)
def test_A_01_key_in_the_header(target, deny, no_effect, name):
    """The header never brings a key: with the real `kid`, signed by an attacker, and also with our own signature."""
    with no_effect():
        deny(target.with_token(by_stranger(target, **A_01[name])), "invalid_token")
    if A_01[name]:
        header = target.forge.header | {key: "x" for key in A_01[name]}
        assert target.with_token(target.forge.token(header=header)).status_code in (200, 401)


def hs256_with(target, form):
    """HS256 keyed with our public key, in each form in which a careless server would hold it."""
    public = target.forge.key.public_key()
    numbers = public.public_numbers()
    secret = {
        "pem": lambda: public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        "der": lambda: public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        "point": lambda: public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint),
        "x": lambda: numbers.x.to_bytes(32, "big"), "kid": lambda: target.forge.kid.encode(), "empty": lambda: b"",
    }[form]()
    return jwt.sign_hs256(target.forge.header | {"alg": "HS256"}, target.forge.claims, secret)


def genuine_but(target, **header):
    header = {key: value for key, value in (target.forge.header | header).items() if value != "gone"}
    return target.forge.token(header=header)


def with_signature(target, signature):
    return jwt.join(target.forge.header, target.forge.claims, signature)


def swapped(target):
    _, _, signature = jwt.split(target.genuine)
    return with_signature(target, signature[32:] + signature[:32])


def der_signature(target):
    _, _, signature = jwt.split(target.genuine)
    parts = [int.from_bytes(signature[at:at + 32], "big") for at in (0, 32)]
    return with_signature(target, utils.encode_dss_signature(*parts))


A_02 = {
    "none": lambda t: genuine_but(t, alg="none"), "None": lambda t: genuine_but(t, alg="None"),
    "none-unsigned": lambda t: jwt.join(t.forge.header | {"alg": "none"}, t.forge.claims, b""),
    **{f"hs256-{form}": (lambda t, form=form: hs256_with(t, form))
       for form in ("pem", "der", "point", "x", "kid", "empty")},
    **{alg: (lambda t, alg=alg: genuine_but(t, alg=alg))
       for alg in ("HS256", "RS256", "PS256", "ES384", "ES512", "ES256K", "EdDSA", "es256", "", "ES256 ")},
    "alg-missing": lambda t: genuine_but(t, alg="gone"), "alg-number": lambda t: genuine_but(t, alg=256),
    "alg-list": lambda t: genuine_but(t, alg=["ES256"]), "crit-unknown": lambda t: genuine_but(t, crit=["x"], x=1),
    "crit-exp": lambda t: genuine_but(t, crit=["exp"]), "crit-empty": lambda t: genuine_but(t, crit=[]),
    "b64-false": lambda t: genuine_but(t, b64=False, crit=["b64"]),
    "kid-path": lambda t: genuine_but(t, kid="../../x"), "kid-sql": lambda t: genuine_but(t, kid="' OR 1=1 --"),
    "kid-10-kib": lambda t: genuine_but(t, kid="k" * 10_240), "kid-missing": lambda t: genuine_but(t, kid="gone"),
    "kid-empty": lambda t: genuine_but(t, kid=""), "kid-number": lambda t: genuine_but(t, kid=1),
    "kid-nul": lambda t: genuine_but(t, kid=t.forge.kid + "\0"),
    "r-and-s-zero": lambda t: with_signature(t, bytes(64)), "r-zero": lambda t: with_signature(t, bytes(32) + b"\1" * 32),
    "s-zero": lambda t: with_signature(t, b"\1" * 32 + bytes(32)), "order": lambda t: with_signature(t, b"\xff" * 64),
    "signature-swapped": swapped, "signature-der": der_signature, "signature-empty": lambda t: with_signature(t, b""),
    "typ-other": lambda t: genuine_but(t, typ="refresh"),
}


@pytest.mark.parametrize("name", A_02)
def test_A_02_alg_confusion(target, deny, no_effect, name):
    """One algorithm, bound to our key and not told by the token."""
    with no_effect():
        answer = target.with_token(A_02[name](target))
        if name == "kid-10-kib" and answer.status_code == 431:
            return
        deny(answer, "invalid_token")


def claims_with(text):
    """Claims as text in which the real ones stand first."""
    return lambda t: t.forge.token(raw_claims=t.forge.claims_text()[:-1] + "," + text + "}")


def replaced(name, literal):
    """One claim as a literal that Python would not print."""
    def make(target):
        claims = {key: value for key, value in target.forge.claims.items() if key != name}
        return target.forge.token(raw_claims=json.dumps(claims)[:-1] + f',"{name}":{literal}}}')
    return make


NOW = int(time.time())
A_03 = {
    "aud-wrong": lambda t: t.forge.token(aud="somebody"), "aud-list": lambda t: t.forge.token(aud=[t.forge.claims["aud"]]),
    "aud-missing": lambda t: t.forge.token(aud=None), "iss-wrong": lambda t: t.forge.token(iss="somebody"),
    "iss-missing": lambda t: t.forge.token(iss=None), "exp-past": lambda t: t.forge.token(exp=NOW - 3600, iat=NOW - 7200),
    "exp-missing": lambda t: t.forge.token(exp=None), "exp-text": lambda t: t.forge.token(exp=str(NOW + 300)),
    "exp-float": lambda t: t.forge.token(exp=NOW + 300.5), "exp-1e400": replaced("exp", "1e400"),
    "exp-1e9": replaced("exp", "1e10"), "exp-negative": lambda t: t.forge.token(exp=-1),
    "exp-2^63": lambda t: t.forge.token(exp=2**63), "exp-overflowing": lambda t: t.forge.token(exp=2**62),
    "exp-null": replaced("exp", "null"), "nbf-in-10-minutes": lambda t: t.forge.token(nbf=NOW + 600),
    "iat-future": lambda t: t.forge.token(iat=NOW + 600), "iat-negative": lambda t: t.forge.token(iat=-5),
    "account-other": lambda t: t.forge.token(account=999_999), "generation-other": lambda t: t.forge.token(generation=999),
    "account-text": lambda t: t.forge.token(account="1"), "duplicate-exp": claims_with('"exp":9999999999'),
    "duplicate-sub": claims_with('"sub":"root"'), "case-variant": claims_with('"EXP":9999999999'),
    "duplicate-by-escape": claims_with('"e\\u0078p":9999999999'), "unknown-claim": claims_with('"admin":true'),
    "deep-access": replaced("access", "[" * 64 + "]" * 64), "access-object": replaced("access", "{}"),
    "second-document": lambda t: t.forge.token(raw_claims=t.forge.claims_text() + "{}"),
    "claims-empty": lambda t: t.forge.token(raw_claims="{}"), "claims-list": lambda t: t.forge.token(raw_claims="[]"),
    "use-identity": lambda t: t.forge.token(use="identity"),
}


@pytest.mark.parametrize("name", A_03)
def test_A_03_claims(target, deny, no_effect, name):
    """A genuine signature does not make a wrong claim right."""
    with no_effect():
        deny(target.with_token(A_03[name](target)), "invalid_token")


@pytest.mark.parametrize("size, statuses", [(15 * 1024, (401, 431)), (17 * 1024, (401, 431)), (1024 * 1024, (0, 401, 431))])
@pytest.mark.parametrize("fill", [".", "a", "eyJ"])
def test_A_03_size(server, size, statuses, fill):
    header = ("Authorization", "Bearer " + fill * (size // len(fill)))
    assert exchange(server.address(), request("GET", "/v2/", [header])).status in statuses


def test_A_03_what_is_changed_by_nobody_is_good(target):
    """The forge itself is sound: its token with nothing wrong opens what the genuine one does."""
    assert target.with_token(target.forge.token()).status_code == 200


def test_A_03_access_is_the_bound(target, deny):
    """A genuine token for one repository, or for pulling only, opens nothing else."""
    other = Registry(target.server.url(), "admin", ADMIN_PASSWORD).push_image("admin/target-other", "v1")
    assert other
    deny(target.with_token(target.genuine, path="/v2/admin/target-other/manifests/v1"), "insufficient_scope")
    pull = target.admin.token(f"repository:{target.name}:pull")
    deny(target.with_token(pull, "POST", f"/v2/{target.name}/blobs/uploads/"), "insufficient_scope")
    deny(target.with_token(target.identity), "invalid_token")


FORWARDED = {
    "x-forwarded-for": {"X-Forwarded-For": "127.0.0.1"}, "x-real-ip": {"X-Real-IP": "10.1.1.1"},
    "forwarded": {"Forwarded": "for=10.1.1.1;host=evil;proto=https"}, "true-client-ip": {"True-Client-IP": "10.1.1.1"},
    "all": {"X-Forwarded-For": "10.1.1.1, 10.2.2.2", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil"},
}


@pytest.mark.parametrize("name", FORWARDED)
def test_A_05_forwarded_headers_of_strangers(server, target, name):
    """The same answer as without, and the audit shows the peer of the socket."""
    without = Registry(server.url()).get("/metrics")
    answer = Registry(server.url()).get("/metrics", headers=FORWARDED[name])
    assert (answer.status_code, answer.text) == (without.status_code, without.text)
    refused = Registry(server.url(), "admin", f"wrong {name}").get("/v2/", headers=FORWARDED[name])
    assert refused.status_code == 401
    records = state.audit_of(server, refused.headers["X-Request-Id"])
    assert [record[3] for record in records] in ([], ["127.0.0.1"]), records  # folded after 10 a minute


@pytest.mark.parametrize("name", ["X-Remote-User", "X-WEBAUTH-USER", "Remote-User", "X-Forwarded-User", "X-User",
                                  "X-Auth-Request-User", "X-Token-Subject", "Impersonate-User"])
def test_A_06_identity_headers(target, deny, name):
    answer = Registry(target.server.url()).get(target.path, headers={name: "admin"})
    deny(answer)


@pytest.mark.parametrize("name", ["X_Remote_User", "Remote_User", "X-Remote_User", "AUTHORIZATION_"])
def test_A_06_underscores(server, name):
    answer = exchange(server.address(), request("GET", "/v2/", [(name, "admin")]))
    assert answer.status == 400 and answer.closed


def test_A_06_duplicates_of_different_case(server):
    wrong = ("authorization", "Basic " + base64.b64encode(b"admin:x").decode())
    right = ("Authorization", "Basic " + base64.b64encode(f"admin:{ADMIN_PASSWORD}".encode()).decode())
    for pair in ([wrong, right], [right, wrong], [right, right]):
        assert exchange(server.address(), request("GET", "/v2/", pair)).status == 400


WELL_KNOWN = [("admin", "admin"), ("admin", "password"), ("admin", ""), ("admin", "Harbor12345"), ("admin", "changeme"),
              ("admin", "admin123"), ("root", "root"), ("root", ""), ("", ""), ("admin", "assay"), ("assay", "assay"),
              ("test", "test"), ("guest", "guest"), ("admin", "orca"), ("admin", "null"), ("admin", "\0")]


def test_A_07_no_known_password_at_a_fresh_install(new_server):
    """Nobody logs in but with the generated password, at the first start and at the second."""
    running = new_server(password=None)
    generated = running.generated_password()
    assert len(generated) >= 16
    for _ in range(2):
        for user, password in WELL_KNOWN:
            assert Registry(running.url(), user, password).get("/v2/").status_code == 401, (user, password)
        assert Registry(running.url(), "admin", generated).get("/v2/").status_code == 200
        assert generated not in running.log()
        running.restart()
    assert running.generated_password() == generated
    assert state.rows(running, "SELECT count(*) FROM accounts WHERE password_hash = ''") == [(0,)]


def test_A_07_two_fresh_installs_differ(new_server):
    first, second = new_server(password=None, name="one"), new_server(password=None, name="two")
    assert first.generated_password() != second.generated_password()


def test_A_07_unit_and_program_hold_no_password():
    text = (REPOSITORY / "packaging/assay.service").read_text()
    assert "PASSWORD" not in text.upper()
    assert b"Harbor12345" not in binary().read_bytes()


def test_A_07_an_empty_first_password_is_refused(tmp):
    running = Server(tmp / "data", password="").start()
    try:
        assert Registry(running.url(), "admin", "").get("/v2/").status_code == 401
    finally:
        running.stop()


@pytest.mark.parametrize("user, password", [("admin", "wrong"), ("nobody-there", "wrong"), ("nobody-there", ADMIN_PASSWORD),
                                            ("ADMIN", ADMIN_PASSWORD), ("admin ", ADMIN_PASSWORD), ("x" * 64, "wrong"),
                                            ("admin", "x" * 1025), ("admin\0", ADMIN_PASSWORD),
                                            ("\udcff\udcfe", "wrong")])
def test_A_10_unknown_and_wrong_look_alike(server, user, password):
    """Same status, same body, same headers, for every way to be wrong."""
    first = Registry(server.url(), "admin", "wrong").get("/v2/")
    basic = base64.b64encode(f"{user}:{password}".encode(errors="surrogateescape")).decode()
    answer = Registry(server.url()).get("/v2/", headers={"Authorization": f"Basic {basic}"})
    volatile = {"Date", "X-Request-Id"}
    assert answer.status_code == first.status_code == 401 and answer.text == first.text
    assert {k: v for k, v in answer.headers.items() if k not in volatile} == \
        {k: v for k, v in first.headers.items() if k not in volatile}


def test_A_18_an_upload_belongs_to_repository_and_path(target, no_effect):
    """A session moved to another repository, or with a changed byte, is not there."""
    location = target.admin.start_upload(target.name)
    upload = location.rsplit("/", 1)[1]
    with no_effect():
        for path in (f"/v2/{target.name}-x/blobs/uploads/{upload}", f"/v2/{target.name}/x/blobs/uploads/{upload}",
                     f"/v2/{target.name}/blobs/uploads/{upload[:-1]}{'0' if upload[-1] != '0' else '1'}",
                     f"/v2/{target.name}/blobs/uploads/{upload}0", f"/v2/{target.name}/blobs/uploads/{upload[1:]}"):
            for method in ("GET", "PATCH", "DELETE"):
                assert target.admin.request(method, path).status_code == 404, (method, path)
    assert target.admin.delete(location).status_code == 204

"""Public keys of accounts by DTR's accounts API: checked by OpenSSL, with their fingerprint and certificates."""

import hashlib
import subprocess

import pytest

from harness.people import People, refused

ACCOUNTS = "/enzi/v0/accounts"


def openssl(*arguments, stdin=None, text=True):
    return subprocess.run(["openssl", *arguments], input=stdin, capture_output=True, text=text, check=True).stdout


def key_pair(*arguments):
    """(private, public) in PEM."""
    private = openssl("genpkey", *arguments)
    return private, openssl("pkey", "-pubout", stdin=private)


P256 = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
ED25519 = ("-algorithm", "ED25519")


def certificate(private, directory):
    path = directory / "key.pem"
    path.write_text(private)
    return openssl("req", "-x509", "-new", "-key", str(path), "-subj", "/CN=ada", "-days", "2")


@pytest.fixture
def people(admin):
    return People(admin)


@pytest.fixture
def ada(people):
    return people.user()


@pytest.fixture
def keys(ada):
    return f"{ACCOUNTS}/{ada.user}/publicKeys"


@pytest.mark.parametrize("kind", [P256, ED25519, ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"),
                                  ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")])
def test_a_key_is_added_shown_and_taken_away(ada, keys, kind):
    public = key_pair(*kind)[1]
    answer = ada.post(keys, json={"publicKey": public, "label": "laptop"})
    assert answer.status_code == 201, answer.text
    key = answer.json()
    der = openssl("pkey", "-pubin", "-outform", "DER", stdin=public.encode(), text=False)
    assert key == {"id": key["id"], "accountID": ada.get(f"{ACCOUNTS}/{ada.user}").json()["id"], "publicKey": public,
                   "label": "laptop", "certificates": [], "fingerprint": hashlib.sha256(der).hexdigest()}
    assert ada.get(keys).json() == {"accountPublicKeys": [key], "resourceCount": 1, "nextPageStart": ""}
    refused(ada.post(keys, json={"publicKey": public}), 409, "KEY_EXISTS", "publicKey")
    assert ada.patch(f"{keys}/{key['id']}", json={"label": "desk"}).json() == key | {"label": "desk"}
    assert ada.delete(f"{keys}/{key['id']}").status_code == 204
    refused(ada.delete(f"{keys}/{key['id']}"), 404, "NO_SUCH_KEY", key["id"])
    assert ada.get(keys).json()["accountPublicKeys"] == []


def test_certificates_hang_on_their_key(ada, keys, tmp_path):
    private, public = key_pair(*P256)
    mine, foreign = certificate(private, tmp_path), certificate(key_pair(*P256)[0], tmp_path)
    refused(ada.post(keys, json={"publicKey": public, "certificates": [{"label": "x", "cert": foreign}]}),
            400, "INVALID_PARAMETERS", "certificates: 0 is for another key")
    refused(ada.post(keys, json={"publicKey": public, "certificates": [{"label": "x", "cert": public}]}),
            400, "INVALID_PARAMETERS", "certificates: 0")
    answer = ada.post(keys, json={"publicKey": public, "certificates": [{"label": "x", "cert": mine}]})
    assert answer.status_code == 201 and answer.json()["certificates"] == [{"label": "x", "cert": mine}], answer.text
    path = f"{keys}/{answer.json()['id']}"
    assert ada.patch(path, json={"label": "y"}).json()["certificates"] == [{"label": "x", "cert": mine}]
    refused(ada.patch(path, json={"certificates": [{"label": "x", "cert": foreign}]}), 400, "INVALID_PARAMETERS")
    assert ada.patch(path, json={"certificates": []}).json()["certificates"] == []
    answer = ada.patch(path, json={"publicKey": public, "label": "z"})
    assert answer.json()["label"] == "z" and "publicKey" in answer.headers["Warning"]


def bad_keys():
    private, public = key_pair(*P256)
    lines = public.splitlines()
    return {
        "nothing": "", "words": "no key", "private": private, "two": public + public, "before": "hello\n" + public,
        "cut": "\n".join(lines[:2] + lines[-1:]), "wrong base64": public.replace(lines[1][:8], "########"),
        "small rsa": key_pair("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")[1],
        "other curve": key_pair("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1")[1],
        "spelled-out curve": key_pair(*P256, "-pkeyopt", "ec_param_enc:explicit")[1],
        "x25519": key_pair("-algorithm", "X25519")[1], "long": public + "\n" * 100 + "x" * 20000,
    }


def test_what_is_no_good_key_is_refused_by_name(ada, keys):
    for what, text in bad_keys().items():
        error = refused(ada.post(keys, json={"publicKey": text}), 400, "INVALID_PARAMETERS", "publicKey: ")
        assert text == "" or text[:30] not in error["message"], what
    refused(ada.post(keys, json={"label": "x"}), 400, "INVALID_JSON", "publicKey")
    refused(ada.post(keys, json={"publicKey": 1}), 400, "INVALID_JSON", "publicKey")
    assert ada.get(keys).json()["accountPublicKeys"] == []


def test_whose_keys_they_are(admin, people, ada, keys):
    org = people.org()
    owner, member, stranger = people.member(org, owner=True), people.member(org, ada), people.user()
    public = key_pair(*ED25519)[1]
    assert member.post(keys, json={"publicKey": public}).status_code == 201
    key = owner.get(keys).json()["accountPublicKeys"][0]
    refused(owner.delete(f"{keys}/{key['id']}"), 403, "NOT_AUTHORIZED")
    refused(stranger.get(keys), 404, "NO_SUCH_ACCOUNT")
    of_org = f"{ACCOUNTS}/{org}/publicKeys"
    assert owner.post(of_org, json={"publicKey": public, "label": "of all"}).status_code == 201
    refused(member.post(of_org, json={"publicKey": key_pair(*ED25519)[1]}), 403, "NOT_AUTHORIZED")
    refused(owner.delete(f"{of_org}/{key['id']}"), 404, "NO_SUCH_KEY")
    assert admin.delete(f"{keys}/{key['id']}").status_code == 204


def test_keys_in_pages(ada, keys):
    made = [ada.post(keys, json={"publicKey": key_pair(*ED25519)[1], "label": str(n)}).json()["id"] for n in range(5)]
    found, start = [], None
    while True:
        answer = ada.get(keys, params={"limit": 2} | ({"start": start} if start else {}))
        found += [x["id"] for x in answer.json()["accountPublicKeys"]]
        start = answer.headers.get("X-Next-Page-Start")
        if start is None:
            break
    assert found == made
    refused(ada.get(keys, params={"start": "YXh4"}), 400, "INVALID_PARAMETERS", "start")

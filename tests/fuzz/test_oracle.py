"""Our readers beside Python's: what they take, refuse and understand is the same.

Texts are the corpora of the fuzz targets and mutants of them, made from a seed that is printed. Grammars are
compared both ways with the regular expressions of the specifications; of JSON and manifests every accepted text
must be one to Python's reader too, without a repeated key in any case, with the same references and types."""
import datetime
import ipaddress
import json
import os
import pathlib
import random
import re
import subprocess

import pytest

HERE = pathlib.Path(__file__).parent
PROGRAM = os.environ.get("ORACLE_BIN", str(HERE.parent.parent / "build-asan/tests/fuzz/oracle"))
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
MUTANTS = int(os.environ.get("MUTANTS", 3000))

COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
RESTRICTED = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
RESERVED = {"blobs", "manifests", "tags", "referrers", "uploads"}
INT64_MAX = 2**63 - 1

SEEDS = {
    "digest": ["sha256:" + "0af9" * 16, "sha512:" + "0af9" * 32, "sha256:" + "0AF9" * 16, "md5:00"],
    "name": ["admin/app", "a/b/c", "a__b/c--d.e", "admin/" + "x" * 249, "a/tags", "a//b", "A/b", "a/b_", "app"],
    "tag": ["latest", "v1.0-x_y", "_", "." , "x" * 128, "x" * 129, ""],
    "media": ["application/vnd.oci.image.index.v1+json", "a/b", "a/b;c=d", "/", "a/" + "b" * 127, "a/" + "b" * 128],
    "content-range": ["0-1023", "bytes 0-1/2", "bytes 5-9/*", "5-3", "0-9223372036854775807", "bytes 0-1/1"],
    "address": ["192.0.2.1", "::1", "[2001:db8::1]", "[::1]:443", "10.0.0.1:80", "::ffff:10.0.0.1", "1.2.3"],
    "network": ["10.0.0.0/8", "fd00::/8", "::1", "1.2.3.4/33", "::/128", "1.2.3.4/08"],
    "time": ["2026-08-21T10:00:00Z", "2026-02-29T00:00:00Z", "2024-02-29T23:59:59.123456+05:30", "1969-12-31t00:00:00z"],
    "json": ['{"a":[1,2.5e3,null,true,"x\\u00e9"]}', '{"a":1,"A":2}', '["\\ud800"]', "[1,]", "01", '"\\ud83d\\ude00"'],
}


def corpus(name):
    return [path.read_bytes() for path in sorted((HERE / "corpus" / name).iterdir())]


def words_of(texts):
    return [word for text in texts for word in re.findall(rb"[A-Za-z0-9]+|[^A-Za-z0-9]", text[:2000])] or [b"a"]


def mutate(rng, text, words):
    text = bytearray(text)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        how = rng.randrange(6)
        if how == 0:
            text[at:at + 1] = bytes([rng.randrange(256)])
        elif how == 1:
            del text[at:at + rng.randrange(1, 4)]
        elif how == 2:
            text[at:at] = rng.choice(words)
        elif how == 3:
            text[at:at + 1] = text[at:at + 1].swapcase()
        elif how == 4:
            end = at + rng.randrange(1, 20)
            text[end:end] = text[at:end]
        else:
            text[at:at + 1] = rng.choice(b"0123456789-+.:/,\"\\{}[] ").to_bytes(1, "big")
    return bytes(text)


def texts_for(kind, folder):
    rng = random.Random(f"{SEED}/{kind}")
    seeds = [text.encode() for text in SEEDS.get(kind, [])] + (corpus(folder) if folder else [])
    words = words_of(seeds)
    return seeds + [mutate(rng, rng.choice(seeds), words) for _ in range(MUTANTS)]


def answers(kind, texts):
    lines = "".join(f"{kind} {text.hex()}\n" for text in texts)
    done = subprocess.run([PROGRAM], input=lines, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
    result = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(result) == len(texts)
    return result


def wanted_digest(text):
    return text if re.fullmatch("sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128}", text, re.A) else None


def wanted_name(text):
    fits = re.fullmatch(f"{COMPONENT}(?:/{COMPONENT})+", text, re.A) and len(text) <= 255
    return text if fits and text.rsplit("/", 1)[1] not in RESERVED else None


def wanted_tag(text):
    return text if re.fullmatch("[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", text, re.A) else None


def wanted_media(text):
    return text if re.fullmatch(f"{RESTRICTED}/{RESTRICTED}", text, re.A) and len(text) <= 255 else None


def wanted_content_range(text):
    found = re.fullmatch(r"(?:([0-9]+)-([0-9]+)|bytes [ \t]*([0-9]+)-([0-9]+)(?:/(\*|[0-9]+))?)", text.strip(" \t"),
                         re.A | re.I)
    if not found:
        return None
    first, last = (int(one or two) for one, two in ((found[1], found[3]), (found[2], found[4])))
    total = found[5]
    if last < first or last >= INT64_MAX or (total not in (None, "*") and int(total) <= last):
        return None
    return [first, last - first + 1]


def address_of(text):
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if getattr(address, "scope_id", None):
        return None
    return address.packed.rjust(16, b"\0") if address.version == 6 else b"\0" * 10 + b"\xff\xff" + address.packed


def wanted_network(text):
    address, _, bits = text.strip(" \t").partition("/")
    packed = address_of(address)
    if packed is None or ("/" in text and not re.fullmatch("[0-9]{1,5}", bits, re.A)):
        return None
    most = 128 if ":" in address else 32
    bits = int(bits) if bits else most
    return bits + 128 - most if bits <= most else None


@pytest.mark.parametrize("kind, folder, wanted", [
    ("digest", "digest", wanted_digest),
    ("name", "name", wanted_name),
    ("tag", "name", wanted_tag),
    ("media", "digest", wanted_media),
    ("content-range", "range", wanted_content_range),
    ("network", None, wanted_network),
])
def test_grammar_is_that_of_the_specification(kind, folder, wanted):
    texts = [text for text in texts_for(kind, folder) if b"," not in text or kind != "network"]
    wrong = [(text, got) for text, got in zip(texts, answers(kind, texts))
             if got != wanted(text.decode("latin-1"))]
    assert not wrong, f"SEED={SEED}: {wrong[:3]}"


def test_addresses_are_those_of_another_reader():
    texts = texts_for("address", None)
    for text, got in zip(texts, answers("address", texts)):
        bare = address_of(text.decode("latin-1"))
        if bare is not None:
            assert got == bare.hex(), f"SEED={SEED}: {text}"
        elif got is not None:
            # A port, or brackets, which the other reader does not know.
            host = re.fullmatch(r"\[([^\]]*)\].*|([^:]*):[^:]*", text.decode("latin-1"), re.S)
            assert host and address_of(host[1] or host[2]).hex() == got, f"SEED={SEED}: {text}"


def test_times_are_those_of_another_reader():
    texts = texts_for("time", "url")
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    for text, got in zip(texts, answers("time", texts)):
        if got is None or not 0 < int(text[:4]) < 9999 or b":60" in text[16:20]:
            continue
        whole = re.sub(r"\.(\d{1,6})\d*", lambda m: "." + m[1].ljust(6, "0"), text.decode().upper())
        there = datetime.datetime.fromisoformat(whole.replace("Z", "+00:00"))
        assert got == (there - epoch) // datetime.timedelta(microseconds=1), f"SEED={SEED}: {text}"


class Refused(Exception):
    pass


def strict_object(pairs):
    seen = set()
    for key, _ in pairs:
        folded = key.casefold()
        if folded in seen:
            raise Refused(f"{key!r} twice")
        seen.add(folded)
    return dict(pairs)


def refuse_constant(word):
    raise Refused(word)


def strict_json(text):
    value = json.loads(text.decode("utf-8"), object_pairs_hook=strict_object, parse_constant=refuse_constant)
    json.dumps(value, ensure_ascii=False).encode("utf-8")  # lone surrogates have no bytes
    return value


def test_accepted_json_is_json_without_repeated_keys():
    texts = texts_for("json", "json")
    n = 0
    for text, got in zip(texts, answers("json", texts)):
        if got:
            strict_json(text)
            n += 1
    assert 0 < n < len(texts)


def descriptor(value):
    assert isinstance(value["size"], int) and not isinstance(value["size"], bool)
    return [value["mediaType"], value["digest"], value["size"]]


def test_accepted_manifests_name_what_another_reader_sees():
    # The first byte of the target's inputs is its choice of a Content-Type.
    rng = random.Random(f"{SEED}/manifest")
    seeds = [text[1:] for text in corpus("manifest")]
    words = words_of(seeds)
    texts = seeds + [mutate(rng, rng.choice(seeds), words) for _ in range(2 * MUTANTS)]
    n = 0
    for text, got in zip(texts, answers("manifest", texts)):
        if got is None:
            continue
        seen = strict_json(text)
        parts = [seen["config"]] if seen.get("config") else []
        parts += (seen.get("layers") or []) + (seen.get("manifests") or [])
        assert got["type"] == seen["mediaType"], f"SEED={SEED}: {text}"
        assert got["parts"] == [descriptor(part) for part in parts], f"SEED={SEED}: {text}"
        subject = seen.get("subject")
        assert got["subject"] == (descriptor(subject) if subject else None), f"SEED={SEED}: {text}"
        n += 1
    assert 0 < n < len(texts)


# -- patterns --------------------------------------------------------------------------------------------

def glob_at(glob, text):
    """Does the glob, a list of parts, fit the whole text? By trying everything, as the sentence about it reads."""
    if not glob:
        return not text
    head, rest = glob[0], glob[1:]
    if head == "**/":
        return any(glob_at(rest, text[at:]) for at in range(len(text) + 1) if at == 0 or text[at - 1] == "/")
    if head in ("*", "**"):
        return any(glob_at(rest, text[at:]) for at in range(len(text) + 1) if head == "**" or "/" not in text[:at])
    if isinstance(head, list):
        return any(glob_at(one + rest, text) for one in head)
    return bool(text) and head(text[0]) and glob_at(rest, text[1:])


def random_glob(rng, depth=0):
    """Text and parts of a glob, made together."""
    text, parts = "", []
    for _ in range(rng.randrange(1, 5)):
        how = rng.randrange(10)
        if how < 4:
            c = rng.choice("ab/.-")
            text, parts = text + c, parts + [lambda x, c=c: x == c]
        elif how == 4:
            text, parts = text + "?", parts + [lambda x: x != "/"]
        elif how == 5:
            if not text.endswith("*"):
                text, parts = text + "*", parts + ["*"]
        elif how == 6:
            if text == "" or text.endswith("/"):
                text, parts = text + "**/", parts + ["**/"]
        elif how == 7:
            text, parts = text + "[!a]", parts + [lambda x: x not in "a/"]
        elif how == 8:
            text, parts = text + "[+-a]", parts + [lambda x: "+" <= x <= "a" and x != "/"]
        elif depth < 3:
            made = [random_glob(rng, depth + 1) for _ in range(rng.randrange(1, 4))]
            # Components begin at the start or after a slash of the text as written, not after a brace.
            if any(one.startswith("**/") for one, _ in made):
                continue
            text += "{" + ",".join(one for one, _ in made) + "}"
            parts = parts + [[two for _, two in made]]
    return text, parts


def random_regex(rng, depth=0):
    pieces = []
    for _ in range(rng.randrange(1, 4)):
        how = rng.randrange(8)
        if how < 3:
            piece = rng.choice(["a", "b", "-", ".", r"\.", r"\d", r"\w", "1"])
        elif how == 3:
            piece = rng.choice(["[ab]", "[^a]", "[a-b1]", r"[\d-]", "[]a]"])
        elif depth < 3:
            piece = rng.choice(["(", "(?:"]) + random_regex(rng, depth + 1) + ")"
        else:
            piece = "b"
        pieces.append(piece + rng.choice(["", "", "", "*", "+", "?", "{0,2}", "{2}"]))
    return "".join(pieces) if rng.randrange(3) else "".join(pieces) + "|" + rng.choice(["", "a", "b1"])


def pattern_answers(syntax, pairs):
    return answers("pattern", [b"\0".join((syntax.encode(), form.encode(), text.encode())) for form, text in pairs])


def test_globs_fit_what_another_reader_fits():
    rng = random.Random(f"{SEED}/glob")
    made = [(random_glob(rng), "".join(rng.choice("ab/.-") for _ in range(rng.randrange(7)))) for _ in range(2 * MUTANTS)]
    made = [((form, parts), text) for (form, parts), text in made if form]
    got = pattern_answers("glob", [(form, text) for (form, _), text in made])
    for ((form, parts), text), fits in zip(made, got):
        assert fits == glob_at(parts, text), f"SEED={SEED}: {form} {text}"
    assert 0 < sum(got) < len(got)


def test_regular_expressions_fit_what_another_reader_fits():
    rng = random.Random(f"{SEED}/regex")
    made = [(random_regex(rng), "".join(rng.choice("ab1-.") for _ in range(rng.randrange(7)))) for _ in range(2 * MUTANTS)]
    got = pattern_answers("regex", made)
    for (form, text), fits in zip(made, got):
        assert fits is not None, f"SEED={SEED}: {form} is refused"
        assert fits == (re.fullmatch(form, text, re.A | re.S) is not None), f"SEED={SEED}: {form} {text}"
    assert 0 < sum(got) < len(got)

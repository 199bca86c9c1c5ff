"""A-11: no answer takes longer for what is nearly right; B-24: nor for what is there and not theirs to see. In `make soak`
only, for it needs many samples.

Two kinds of request are sent in random order over one connection; of each kind the slowest tenth is left out (the machine's
doing), then Welch's t and the difference of the medians are looked at. Where a few samples only fit into the time, the
medians may differ by their own error too.
"""

import base64
import statistics
import time

import pytest

from harness import jwt, volume
from harness.people import PASSWORD, People, unique
from harness.raw import RawConnection, request
from harness.server import ADMIN_PASSWORD

NIGHTLY = 20_000
T_MAX, MEDIAN_MAX_S = 4.5, 50e-6
PAIRS = 6

pytestmark = [volume.limit(120), pytest.mark.skipif(not volume.is_soak(), reason="samples by the thousand: make soak")]


def basic(user, password):
    return ("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())


def users(_target, number):
    """A known and an unknown user, never twice the same password."""
    return [basic(user, f"wrong {number}") for user in ("admin", "nimda")]


def password_bytes(_target, number):
    return [basic("admin", first + ADMIN_PASSWORD[1:] + str(number)) for first in (ADMIN_PASSWORD[0], "~")]


def signature_bytes(target, number):
    """The first byte of the signature right, or wrong; the rest is wrong in both."""
    header, claims, signature = jwt.split(target.genuine)
    rest = number.to_bytes(8, "big") * 8
    return [("Authorization", "Bearer " + jwt.join(header, claims, first + rest[1:]))
            for first in (signature[:1], bytes([signature[0] ^ 0xff]))]


def refresh_bytes(target, number):
    """Bodies in place of headers: the first half of a genuine refresh token, or of none."""
    if not hasattr(target, "refresh"):
        target.refresh = target.admin.fetch_token(offline_token="true", client_id="x")["refresh_token"]
    return [start + f"{number:032x}" for start in (target.refresh[:32], "0" * 32)]


def ask(connection, what):
    """A header for the ping, a path with a header, or a body for the token service; nothing of it is let in."""
    if isinstance(what, tuple):
        path, header = what if isinstance(what[1], tuple) else ("/v2/", what)
        data = request("GET", path, [header])
    else:
        body = b"grant_type=refresh_token&client_id=x&service=x&refresh_token=" + what.encode()
        data = request("POST", "/auth/token", [("Content-Type", "application/x-www-form-urlencoded"),
                                               ("Content-Length", len(body))], body)
    begin = time.perf_counter()
    connection.sock.sendall(data)
    assert connection.answer().status in (401, 404)
    return time.perf_counter() - begin


def welch(one, other):
    spread = statistics.variance(one) / len(one) + statistics.variance(other) / len(other)
    return (statistics.fmean(one) - statistics.fmean(other)) / spread ** 0.5


def median_error(one, other):
    """Four standard errors of the difference of two medians."""
    return 4 * 1.25 * (statistics.variance(one) / len(one) + statistics.variance(other) / len(other)) ** 0.5


def trimmed(samples):
    return sorted(samples)[:len(samples) * 9 // 10]


def manifests(name):
    return f"/v2/{name}/manifests/v1"


def settings(name):
    return f"/api/v0/repositories/{name}"


def measure(server, pairs, share):
    """Two lists of seconds, the requests of each pair in random order."""
    samples, chance = ([], []), volume.chance("A-11", pairs.__name__)
    with RawConnection(server.address()) as connection:
        for number in volume.rounds(0, NIGHTLY, share=share):
            pair = list(enumerate(pairs(number)))
            chance.shuffle(pair)
            for which, what in pair:
                samples[which].append(ask(connection, what))
    return samples


def check(row, kinds, samples):
    one, other = map(trimmed, samples)
    t, difference = welch(one, other), statistics.median(one) - statistics.median(other)
    volume.report(row, kinds=kinds, samples=len(samples[0]), t=t, median_us=difference * 1e6)
    return t, difference, median_error(one, other)


@pytest.mark.parametrize("kinds", [users, password_bytes, signature_bytes, refresh_bytes], ids=lambda kinds: kinds.__name__)
def test_A_11_time_tells_nothing(server, target, kinds):
    def pairs(number):
        return kinds(target, number)

    t, difference, error = check("A-11", kinds.__name__, measure(server, pairs, 1 / PAIRS))
    assert abs(t) < T_MAX and abs(difference) < max(MEDIAN_MAX_S, error)


@pytest.mark.parametrize("path", [manifests, settings], ids=lambda path: path.__name__)
def test_B_24_time_tells_no_repository(server, target, path):
    """One that is private to somebody else, and one that is not there, asked for by a user who is logged in: the answers
    are the same (B-04), and so is the time that they take."""
    bob = People(target.admin).user()
    private, missing = (f"admin/{unique('seen')}" for _ in range(2))
    target.admin.push_image(private, "v1")
    own = basic(bob.user, PASSWORD)

    def pairs(_number):
        return [(path(name), own) for name in (private, missing)]

    t, difference, error = check("B-24", path.__name__, measure(server, pairs, 1 / PAIRS))
    assert abs(t) < T_MAX and abs(difference) < max(MEDIAN_MAX_S, error)

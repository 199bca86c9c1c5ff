"""A-11: no answer takes longer for what is nearly right. In `make soak` only, for it needs many samples.

Two kinds of request are sent in random order over one connection; of each kind the slowest tenth is left out (the machine's
doing), then Welch's t and the difference of the medians are looked at. Where a few samples only fit into the time, the
medians may differ by their own error too.
"""

import base64
import statistics
import time

import pytest

from harness import jwt, volume
from harness.raw import RawConnection, request
from harness.server import ADMIN_PASSWORD

NIGHTLY = 20_000
T_MAX, MEDIAN_MAX_S = 4.5, 50e-6
PAIRS = 4

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
    if isinstance(what, tuple):
        data = request("GET", "/v2/", [what])
    else:
        body = b"grant_type=refresh_token&client_id=x&service=x&refresh_token=" + what.encode()
        data = request("POST", "/auth/token", [("Content-Type", "application/x-www-form-urlencoded"),
                                               ("Content-Length", len(body))], body)
    begin = time.perf_counter()
    connection.sock.sendall(data)
    assert connection.answer().status == 401
    return time.perf_counter() - begin


def welch(one, other):
    spread = statistics.variance(one) / len(one) + statistics.variance(other) / len(other)
    return (statistics.fmean(one) - statistics.fmean(other)) / spread ** 0.5


def median_error(one, other):
    """Four standard errors of the difference of two medians."""
    return 4 * 1.25 * (statistics.variance(one) / len(one) + statistics.variance(other) / len(other)) ** 0.5


def trimmed(samples):
    return sorted(samples)[:len(samples) * 9 // 10]


@pytest.mark.parametrize("kinds", [users, password_bytes, signature_bytes, refresh_bytes], ids=lambda kinds: kinds.__name__)
def test_A_11_time_tells_nothing(server, target, kinds):
    samples, chance = ([], []), volume.chance("A-11", kinds.__name__)
    with RawConnection(server.address()) as connection:
        for number in volume.rounds(0, NIGHTLY, share=1 / PAIRS):
            pair = list(enumerate(kinds(target, number)))
            chance.shuffle(pair)
            for which, what in pair:
                samples[which].append(ask(connection, what))
    one, other = map(trimmed, samples)
    t, difference = welch(one, other), statistics.median(one) - statistics.median(other)
    volume.report("A-11", kinds=kinds.__name__, samples=len(samples[0]), t=t, median_us=difference * 1e6)
    assert abs(t) < T_MAX and abs(difference) < max(MEDIAN_MAX_S, median_error(one, other))

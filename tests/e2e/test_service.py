"""The server as a service: health, metrics, certificates, signals, listeners, proxies, its first start and its next."""

import base64
import datetime
import ipaddress
import os
import signal
import socket
import ssl
import stat
import subprocess
import threading
import time

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from harness import oci
from harness.client import Registry, admin_of, challenge
from harness.raw import RawConnection, exchange, request
from harness.server import ADMIN_PASSWORD, Server, ServerDied, binary, environment


# Health.

def test_ping(anonymous):
    answer = anonymous.get("/_ping")
    assert answer.status_code == 200
    assert answer.json() == {"Error": "", "Healthy": True}


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_says_yes_and_no_more(anonymous, path):
    answer = anonymous.get(path)
    assert answer.status_code == 200
    assert "version" not in answer.text.lower() and len(answer.text) < 100
    assert anonymous.head(path).status_code == 200


def test_metrics_tell_of_the_database_and_its_pool(new_server, engine):
    server = new_server(*(["--database-pool", "3"] if engine == "postgres" else []))
    registry = admin_of(server)
    registry.push_image("admin/app", "v1")
    lines = dict(line.rsplit(" ", 1) for line in registry.get("/metrics").text.splitlines() if line[0] != "#")
    assert int(lines["assay_database_transactions_total"]) >= int(lines["assay_database_commits_total"]) > 0
    assert lines.get("assay_database_pool_size") == ("3" if engine == "postgres" else None)
    if engine == "postgres":
        assert 1 <= int(lines["assay_database_connections"]) <= 3
        assert lines["assay_database_waits_timed_out_total"] == lines["assay_database_connect_failures_total"] == "0"


def test_metrics_are_for_those_who_may(admin, anonymous):
    assert anonymous.get("/metrics").status_code in (401, 403)
    answer = admin.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
    assert lines
    for line in lines:
        name, value = line.rsplit(" ", 1)
        assert name[0].isalpha() and float(value) is not None


def test_the_server_names_no_version(anonymous):
    for path in ("/", "/v2/", "/livez", "/nosuch"):
        answer = anonymous.get(path)
        assert not any(part.isdigit() for part in answer.headers.get("Server", "").split("."))


def test_every_answer_has_a_request_id(admin, server):
    answers = [admin.get("/v2/"), admin.get("/v2/admin/none/tags/list"), admin.get("/livez")]
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert all(ids) and len(set(ids)) == 3
    server.wait_for_log(ids[1])


# TLS.

def test_the_ca_is_served_on_both_listeners(server, anonymous, ca_file):
    certificate = x509.load_pem_x509_certificate(ca_file.read_bytes())
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    answer = Registry(server.url("https"), verify=str(ca_file)).get("/ca")
    assert answer.content == ca_file.read_bytes()
    assert b"PRIVATE" not in answer.content


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_tls_verifies_against_the_ca(server, ca_file, host):
    port = server.address("https")[1]
    registry = Registry(f"https://{host}:{port}", "admin", ADMIN_PASSWORD, verify=str(ca_file))
    assert registry.get("/v2/").status_code == 200


def test_tls_does_not_verify_without_the_ca(server):
    with pytest.raises(requests.exceptions.SSLError):
        Registry(server.url("https")).get("/v2/")


def test_push_and_pull_over_tls(server, ca_file, repo):
    registry = Registry(server.url("https"), "admin", ADMIN_PASSWORD, verify=str(ca_file))
    image = registry.push_image(repo, "v1", layers=2, layer_size=3_000_000)
    assert registry.pull_manifest(repo, "v1").content == image.data
    for descriptor, data in zip(image.document["layers"], image.layers):
        assert registry.pull_blob(repo, descriptor["digest"]).content == data
        part = registry.pull_blob(repo, descriptor["digest"], headers={"Range": "bytes=32760-70000"})
        assert part.status_code == 206 and part.content == data[32760:70001]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_tls_is_refused(server, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises((ssl.SSLError, ConnectionError)):
        RawConnection(server.address("https"), context)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_new_tls_is_spoken(server, ca_file, version):
    context = ssl.create_default_context(cafile=str(ca_file))
    context.minimum_version = context.maximum_version = version
    assert exchange(server.address("https"), request("GET", "/livez"), context=context).status == 200


def test_plain_http_on_the_tls_port_is_survived(server):
    answer = exchange(server.address("https"), request("GET", "/livez"))
    assert answer.status in (0, 400, 426)
    server.check_alive()


def write_certificate(directory, common_name):
    """A self-signed certificate for loopback; returns the paths of certificate and key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    now = datetime.datetime.utcnow()
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
                   .not_valid_after(now + datetime.timedelta(days=2)).add_extension(names, False)
                   .add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, hashes.SHA256()))
    paths = directory / "server.pem", directory / "server.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
    return paths


def served_name(server):
    pem = ssl.get_server_certificate(server.address("https"), timeout=10)
    return x509.load_pem_x509_certificate(pem.encode()).subject.rfc4514_string()


def wait_for(condition, seconds=5):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_sighup_reloads_the_certificate(new_server, tmp):
    """New connections get the new one, old ones go on; a broken file leaves the good one in force."""
    certificate, key = write_certificate(tmp, "first")
    running = new_server("--tls-cert", certificate, "--tls-key", key, https="127.0.0.1:0")
    assert served_name(running) == "CN=first"
    context = ssl.create_default_context(cafile=str(certificate))
    with RawConnection(running.address("https"), context) as open_before:
        write_certificate(tmp, "second")
        assert served_name(running) == "CN=first"
        running.send_signal(signal.SIGHUP)
        wait_for(lambda: served_name(running) == "CN=second")
        open_before.send(request("GET", "/livez"))
        assert open_before.answer().status == 200
    certificate.write_text("no certificate")
    running.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert served_name(running) == "CN=second"


def test_the_ca_survives_a_restart(new_server):
    running = new_server(https="127.0.0.1:0")
    before = Registry(running.url()).get("/ca").content
    running.restart()
    assert Registry(running.url()).get("/ca").content == before


# Stopping.

def test_sigterm_drains(new_server, repo):
    """Not ready any more, requests under way are finished, then exit code 0."""
    running = new_server()
    registry = admin_of(running)
    data = oci.random_blob(400_000)
    target = registry.start_upload(repo) + "?digest=" + oci.digest(data)
    auth = "Basic " + base64.b64encode(f"admin:{ADMIN_PASSWORD}".encode()).decode()
    with RawConnection(running.address()) as slow:
        slow.send(request("PUT", target, [("Authorization", auth), ("Content-Length", len(data))], data[:200_000]))
        time.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert running.is_running(), "the request under way was dropped"
        try:
            assert exchange(running.address(), request("GET", "/readyz")).status in (0, 503)
        except ConnectionError:
            pass
        slow.send(data[200_000:])
        assert slow.answer("PUT").status == 201
    assert running.wait(20) == 0
    running.start()
    assert admin_of(running).pull_blob(repo, oci.digest(data)).content == data


def test_a_second_sigterm_ends_at_once(new_server):
    running = new_server()
    with RawConnection(running.address()) as slow:
        slow.send(request("POST", "/auth/token", [("Content-Length", 1000)], b"a"))
        time.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert running.is_running()
        start = time.monotonic()
        running.send_signal(signal.SIGTERM)
        running.wait(5)
        assert time.monotonic() - start < 3


def test_an_idle_server_stops_quickly(new_server):
    running = new_server()
    with RawConnection(running.address()) as idle:
        idle.send(request("GET", "/livez"))
        assert idle.answer().status == 200
        start = time.monotonic()
        running.stop()
        assert time.monotonic() - start < 3


def test_sigint_stops_too(new_server):
    new_server().stop(signal.SIGINT)


# Listeners.

def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="skipped: this machine has no IPv6 loopback")
def test_ipv6(new_server, repo):
    running = new_server(http="[::1]:0", https="[::1]:0")
    registry = admin_of(running)
    assert registry.url.startswith("http://[::1]:")
    image = registry.push_image(repo, "v1")
    assert registry.pull_manifest(repo, "v1").content == image.data
    assert challenge(Registry(running.url()).get("/v2/"))["realm"] == running.url() + "/auth/token"


def test_several_listeners(new_server):
    running = new_server(http=["127.0.0.1:0", "127.0.0.2:0"])
    assert {host for host, _ in running.addresses()} == {"127.0.0.1", "127.0.0.2"}
    for address in running.addresses():
        assert exchange(address, request("GET", "/livez")).status == 200


def test_http_off(new_server):
    running = new_server(http="off", https="127.0.0.1:0")
    assert not [x for x in running.ready.get("http", []) if ":" in x]
    assert served_name(running)


def start_refused(tmp, *arguments, http="127.0.0.1:0", name="data", **options):
    """The server does not start; returns its log and exit code."""
    refused = Server(tmp / name, *arguments, http=http, **options)
    done = subprocess.run([str(binary()), "serve", *refused.arguments], env=environment(refused.env), timeout=30,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode in (1, 2), (done.returncode, done.stdout, done.stderr)
    assert "ready " not in done.stdout
    assert done.stderr.strip(), "it must say why"
    return done


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_http_beyond_loopback_is_refused(tmp, address):
    """Passwords would travel in the clear."""
    done = start_refused(tmp, http=address)
    assert "insecure-http" in done.stderr


def test_http_beyond_loopback_when_told(new_server):
    running = new_server("--insecure-http", http="0.0.0.0:0")
    assert exchange(("127.0.0.1", running.address()[1]), request("GET", "/livez")).status == 200


def test_a_port_in_use_is_said(new_server, tmp):
    running = new_server()
    done = start_refused(tmp, http=running.netloc(), name="other")
    assert str(running.address()[1]) in done.stderr


# Behind proxies.

def test_trusted_proxies_are_believed(new_server, repo):
    running = new_server("--trusted-proxies", "127.0.0.1/32,10.0.0.0/8")
    answer = Registry(running.url()).get(f"/v2/{repo}/tags/list", headers={
        "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"})
    assert challenge(answer)["realm"].startswith("https://")
    wait_for(lambda: "203.0.113.9" in running.log())


def test_other_peers_are_not_believed(new_server, repo):
    running = new_server("--trusted-proxies", "10.0.0.0/8")
    answer = Registry(running.url()).get(f"/v2/{repo}/tags/list", headers={
        "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"})
    assert challenge(answer)["realm"].startswith("http://")
    time.sleep(0.3)
    assert "203.0.113.9" not in running.log()


def test_only_the_last_untrusted_hop_counts(new_server, repo):
    """What a client writes before the proxy's own entry is its own invention."""
    running = new_server("--trusted-proxies", "127.0.0.1/32")
    Registry(running.url()).get(f"/v2/{repo}/tags/list",
                                headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
    wait_for(lambda: "203.0.113.9" in running.log())
    assert "198.51.100.1" not in running.log()


@pytest.mark.parametrize("value", ["nonsense", "1.2.3.4, ,", "x" * 5000, ",", "999.1.1.1", "[::1]:80", "\"quoted\""])
def test_odd_forwarded_headers_do_no_harm(new_server, value):
    running = new_server("--trusted-proxies", "127.0.0.0/8")
    answer = Registry(running.url()).get("/v2/", headers={"X-Forwarded-For": value, "X-Forwarded-Proto": value})
    assert answer.status_code in (400, 401)


def test_external_url(new_server):
    running = new_server("--external-url", "https://registry.example:8443")
    parameters = challenge(Registry(running.url()).get("/v2/"))
    assert parameters["realm"] == "https://registry.example:8443/auth/token"
    assert parameters["service"] in ("registry.example:8443", "registry.example")


def test_several_external_urls_are_chosen_by_host(new_server):
    """Each is its own token realm; a host that is none of them gets the first."""
    running = new_server("--external-url", "https://one.example,https://two.example:8443")
    for host, realm in (("one.example", "https://one.example"), ("two.example:8443", "https://two.example:8443"),
                        ("evil.example", "https://one.example")):
        answer = Registry(running.url()).get("/v2/", headers={"Host": host})
        assert challenge(answer)["realm"] == realm + "/auth/token"


# The first start, and the next ones.

def test_the_first_password_is_made_printed_once_and_kept(new_server):
    running = new_server(password=None)
    password = running.generated_password()
    assert len(password) >= 16
    assert password in running.output + running.log()
    assert Registry(running.url(), "admin", password).get("/v2/").status_code == 200
    running.stop()
    before = len(running.log())
    running.start()
    assert password not in running.output + running.log()[before:]
    assert Registry(running.url(), "admin", password).get("/v2/").status_code == 200


def test_the_password_of_the_environment_counts_at_first_start_only(new_server):
    running = new_server()
    running.stop()
    running.env["ASSAY_ADMIN_PASSWORD"] = "another password 123"
    running.start()
    assert Registry(running.url(), "admin", "another password 123").get("/v2/").status_code == 401
    assert Registry(running.url(), "admin", ADMIN_PASSWORD).get("/v2/").status_code == 200


def test_what_was_pushed_survives_a_restart(new_server, repo):
    running = new_server()
    image = admin_of(running).push_image(repo, "v1", layers=3)
    running.restart()
    registry = admin_of(running)
    assert registry.pull_manifest(repo, "v1").content == image.data
    assert registry.tags(repo) == ["v1"]
    for descriptor, data in zip(image.document["layers"], image.layers):
        assert registry.pull_blob(repo, descriptor["digest"]).content == data


def test_files_are_for_the_owner_only(new_server, repo):
    running = new_server(https="127.0.0.1:0")
    admin_of(running).push_image(repo, "v1")
    for path in [running.data, *running.data.rglob("*")]:
        mode = path.lstat().st_mode
        assert not stat.S_IMODE(mode) & 0o077, f"{path} has mode {oct(mode)}"


def test_a_data_directory_has_one_server(new_server, tmp):
    running = new_server()
    start_refused(tmp)
    running.check_alive()
    assert Registry(running.url()).get("/livez").status_code == 200


def test_an_unmounted_blob_store_is_not_an_empty_registry(new_server, tmp, repo):
    """The marker file is missing: refuse to start rather than lose everything quietly."""
    running = new_server()
    admin_of(running).push_image(repo, "v1")
    running.stop()
    blobs = running.data / "blobs"
    blobs.rename(running.data / "moved")
    start_refused(tmp, *running.database)
    blobs.mkdir(mode=0o700, exist_ok=True)
    start_refused(tmp, *running.database)
    if blobs.exists():
        blobs.rmdir()
    (running.data / "moved").rename(blobs)
    running.start()
    assert admin_of(running).tags(repo) == ["v1"]


def test_a_blob_store_behind_a_symlink_swap_is_not_followed(new_server, tmp, repo):
    running = new_server()
    admin_of(running).push_image(repo, "v1", layer_size=4321)
    running.stop()
    shard = next(path for path in (running.data / "blobs").rglob("*") if path.stat().st_size == 4321)
    (tmp / "outside").write_text("secret of another")
    shard.unlink()
    shard.symlink_to(tmp / "outside")
    running.start()
    answer = admin_of(running)
    assert "secret of another" not in str([answer.pull_blob(repo, d["digest"]).text for d in
                                           answer.pull_manifest(repo, "v1").json()["layers"]])


def test_without_its_key_the_server_does_not_start(new_server, tmp):
    running = new_server()
    running.stop()
    key = running.data / "key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    kept = key.read_bytes()
    key.unlink()
    assert "key" in start_refused(tmp, *running.database).stderr
    assert not key.exists(), "a new key must not be made over old secrets"
    key.write_bytes(os.urandom(len(kept)))
    key.chmod(0o600)
    start_refused(tmp, *running.database)
    key.write_bytes(kept)
    running.start()


def test_secrets_are_not_on_disk_in_the_clear(new_server):
    running = new_server(https="127.0.0.1:0")
    admin_of(running).fetch_token(offline_token="true", service="x")
    for path in running.data.rglob("*"):
        if path.is_file() and path.name != "server.key":  # a listener's own key lies where an operator's would
            content = path.read_bytes()
            assert ADMIN_PASSWORD.encode() not in content, path
            assert b"PRIVATE KEY" not in content, path


def test_admin_commands_work_beside_the_server_and_without_it(new_server, repo):
    running = new_server()
    admin_of(running).push_image(repo, "v1")
    assert stat.S_ISSOCK((running.data / "admin.sock").stat().st_mode)
    running.admin("repo-visibility", repo, "public")
    nobody = Registry(running.url())
    assert nobody.with_token(f"repository:{repo}:pull").tags(repo) == ["v1"]
    running.stop()
    running.admin("repo-visibility", repo, "private")
    running.start()
    nobody = Registry(running.url())
    assert nobody.with_token(f"repository:{repo}:pull").get(f"/v2/{repo}/tags/list").status_code == 401


def test_a_crash_is_noticed_by_this_harness(new_server):
    """A test of the tests: a server that dies by itself must fail the run."""
    running = new_server()
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait()
    with pytest.raises(ServerDied):
        running.check_alive()
    Server.running.remove(running)
    running.process = None


def test_pushes_go_on_while_the_server_is_asked_for_everything(server, admin, repo):
    """A little of everything at once: no 5xx, no mix-up."""
    failures = []

    def work(i):
        registry = Registry(server.url(), "admin", ADMIN_PASSWORD)
        try:
            for n in range(5):
                image = registry.push_image(f"{repo}-{i}", f"v{n}", layers=2, layer_size=50_000)
                assert registry.pull_manifest(f"{repo}-{i}", f"v{n}").content == image.data
                registry.tags(f"{repo}-{i}")
                registry.push_artifact(f"{repo}-{i}", "application/x", image)
                assert len(registry.referrers(f"{repo}-{i}", image.digest)) == 1
                registry.get("/v2/_catalog")
        except Exception as failure:  # collected, and shown in the test's own thread
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]

"""`assay` as a client: log-ins and where they are kept, what is said when something is wrong, tables and completion."""

import base64
import contextlib
import http.server
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import threading

import pytest

from harness.cli import Cli
from harness.client import Registry
from harness.people import unique
from harness.server import ADMIN_PASSWORD, binary
from harness.tools import docker_trust

PASSWORD = "Nine long words are better than eight"


@pytest.fixture
def name():
    """Of something that no other test has."""
    return unique("cli")


@pytest.fixture
def cli(tmp):
    """Somebody who has never logged in."""
    return Cli(tmp / "home")


@pytest.fixture
def admin(cli, server):
    cli.login(server.url(), "admin", ADMIN_PASSWORD)
    return cli


# Logging in.

def test_a_log_in_is_kept_for_docker_and_means_the_server(cli, server):
    said = cli.login(server.url(), "admin", ADMIN_PASSWORD)
    host = server.netloc()
    assert said == f"logged in to {host} as admin\n"
    entry = cli.docker_config()["auths"][host]
    assert base64.b64decode(entry["auth"]) == b"admin:" and entry["identitytoken"]
    assert stat.S_IMODE((cli.config / "config.json").stat().st_mode) == 0o600
    assert ADMIN_PASSWORD not in (cli.config / "config.json").read_text()

    who = cli.json("whoami")
    assert who["User"] == "admin" and who["IsAdmin"] is True
    assert server.url() in cli("whoami") and "admin" in cli("whoami")
    assert "admin" in cli.table("user", "list")

    identity = {"grant_type": "refresh_token", "service": host, "client_id": "x", "refresh_token": entry["identitytoken"]}
    assert Registry(server.url()).post("/auth/token", data=identity).status_code == 200
    assert cli("logout") == f"logged out of {host}\n"
    assert Registry(server.url()).post("/auth/token", data=identity).status_code == 401
    assert cli.docker_config()["auths"] == {}
    assert "assay login" in cli.fails("whoami")
    assert f"assay login {host}" in cli.fails("whoami", "--server", server.url())


def test_https_with_a_ca_of_its_own(cli, server, ca_file):
    host = server.netloc("https")
    said = cli.fails("login", server.url("https"), "-u", "admin", "--password-stdin", stdin=ADMIN_PASSWORD)
    assert "not trusted" in said and "--cacert" in said and "/ca" in said
    assert not (cli.config / "config.json").exists()

    # The log-in remembers by which CA; a bare address on this machine is tried both ways.
    shutil.copy(ca_file, cli.directory / "ca.pem")
    cli.login(host, "admin", ADMIN_PASSWORD, "--cacert", "ca.pem")
    assert cli("whoami").startswith(f"SERVER   https://{host}\n")
    with docker_trust_if_root(host, ca_file):
        assert cli.json("whoami", "--server", host)["User"] == "admin"
    other_ca = cli.directory / "other.pem"
    other_ca.write_text(unrelated_certificate())
    assert "not trusted" in cli.fails("whoami", "--cacert", other_ca)
    assert "nowhere.pem" in cli.fails("whoami", "--cacert", "/nowhere.pem")


@contextlib.contextmanager
def docker_trust_if_root(host, ca_file):
    """Docker's own place for the CA of one registry is the machine's."""
    if os.geteuid() != 0:
        yield
        return
    with docker_trust(host, ca_file):
        yield


def unrelated_certificate():
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                           "-nodes", "-keyout", "/dev/null", "-subj", "/CN=somebody else", "-days", "30"],
                          capture_output=True, text=True, check=True)
    return made.stdout


def test_docker_s_folder_of_cas_is_looked_into(cli, server, ca_file):
    if os.geteuid() != 0:
        pytest.skip("/etc/docker/certs.d is root's")
    with docker_trust(server.netloc("https"), ca_file):
        cli.login(server.url("https"), "admin", ADMIN_PASSWORD)


@pytest.mark.parametrize("user, password", [("admin", "wrong"), ("nobody", ADMIN_PASSWORD)])
def test_a_wrong_password_changes_nothing(admin, server, user, password):
    before = (admin.config / "config.json").read_bytes()
    said = admin.fails("login", server.url(), "-u", user, "--password-stdin", stdin=password)
    assert server.netloc() in said and password not in said
    assert (admin.config / "config.json").read_bytes() == before


def test_the_password_is_no_option(cli, server):
    assert "--help" in cli.fails("login", server.url(), "-u", "admin", "-p", ADMIN_PASSWORD, code=2)
    assert "--help" in cli.fails("login", server.url(), "-u", "admin", f"--password={ADMIN_PASSWORD}", code=2)


def test_a_log_in_that_ended_says_so(admin, server):
    config = admin.docker_config()
    config["auths"][server.netloc()]["identitytoken"] = "0" * 64
    (admin.config / "config.json").write_text(json.dumps(config))
    assert f"assay login {server.netloc()}" in admin.fails("user", "list")

    config["auths"][server.netloc()] = {"auth": base64.b64encode(b"admin:wrong").decode()}
    (admin.config / "config.json").write_text(json.dumps(config))
    said = admin.fails("user", "list")
    assert f"assay login {server.netloc()}" in said and "for admin" in said


def test_what_docker_login_leaves_is_enough(cli, server):
    """Before identity tokens, and with servers that have none, that is the password."""
    cli.config.mkdir()
    auth = base64.b64encode(f"admin:{ADMIN_PASSWORD}".encode()).decode()
    (cli.config / "config.json").write_text(json.dumps({"auths": {server.netloc(): {"auth": auth}}}))
    assert cli.json("whoami", "--server", server.url())["User"] == "admin"
    cli.env["ASSAY_SERVER"] = server.url()
    assert "admin" in cli.table("user", "list")


# The terminal.

def test_a_password_is_asked_for_and_not_shown(cli, server):
    code, seen = cli.on_terminal("login", server.url(),
                                 answers=[("User name: ", "admin"), ("Password: ", ADMIN_PASSWORD)])
    assert code == 0 and "logged in to" in seen
    assert ADMIN_PASSWORD not in seen and "admin\n" in seen


def test_without_a_terminal_it_says_what_to_do(cli, server):
    done = subprocess.run([str(binary()), "login", server.url(), "-u", "admin"], env=cli.env, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, start_new_session=True)
    assert done.returncode == 1 and "--password-stdin" in done.stderr


def test_a_table_fits_the_terminal_and_is_whole_elsewhere(admin, name):
    full_name = "A name that is longer than the screen is wide, by far"
    admin("user", "create", name, "--full-name", full_name, "--password-stdin", stdin=PASSWORD)
    code, seen = admin.on_terminal("user", "list", columns=44)
    assert code == 0 and "…" in seen and full_name not in seen
    assert max(map(len, seen.splitlines())) <= 44
    assert full_name in admin("user", "list")
    admin("user", "delete", name)


# Wrong servers.

class Wrong(http.server.BaseHTTPRequestHandler):
    """A web server that is no registry."""

    def answer(self):
        status, headers, body = self.server.answer
        self.server.heard.append(self.headers)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(status)
        for field, value in headers.items():
            self.send_header(field, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def wrong():
    """(its address, itself); `answer` is what it says to everything."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Wrong) as served:
        served.answer, served.heard = (404, {}, b"<h1>not here</h1>"), []
        threading.Thread(target=served.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{served.server_address[1]}", served
        served.shutdown()


@pytest.mark.parametrize("status, headers, body, says", [
    (404, {}, b"<h1>not here</h1>", "is it an Assay registry?"),
    (200, {}, b"<h1>welcome</h1>", "registry"),
    (200, {}, b'{"hello":"world"}', "registry"),
    (302, {"Location": "https://elsewhere.example/"}, b"", "registry"),
    (503, {}, b"\x1b[31m", "503"),
])
def test_a_server_that_is_no_registry(cli, wrong, status, headers, body, says):
    url, served = wrong
    served.answer = (status, headers, body)
    said = cli.fails("login", url, "-u", "admin", "--password-stdin", stdin=PASSWORD)
    assert says in said and "\x1b" not in said
    assert not (cli.config / "config.json").exists()


def test_credentials_do_not_follow_a_redirect(admin, server, wrong):
    """A registry that sends its clients elsewhere does not give their passwords away."""
    url, served = wrong
    served.answer = (200, {"Content-Type": "application/json"}, b'{"User":"thief"}')
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Wrong) as first:
        first.answer, first.heard = (302, {"Location": f"{url}/basic_info"}, b""), []
        threading.Thread(target=first.serve_forever, args=(0.02,), daemon=True).start()
        host = f"127.0.0.1:{first.server_address[1]}"
        auth = base64.b64encode(b"admin:secret").decode()
        (admin.config / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
        admin.run("whoami", "--server", f"http://{host}")
        first.shutdown()
    assert first.heard[0]["Authorization"] == f"Basic {auth}"
    assert served.heard and served.heard[0]["Authorization"] is None


def test_what_a_server_says_cannot_paint_the_screen(cli, wrong):
    url, served = wrong
    accounts = [{"name": "a\x1b]0;title\x07", "fullName": "\x1b[31mred \u202egpj.exe\nline"}]
    served.answer = (200, {}, json.dumps({"accounts": accounts}).encode())
    shown = cli("user", "list", "--server", url)
    assert len(shown.splitlines()) == 2 and "red" in shown
    assert not set("\x1b\x07\u202e") & set(shown)
    served.answer = (403, {}, json.dumps({"errors": [{"code": "X", "message": "\x1b[2J no\n"}]}).encode())
    assert "\x1b" not in cli.fails("user", "list", "--server", url)


def test_nobody_there(cli):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = cli.fails("login", f"http://{address}", "-u", "admin", "--password-stdin", stdin=PASSWORD)
    assert address in said


def test_plain_http_to_another_machine_is_refused(cli):
    said = cli.fails("login", "http://192.0.2.1", "-u", "admin", "--password-stdin", stdin=PASSWORD)
    assert "--insecure-http" in said and "192.0.2.1" in said


@pytest.mark.parametrize("server", ["registry.example.com/alice", "ftp://x", "alice@host", ""])
def test_what_is_no_server_is_wrong_usage(cli, server):
    cli.fails("login", server, "-u", "admin", "--password-stdin", code=2)


# Credential helpers.

def helper(cli, script, **config):
    """Installs docker-credential-own and makes Docker's configuration name it."""
    programs = cli.directory / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "docker-credential-own").write_text(f"#!/bin/sh\n{script}\n")
    (programs / "docker-credential-own").chmod(0o755)
    cli.env["PATH"] = f"{programs}:{cli.env['PATH']}"
    cli.config.mkdir(exist_ok=True)
    (cli.config / "config.json").write_text(json.dumps({"credsStore": "own", "other": [1.50, "kept"]} | config))


KEEPING = """cd "$(dirname "$0")"
case $1 in
store) cat > kept ;;
get) if [ -f kept ]; then cat kept; else echo "credentials not found in native keychain"; exit 1; fi ;;
erase) rm -f kept ;;
esac"""


def test_a_helper_keeps_the_secret(cli, server):
    helper(cli, KEEPING)
    cli.login(server.url(), "admin", ADMIN_PASSWORD)
    kept = json.loads((cli.directory / "bin" / "kept").read_text())
    assert kept["ServerURL"] == server.netloc() and kept["Secret"]
    config = cli.docker_config()
    assert config["auths"] == {server.netloc(): {}} and config["other"] == [1.50, "kept"]
    assert cli.json("whoami")["User"] == "admin"
    cli("logout")
    assert not (cli.directory / "bin" / "kept").exists()
    assert "not logged in" in cli.fails("whoami", "--server", server.url())


@pytest.mark.parametrize("script, says", [
    ("echo 'the keychain is locked'; exit 1", "the keychain is locked"),
    ("echo not json", "docker-credential-own"),
    ("exec sleep 300", "did not answer"),
])
def test_a_helper_that_fails_or_hangs_is_named(cli, server, script, says):
    helper(cli, script)
    cli.env["ASSAY_HELPER_TIMEOUT"] = "500ms"
    said = cli.fails("whoami", "--server", server.url())
    assert says in said and "docker-credential-own" in said


def test_a_helper_that_is_not_there_is_named(cli, server):
    helper(cli, "", credsStore="absent")
    assert "docker-credential-absent" in cli.fails("whoami", "--server", server.url())


# Everything else.

def test_a_raw_call(admin, server):
    assert json.loads(admin("api", "/enzi/v0/accounts?limit=1"))["accounts"]
    shown = admin("api", "-i", "/enzi/v0/accounts/admin")
    assert shown.startswith("HTTP 200\n") and '"name":"admin"' in shown
    done = admin.run("api", "/enzi/v0/accounts/nobody-of-that-name")
    assert done.returncode == 1 and json.loads(done.stdout)["errors"][0]["code"] in done.stderr
    body = admin.directory / "body.json"
    body.write_text('{"name":"","isOrg":true}')
    assert "400" not in admin.fails("api", "/enzi/v0/accounts", "--data", f"@{body}")
    assert json.loads(admin("api", "--anonymous", "/basic_info"))["User"] == ""
    admin.fails("api", "http://elsewhere/", code=2)


def test_who_stops_reading_ends_it_without_a_word(admin):
    process = subprocess.Popen([str(binary()), "api", "/api/openapi.json"], env=admin.env, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == -signal.SIGPIPE


def test_help_and_wrong_words(cli):
    overview = cli("help")
    for group in "login logout whoami user org team repo grant role token service audit api completion".split():
        assert f"    {group} " in overview
        assert "assay " + group in cli(group, "--help")
    assert "Examples:" in cli("user", "create", "--help") == cli("help", "user", "create")
    assert "create" in cli.fails("user", code=2)
    assert "create" in cli.fails("user", "make", code=2)
    assert "user show --help" in cli.fails("user", "show", code=2)
    assert "--nonsense" in cli.fails("user", "list", "--nonsense", code=2)
    assert "assay login" in cli.fails("user", "list")
    assert "127.0.0.1:1" in cli.fails("--server", "http://127.0.0.1:1", "user", "-o", "json", "list")
    assert "no command" in cli.run("--server", "x", "nonsense").stderr


def test_json_is_what_the_server_said_and_lists_are_whole(admin, name):
    names = [f"{name}n{i:03}" for i in range(12)]
    for one in names:
        admin("org", "create", one)
    assert set(names) <= set(admin.table("org", "list"))
    assert set(names) <= {one["name"] for one in admin.json("org", "list")["accounts"]}
    assert len(admin.table("org", "list", "--limit", "5")) == 5
    assert len(admin.json("org", "list", "--limit", "5")["accounts"]) == 5
    for one in names:
        admin("org", "delete", one)


def test_two_log_ins_at_once_lose_nothing(cli, server, tmp):
    """Each edits the same file; what the other wrote stays."""
    hosts = [server.netloc(), server.netloc().replace("127.0.0.1", "localhost")]
    running = [threading.Thread(target=cli.login, args=(f"http://{host}", "admin", ADMIN_PASSWORD)) for host in hosts]
    for one in running:
        one.start()
    for one in running:
        one.join()
    assert set(cli.docker_config()["auths"]) == set(hosts)


# Completion, in the shells themselves.

def completions(shell, line):
    """What the shell offers after these words."""
    script = subprocess.run([str(binary()), "completion", shell], capture_output=True, text=True, check=True).stdout
    if shell == "bash":
        words = " ".join(f"'{word}'" for word in line.split(" "))
        program = (f'{script}\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _assay; '
                   'printf "%s\\n" "${COMPREPLY[@]}"')
        command = ["bash", "--norc", "-c", program]
    elif shell == "fish":
        command = ["fish", "--no-config", "-c", f"{script}\ncomplete -C '{line}' | string replace -r '\\t.*' ''"]
    else:
        words = " ".join(f"'{word}'" for word in line.split(" "))
        shown = ("compdef() { }\n_describe() { print -rl -- \"${(@P)2%%:*}\" }\ncompadd() { shift; print -rl -- $* }\n"
                 "_files() { print FILES }\n")
        command = ["zsh", "-f", "-c", f"{shown}{script}\nwords=({words}); CURRENT=${{#words}}; _assay"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert not done.stderr, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_what_the_tables_say(shell, tmp):
    if not shutil.which(shell) and not os.environ.get("CI"):
        pytest.skip(f"not installed: {shell} (see tests/packages.txt)")
    assert {"list", "create", "delete"} <= completions(shell, "assay user ")
    assert {"--full-name", "--password-stdin", "-o", "--server"} <= completions(shell, "assay user create -")
    assert {"table", "json"} == completions(shell, "assay user list -o ")
    assert {"serve", "login", "user", "completion"} <= completions(shell, "assay ")
    assert {"bash", "zsh", "fish"} <= completions(shell, "assay completion ")
    assert "--tls-cert" in completions(shell, "assay serve -")

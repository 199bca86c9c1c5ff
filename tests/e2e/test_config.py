"""Settings: flag over variable over file over default, one typed parser for all, and nothing unknown is let pass."""

import pytest

from harness.client import Registry, challenge
from harness.server import run_assay


def config_line(tmp, name, *arguments, env=None):
    """The line of `assay config` that tells about a setting."""
    done = run_assay("config", "--data", tmp / "data", *arguments, env=env)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.split() and line.split()[0].strip(":=") == name]
    assert len(lines) == 1, f"one line about {name}, not {lines} in:\n{done.stdout}"
    return lines[0]


@pytest.fixture
def config_file(tmp):
    def write(text):
        path = tmp / "assay.yaml"
        path.write_text(text)
        return path
    return write


def test_every_setting_is_printed_with_its_origin(tmp):
    done = run_assay("config", "--data", tmp / "data")
    assert done.returncode == 0
    for name in ("data", "http", "https", "tls-cert", "tls-key", "database", "storage", "external-url",
                 "trusted-proxies", "gc-delay", "pin-ttl", "doom-delay", "undelete-window", "gc-interval"):
        assert config_line(tmp, name), name
    assert "default" in config_line(tmp, "http") and "127.0.0.1:5000" in config_line(tmp, "http")


def test_where_a_value_came_from(tmp, config_file):
    path = config_file("http: 127.0.0.1:7001\n")
    variable = {"ASSAY_HTTP": "127.0.0.1:7002"}
    from_file = config_line(tmp, "http", "--config", path)
    from_variable = config_line(tmp, "http", "--config", path, env=variable)
    from_flag = config_line(tmp, "http", "--config", path, "--http", "127.0.0.1:7003", env=variable)
    assert "127.0.0.1:7001" in from_file and ("file" in from_file or str(path) in from_file)
    assert "127.0.0.1:7002" in from_variable and ("variable" in from_variable or "ASSAY_HTTP" in from_variable
                                                  or "environment" in from_variable)
    assert "127.0.0.1:7003" in from_flag and "flag" in from_flag


def test_home_of_each_setting(tmp):
    assert "node" in config_line(tmp, "http")
    assert "registry" in config_line(tmp, "gc-delay")


def test_lists_by_comma_or_sequence(tmp, config_file):
    by_comma = config_line(tmp, "trusted-proxies", "--config", config_file("trusted-proxies: 10.0.0.0/8,fd00::/8\n"))
    by_sequence = config_line(tmp, "trusted-proxies", "--config",
                              config_file("trusted-proxies:\n  - 10.0.0.0/8\n  - fd00::/8\n"))
    assert by_comma == by_sequence and "10.0.0.0/8" in by_comma and "fd00::/8" in by_comma


def test_no_secret_is_printed(tmp):
    done = run_assay("config", "--data", tmp / "data", "--database", "postgres://u:hunter2secret@127.0.0.1/x",
                     env={"ASSAY_ADMIN_PASSWORD": "canary-password"})
    assert "hunter2secret" not in done.stdout + done.stderr
    assert "canary-password" not in done.stdout + done.stderr


@pytest.mark.parametrize("text, said", [
    ("no-such-key: 1\n", "no-such-key"),
    ("HTTP: 127.0.0.1:1\n", "HTTP"),
    ("http: 127.0.0.1:1\nhttp: 127.0.0.1:2\n", "http"),
    ("http: nonsense\n", "http"),
    ("http: 127.0.0.1:99999\n", "http"),
    ("gc-delay: 5x\n", "gc-delay"),
    ("gc-delay: -1s\n", "gc-delay"),
    ("gc-delay: 99999999999999999999s\n", "gc-delay"),
    ("trusted-proxies: 300.0.0.0/8\n", "trusted-proxies"),
    ("trusted-proxies: 10.0.0.0/33\n", "trusted-proxies"),
    ("external-url: ftp://x\n", "external-url"),
    ("external-url: https://user@x\n", "external-url"),
    ("http: &a 127.0.0.1:1\nhttps: *a\n", ""),
    ("http: !!str 127.0.0.1:1\n", ""),
    ("http: 127.0.0.1:1\n---\nhttp: 127.0.0.1:2\n", ""),
    ("http: {a: b}\n", "http"),
    ("- a\n- b\n", ""),
    ("just text\n", ""),
    ("http: [unclosed\n", ""),
    ("http:\n  nested: 1\n", "http"),
    ("\x00", ""),
    ("a" * 200_000, ""),
])
@pytest.mark.parametrize("command", ["config", "serve"])
def test_a_bad_file_is_exit_code_2_and_says_where(tmp, config_file, command, text, said):
    path = config_file(text)
    done = run_assay(command, "--data", tmp / "data", "--config", path)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert said in done.stderr and done.stderr.strip()
    assert not (tmp / "data").exists(), "nothing may be made with a wrong configuration"


@pytest.mark.parametrize("arguments", [
    ["--no-such-flag"], ["--no-such-flag=1"], ["--http"], ["--http", "nonsense"], ["--http", "127.0.0.1"],
    ["stray-word"], ["--trusted-proxies", "x"], ["--config", "/nonexistent/assay.yaml"],
    ["--https", "127.0.0.1:0", "--tls-cert", "/nonexistent.pem", "--tls-key", "/nonexistent.key"],
    ["--storage", "gopher:x"], ["--database", "oracle:x"],
])
def test_wrong_usage_of_serve_is_refused(tmp, arguments):
    done = run_assay("serve", "--data", tmp / "data", *arguments, timeout=10)
    assert done.returncode in (1, 2) and done.stderr.strip()
    if arguments[0].startswith("--no-such") or arguments == ["--http"] or arguments == ["stray-word"]:
        assert done.returncode == 2


def test_an_unknown_variable_of_ours_is_refused_or_named(tmp):
    done = run_assay("config", "--data", tmp / "data", env={"ASSAY_NO_SUCH_SETTING": "1"})
    assert done.returncode == 2 or "ASSAY_NO_SUCH_SETTING" in done.stderr


@pytest.mark.parametrize("arguments", [["nosuchcommand"], ["admin"], ["admin", "nosuch"],
                                       ["admin", "repo-visibility"], ["admin", "repo-visibility", "a/b", "purple"]])
def test_wrong_commands_are_exit_code_2(tmp, arguments):
    done = run_assay(*arguments, *(["--data", str(tmp / "data")] if arguments[:1] == ["admin"] else []))
    assert done.returncode == 2 and done.stderr.strip()


def test_help_and_version():
    for flag in ("--help", "--version"):
        done = run_assay(flag)
        assert done.returncode == 0 and done.stdout.strip()


@pytest.mark.parametrize("command", ["serve", "admin", "doctor", "fsck", "gc", "config", "migrate", "routes", "completion"])
def test_each_command_explains_itself(command):
    done = run_assay(command, "--help")
    assert done.returncode == 0 and done.stdout.startswith(f"assay {command}") and done.stdout.count("\n") > 3


def test_a_setting_by_variable_reaches_the_server(new_server):
    running = new_server(env={"ASSAY_EXTERNAL_URL": "https://by-variable.example"})
    realm = challenge(Registry(running.url()).get("/v2/"))["realm"]
    assert realm == "https://by-variable.example/auth/token"

"""Reverse proxies in front of a server, as people put them there: nginx and haproxy with what they do to paths by default,
each on a free port of the loopback interface until its block ends."""

import contextlib
import os
import socket

from .tools import daemon


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
        return True
    return False


@contextlib.contextmanager
def behind(folder, name, command, write_config, tries=3):
    """Whoever was given the port between our look and the daemon's makes it fail: then it gets another."""
    folder.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        while True:
            port = free_port()
            write_config(port)
            try:
                stack.enter_context(daemon(command, folder / f"{name}.log", lambda: answers(port)))
                break
            except AssertionError:
                tries -= 1
                if tries == 0:
                    raise
        yield f"http://127.0.0.1:{port}"


def nginx(folder, upstream, uri=""):
    """uri "": paths are passed as they came; "/": nginx decodes and normalizes them first, as with `proxy_pass http://x/;`."""
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};"
                         for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""

    def write_config(port):
        (folder / "nginx.conf").write_text(f"""
            {user} daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
            events {{ worker_connections 64; }}
            http {{
                access_log off; {temporary} client_max_body_size 0;
                server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {upstream}{uri}; }} }}
            }}""")

    return behind(folder, "nginx", ["/usr/sbin/nginx", "-c", folder / "nginx.conf", "-e", folder / "error.log"], write_config)


def haproxy(folder, upstream):
    def write_config(port):
        (folder / "haproxy.cfg").write_text(f"""
defaults
    mode http
    timeout connect 10s
    timeout client 60s
    timeout server 60s
frontend door
    bind 127.0.0.1:{port}
    default_backend registry
backend registry
    server one {upstream.removeprefix('http://')}
""")

    return behind(folder, "haproxy", ["/usr/sbin/haproxy", "-db", "-f", folder / "haproxy.cfg"], write_config)

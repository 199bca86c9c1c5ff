"""`assay` as a client: commands of one person, whose credentials lie in a directory of their own."""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import struct
import subprocess
import termios
import time

from .server import SANITIZER_REPORT, binary, environment


class Cli:
    """Runs the program as one person on one machine."""

    def __init__(self, directory, **variables):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config = self.directory / "docker"
        self.env = environment({"HOME": str(self.directory), "DOCKER_CONFIG": str(self.config)} | variables)

    def run(self, *arguments, stdin="", timeout=60):
        done = subprocess.run([str(binary()), *map(str, arguments)], input=stdin, env=self.env, cwd=self.directory,
                              capture_output=True, text=True, timeout=timeout)
        assert not SANITIZER_REPORT.search(done.stderr), done.stderr
        return done

    def __call__(self, *arguments, stdin=""):
        """Standard output of a command that must succeed."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"assay {arguments}: {done.returncode}\n{done.stderr}{done.stdout}"
        return done.stdout

    def fails(self, *arguments, stdin="", code=1):
        """What it says on standard error when it fails."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == code, f"assay {arguments}: {done.returncode}\n{done.stderr}{done.stdout}"
        assert re.match(r"assay [a-z ]+: ", done.stderr.splitlines()[-1]), done.stderr
        return done.stderr

    def json(self, *arguments, stdin=""):
        return json.loads(self(*arguments, "-o", "json", stdin=stdin))

    def table(self, *arguments):
        """The first column of a list."""
        return [line.split()[0] for line in self(*arguments).splitlines()[1:]]

    def login(self, server, user, password, *options):
        return self("login", server, "--username", user, "--password-stdin", *options, stdin=password + "\n")

    def docker_config(self):
        return json.loads((self.config / "config.json").read_text())

    def on_terminal(self, *arguments, answers=(), columns=80, seconds=60):
        """Runs it on a terminal of so many columns; answers: (question, what is typed). (exit code, what is seen)"""
        program = str(binary())
        pid, master = pty.fork()
        if pid == 0:
            try:
                os.chdir(self.directory)
                fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
                os.execve(program, [program, *map(str, arguments)], self.env)
            finally:
                os._exit(127)
        seen, answers, deadline = "", list(answers), time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            assert left > 0, f"assay {arguments} does not end; seen: {seen!r}"
            if not select.select([master], [], [], left)[0]:
                continue
            try:
                chunk = os.read(master, 65536)
            except OSError:  # its end is closed
                break
            if not chunk:
                break
            seen += chunk.decode(errors="replace")
            if answers and answers[0][0] in seen:
                os.write(master, answers.pop(0)[1].encode() + b"\n")
        os.close(master)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert not SANITIZER_REPORT.search(seen), seen
        return code, seen.replace("\r\n", "\n")

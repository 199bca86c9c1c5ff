"""Requests made from the served description, right and wrong ones, by an admin and by an ordinary user: every answer is one
that the description names, of the shape that it names, none is a fault, and none that asks for credentials does without."""

import os
import re
import subprocess

import pytest

from harness import pypi, volume
from harness.client import Registry
from harness.people import People
from harness.server import ADMIN_PASSWORD, environment

CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
          "response_schema_conformance", "ignored_auth"]
# It would lock the caller out of the rest.
LEFT_OUT = ["accounts.password"]
COMMIT, NIGHTLY = 2, 400


class Place:
    """A server with one of each thing that a path can name."""

    def __init__(self, server):
        self.url = server.url()
        root = Registry(self.url, "admin", ADMIN_PASSWORD)
        people = People(root)
        self.org, self.user, self.owner = people.org(), people.user(), people.user()
        people.member(self.org, self.user)
        people.member(self.org, self.owner, owner=True)
        self.team = people.team(self.org, self.user)
        answer = root.post(f"/api/v0/repositories/{self.org}", json={"name": "app", "visibility": "public"})
        assert answer.status_code == 201, answer.text
        self.image = root.push_image(f"{self.org}/app", "v1")

    def settings(self, account):
        values = {"path.account": account, "path.namespace": self.org, "path.name": "app", "path.team": self.team,
                  "path.member": self.user.user, "path.reference": "v1", "path.digest": self.image.digest,
                  "path.role": "read-only", "query.repository": f"{self.org}/app"}
        return "[parameters]\n" + "".join(f'"{name}" = "{value}"\n' for name, value in values.items())


@pytest.mark.timeout(pypi.SECONDS + 2 * volume.SOAK_SECONDS)
@pytest.mark.parametrize("who, about", [("admin", "organisation"), ("owner", "user")])
def test_every_answer_is_one_that_the_description_names(new_server, tmp, who, about):
    program = pypi.program("schemathesis")
    place = Place(new_server())
    (tmp / "settings.toml").write_text(place.settings(place.org if about == "organisation" else place.owner.user))
    user, password = ("admin", ADMIN_PASSWORD) if who == "admin" else (place.owner.user, place.owner.password)
    command = [program, "--config-file", tmp / "settings.toml", "run", place.url + "/api/openapi.json",
               "--auth", f"{user}:{password}", "--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing",
               "--max-examples", NIGHTLY if volume.is_soak() else COMMIT, "--seed", volume.SEED, "--continue-on-failure",
               "--generation-database", "none", "--warnings", "off", "--no-color"]
    for name in LEFT_OUT:
        command += ["--exclude-operation-id", name]
    hooks = {"SCHEMATHESIS_HOOKS": "schema_hooks", "PYTHONPATH": os.path.dirname(pypi.__file__), "HOME": str(tmp)}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=tmp, env=environment(hooks))
    assert done.returncode == 0, f"seed {volume.SEED}\n{done.stdout[-12000:]}\n{done.stderr[-2000:]}"
    generated = int(re.search(r"(\d+) generated", done.stdout).group(1))
    assert generated > 1000
    volume.report("schemathesis", caller=who, generated=generated)

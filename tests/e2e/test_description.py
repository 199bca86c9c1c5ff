"""The description of the API is what the router knows, valid, and cheap to ask for again."""

import json
import re
import subprocess

import pytest

from harness import pypi
from harness.server import run_assay


@pytest.fixture
def description(anonymous):
    answer = anonymous.get("/api/openapi.json")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    return answer.json()


def operations(description):
    return {(method.upper(), path): operation for path, methods in description["paths"].items()
            for method, operation in methods.items()}


def routes():
    """(method, path) to (who may, name), as the program prints them."""
    lines = run_assay("routes").stdout.splitlines()
    rows = [re.fullmatch(r"(\S+) +(\S+) +(\S.*\S) +(\S+)", line).groups() for line in lines]
    return {(method, path.replace("...}", "}")): (may, name) for method, path, may, name in rows}


def test_router_and_description_are_the_same_set(description):
    described = operations(description)
    assert described.keys() == routes().keys()
    for key, (may, name) in routes().items():
        assert described[key]["operationId"] == name
        assert described[key]["description"] == f"Who may: {may.rstrip()}."


@pytest.mark.timeout(pypi.SECONDS)
def test_the_description_is_valid(description, tmp):
    path = tmp / "openapi.json"
    path.write_text(json.dumps(description))
    done = subprocess.run([pypi.program("openapi-spec-validator"), path], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_asked_for_again_by_its_tag(anonymous):
    first = anonymous.get("/api/openapi.json")
    again = anonymous.get("/api/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and not again.content
    assert anonymous.get("/api/openapi.json", headers={"If-None-Match": '"other"'}).status_code == 200


def test_each_operation_says_enough(description):
    for key, operation in operations(description).items():
        assert len(operation["summary"]) > 5, key
        holes = re.findall(r"{(\w+)}", key[1])
        assert [one["name"] for one in operation["parameters"] if one["in"] == "path"] == holes, key
        if operation.get("deprecated"):
            assert "404" in operation["responses"] and operation["summary"].startswith("Not here: "), key
        else:
            assert any(status.startswith(("2", "3")) for status in operation["responses"]), key
        assert {"400", "429", "503"} <= operation["responses"].keys(), key
        if "Who may: anyone." != operation["description"]:
            assert "401" in operation["responses"] and operation["security"], key
        if "requestBody" in operation:
            assert "413" in operation["responses"], key


def test_shapes_of_bodies_and_answers(description):
    schemas = description["components"]["schemas"]
    features = schemas["Features"]
    assert set(features["required"]) == set(features["properties"]) and features["properties"]["onlineGCEnabled"] == {
        "type": "boolean"}
    tags = operations(description)["GET", "/v2/{name}/tags/list"]["responses"]["200"]["content"]["application/json"]
    assert tags["schema"]["$ref"].startswith("#/components/schemas/")
    used = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(description)))
    assert used == schemas.keys()

"""The queue over the API: jobs, their logs, crons, defaults of actions and workers, in DTR's shapes; what is wrong with a
request is said by the field's name."""

import json
import time
from datetime import datetime, timedelta, timezone

import pytest

from harness.client import Registry
from harness.people import People, unique

JOBS, CRONS, CONFIGS, WORKERS = "/api/v0/jobs", "/api/v0/crons", "/api/v0/action_configs", "/api/v0/workers"
FAR = "2999-01-01T00:00:00Z"
JOB = {"action", "capacityMap", "deadline", "id", "lastUpdated", "parameters", "retriesLeft", "retriesTotal", "retryFromID",
       "scheduledAt", "status", "stopTimeout", "workerID"}


def submit(registry, action="sleep", **body):
    answer = registry.post(JOBS, json={"action": action} | body)
    assert answer.status_code == 202, answer.text
    return answer.json()


def get(registry, job):
    answer = registry.get(f"{JOBS}/{job['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def until(registry, job, *statuses, patience=60):
    deadline = time.monotonic() + patience
    while (now := get(registry, job))["status"] not in statuses:
        assert time.monotonic() < deadline, now
        time.sleep(0.05)
    return now


def refused(answer, field, status=400):
    assert answer.status_code == status, answer.text
    error = answer.json()["errors"][0]
    assert field in f"{error.get('detail', '')} {error['message']}", error
    return error


def audit(registry, answer):
    found = registry.get("/api/v1/audit", params={"request": answer.headers["X-Request-Id"]}).json()["records"]
    return [(entry["action"], entry["object"]) for entry in found]


def test_a_job_from_its_beginning_to_its_end(admin):
    answer = admin.post(JOBS, json={"action": "sleep", "parameters": {"duration": "10ms"}, "deadline": "90s", "stopTimeout": "1h30m0s",
                                    "retries": 2, "capacityMap": {"sleep": 1}, "scheduledAt": ""})
    job = answer.json()
    assert answer.status_code == 202 and set(job) == JOB, answer.text
    assert job | {"id": "", "lastUpdated": "", "scheduledAt": "", "retryFromID": ""} == {
        "action": "sleep", "capacityMap": {"sleep": 1}, "deadline": "1m30s", "id": "", "lastUpdated": "", "parameters": {"duration": "10ms"},
        "retriesLeft": 2, "retriesTotal": 2, "retryFromID": "", "scheduledAt": "", "status": "waiting", "stopTimeout": "1h30m", "workerID": ""}
    assert job["retryFromID"] == job["id"]
    assert audit(admin, answer) == [("JOB_ADDED", job["id"])]
    done = until(admin, job, "done")
    assert done["workerID"] in {worker["id"] for worker in admin.get(WORKERS).json()["workers"]}
    lines = admin.get(f"{JOBS}/{job['id']}/logs").json()
    assert [(line["lineNum"], line["data"]) for line in lines] == [(1, "sleeping")]
    assert admin.get(f"{JOBS}/{job['id']}/logs", params={"offset": 1}).json() == []
    answer = admin.delete(f"{JOBS}/{job['id']}")
    assert answer.status_code == 204 and audit(admin, answer) == [("JOB_DELETED", job["id"])]
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("GET", "/logs")):
        gone = admin.request(method, f"{JOBS}/{job['id']}{path}")
        assert gone.status_code == 404 and gone.json()["errors"][0]["code"] == "NO_SUCH_JOB", gone.text


def test_what_fails_is_tried_again_as_a_new_job(admin):
    first = submit(admin, "false", retries=1)
    failed = until(admin, first, "errored")
    assert failed["message"] and failed["retriesLeft"] == 1
    again = next(job for job in admin.get(JOBS, params={"action": "false", "limit": 0}).json()["jobs"]
                 if job["retryFromID"] == first["id"] and job["id"] != first["id"])
    assert (again["retriesLeft"], again["retriesTotal"]) == (0, 1) and again["scheduledAt"] > first["scheduledAt"]
    lines = admin.get(f"{JOBS}/{first['id']}/logs").json()
    assert "always fails" in lines[-1]["data"]


def test_what_waits_and_what_runs_is_canceled(admin):
    waits = submit(admin, scheduledAt=FAR)
    assert waits["scheduledAt"] == FAR
    answer = admin.post(f"{JOBS}/{waits['id']}/cancel")
    assert answer.status_code == 204 and audit(admin, answer) == [("JOB_CANCELED", waits["id"])]
    assert get(admin, waits)["status"] == "canceled"
    assert admin.post(f"{JOBS}/{waits['id']}/cancel").status_code == 204
    runs = submit(admin, parameters={"duration": "1h"})
    until(admin, runs, "running")
    busy = admin.delete(f"{JOBS}/{runs['id']}")
    assert busy.status_code == 409 and busy.json()["errors"][0]["code"] == "JOB_IS_RUNNING"
    assert admin.post(f"{JOBS}/{runs['id']}/cancel").status_code == 204
    until(admin, runs, "canceled")
    done = submit(admin, parameters={"duration": "0"})
    until(admin, done, "done")
    late = admin.post(f"{JOBS}/{done['id']}/cancel")
    assert late.status_code == 409 and late.json()["errors"][0]["code"] == "JOB_HAS_ENDED"


def test_past_its_deadline_a_job_is_stopped(admin):
    job = submit(admin, parameters={"duration": "1h"}, deadline="500ms")
    assert "deadline" in until(admin, job, "errored")["message"]


def test_lists_filter_and_page(admin):
    made = [submit(admin, scheduledAt=FAR)["id"] for _ in range(4)]
    failed = submit(admin, "false")
    until(admin, failed, "errored")

    def ids(**query):
        return [job["id"] for job in admin.get(JOBS, params=query).json()["jobs"]]

    assert ids(action="sleep", status="waiting", limit=4) == made[::-1]
    assert ids(action="sleep", status="waiting", start=1, limit=2) == made[2:0:-1]
    for word in ("error", "errored"):
        assert failed["id"] in ids(status=word, limit=0) and failed["id"] in ids(running=word, limit=0)
        assert made[0] not in ids(status=word, limit=0)
    for job in made:
        admin.post(f"{JOBS}/{job}/cancel")
    for word in ("cancel", "canceled", "cancelled"):
        assert set(made) <= set(ids(status=word, limit=0))
    assert made[0] not in ids(running="true", limit=0) and made[0] in ids(running="false", limit=0)
    assert made[0] in ids(running="any", action="any", worker="any", limit=0)
    worker = get(admin, failed)["workerID"]
    assert failed["id"] in ids(worker=worker, limit=0) and made[0] not in ids(worker=worker, limit=0)
    assert ids(action="none") == [] and ids(status="deleted") == []
    assert len(ids()) <= 10


@pytest.mark.parametrize("body, field", [
    ({"action": "none"}, "action"), ({}, "action"), ({"action": 1}, "action"), ({"action": "a" * 65}, "action"),
    ({"action": "sleep", "parameters": {"speed": "1"}}, "parameters"), ({"action": "sleep", "parameters": {"duration": 1}}, "parameters"),
    ({"action": "sleep", "parameters": {str(i): "" for i in range(33)}}, "parameters"),
    ({"action": "sleep", "deadline": "soon"}, "deadline"), ({"action": "sleep", "deadline": "-1s"}, "deadline"),
    ({"action": "sleep", "stopTimeout": "90"}, "stopTimeout"), ({"action": "sleep", "scheduledAt": "tomorrow"}, "scheduledAt"),
    ({"action": "sleep", "retries": -1}, "retries"), ({"action": "sleep", "retries": 101}, "retries"),
    ({"action": "sleep", "retries": "1"}, "retries"), ({"action": "sleep", "capacityMap": {"sleep": -1}}, "capacityMap"),
    ({"action": "sleep", "capacityMap": {"sleep": "1"}}, "capacityMap"), ({"action": "sleep", "capacityMap": {"a b": 1}}, "capacityMap"),
])
def test_a_bad_job_is_refused_by_its_field(admin, body, field):
    refused(admin.post(JOBS, json=body), field)


@pytest.mark.parametrize("query, field", [
    ({"running": "maybe"}, "running"), ({"status": "dead"}, "status"), ({"start": "x"}, "start"), ({"start": "-1"}, "start"),
    ({"limit": "many"}, "limit"), ({"limit": "1" * 19}, "limit")])
def test_a_bad_filter_is_refused_by_its_name(admin, query, field):
    refused(admin.get(JOBS, params=query), field)


def test_a_cron_adds_jobs(admin):
    answer = admin.post(CRONS, json={"action": "false", "schedule": "@every 1s", "retries": 0, "parameters": None, "capacityMap": None,
                                     "deadline": "", "stopTimeout": ""})
    cron = answer.json()
    assert answer.status_code == 202 and cron | {"id": "", "nextRun": ""} == {
        "action": "false", "capacityMap": {}, "deadline": "", "id": "", "nextRun": "", "parameters": {}, "retries": 0,
        "schedule": "@every 1s", "stopTimeout": ""}, answer.text
    assert audit(admin, answer) == [("CRON_CHANGED", "false")]
    before = {job["id"] for job in admin.get(JOBS, params={"action": "false", "limit": 0}).json()["jobs"]}
    deadline = time.monotonic() + 60
    while len({job["id"] for job in admin.get(JOBS, params={"action": "false", "limit": 0}).json()["jobs"]} - before) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    again = admin.post(CRONS, json={"action": "false", "schedule": "57 54 3 * * *", "retries": 2, "deadline": "1h"}).json()
    assert again["id"] == cron["id"] and again["nextRun"].endswith("03:54:57Z") and again["deadline"] == "1h"
    assert admin.get(f"{CRONS}/false").json() == again
    assert again in admin.get(CRONS).json()["crons"]
    answer = admin.delete(f"{CRONS}/false")
    assert answer.status_code == 204 and audit(admin, answer) == [("CRON_DELETED", "false")]
    for method in ("GET", "DELETE"):
        gone = admin.request(method, f"{CRONS}/false")
        assert gone.status_code == 404 and gone.json()["errors"][0]["code"] == "NO_SUCH_CRON"


@pytest.mark.parametrize("body, field", [
    ({"action": "sleep"}, "schedule"), ({"action": "sleep", "schedule": ""}, "schedule"), ({"schedule": "@daily"}, "action"),
    ({"action": "sleep", "schedule": "* * * * *"}, "schedule"), ({"action": "sleep", "schedule": "0 61 * * * *"}, "schedule"),
    ({"action": "sleep", "schedule": "0 0 0 30 2 *"}, "schedule"), ({"action": "sleep", "schedule": "@often"}, "schedule"),
    ({"action": "sleep", "schedule": "@every 10ms"}, "schedule"), ({"action": "none", "schedule": "@daily"}, "action"),
    ({"action": "sleep", "schedule": "@daily", "parameters": {"a": "b"}}, "parameters"),
    ({"action": "sleep", "schedule": "@daily", "deadline": "x"}, "deadline"), ({"action": "sleep", "schedule": "@daily", "retries": 1000}, "retries"),
])
def test_a_bad_cron_is_refused_by_its_field(admin, body, field):
    refused(admin.post(CRONS, json=body), field)


def test_an_action_has_default_parameters(admin):
    answer = admin.post(CONFIGS, json={"action": "sleep", "parameters": {"duration": "7ms"}})
    config = answer.json()
    assert answer.status_code == 202 and set(config) == {"action", "id", "parameters"}, answer.text
    assert audit(admin, answer) == [("ACTION_CONFIG_CHANGED", "sleep")]
    assert admin.get(f"{CONFIGS}/sleep").json() == config and config in admin.get(CONFIGS).json()["actionConfigs"]
    assert submit(admin)["parameters"] == {"duration": "7ms"}
    assert submit(admin, parameters={"duration": "8ms"})["parameters"] == {"duration": "8ms"}
    refused(admin.post(CONFIGS, json={"action": "sleep", "parameters": {"speed": "1"}}), "parameters")
    refused(admin.post(CONFIGS, json={"action": "none"}), "action")
    assert admin.delete(f"{CONFIGS}/sleep").status_code == 204
    gone = admin.get(f"{CONFIGS}/sleep")
    assert gone.status_code == 404 and gone.json()["errors"][0]["code"] == "NO_SUCH_ACTION_CONFIG"
    assert admin.delete(f"{CONFIGS}/sleep").status_code == 404


def test_a_worker_takes_what_its_capacity_says(new_server):
    server = new_server()
    admin = Registry(server.url(), "admin", server.password)
    deadline = time.monotonic() + 60
    while not (workers := admin.get(WORKERS).json()["workers"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    [worker] = workers
    assert set(worker) == {"capacityMap", "heartbeatExpiration", "id", "status"} and worker["status"] == "running"
    assert datetime.fromisoformat(worker["heartbeatExpiration"].replace("Z", "+00:00")) > datetime.now(timezone.utc) - timedelta(seconds=1)
    assert worker["capacityMap"]["sleep"] > 1
    capacity = f"{WORKERS}/{worker['id']}/capacity"
    answer = admin.post(capacity, json={"capacityMap": {"sleep": 0}})
    assert answer.status_code == 202 and audit(admin, answer) == [("WORKER_CHANGED", worker["id"])], answer.text
    now = admin.get(WORKERS).json()["workers"][0]["capacityMap"]
    assert now == worker["capacityMap"] | {"sleep": 0}
    stays = submit(admin, parameters={"duration": "10ms"})
    until(admin, submit(admin, "false"), "errored")  # the queue was looked at, with that capacity
    assert get(admin, stays)["status"] == "waiting"
    assert admin.post(capacity, json={"capacityMap": {"sleep": 1}}).status_code == 202
    until(admin, stays, "done")
    refused(admin.post(capacity, json={}), "capacityMap")
    refused(admin.post(capacity, json={"capacityMap": {"sleep": -1}}), "capacityMap")
    assert admin.post(f"{WORKERS}/none/capacity", json={"capacityMap": {}}).json()["errors"][0]["code"] == "NO_SUCH_WORKER"


def test_only_administrators_see_the_queue(admin, anonymous):
    user = People(admin).user()
    for path in (JOBS, CRONS, CONFIGS, WORKERS):
        assert user.get(path).status_code == 403 and anonymous.get(path).status_code == 401
    assert user.post(JOBS, json={"action": "sleep"}).status_code == 403


def test_the_history_of_jobs_goes_by_the_settings(new_server):
    server = new_server()
    admin = Registry(server.url(), "admin", server.password)
    settings = admin.get("/api/v0/meta/settings").json()
    assert (settings["jobHistoryCompactionEnabled"], settings["jobHistoryMaxAge"], settings["jobHistoryToKeep"]) == (True, "2160h", 10000)
    refused(admin.post("/api/v0/meta/settings", json={"jobHistoryMaxAge": "long"}), "jobHistoryMaxAge")
    refused(admin.post("/api/v0/meta/settings", json={"jobHistoryToKeep": -1}), "jobHistoryToKeep")
    assert admin.post("/api/v0/meta/settings", json={"jobHistoryMaxAge": "720h0m0s", "jobHistoryToKeep": 1}).status_code == 202
    settings = admin.get("/api/v0/meta/settings").json()
    assert (settings["jobHistoryMaxAge"], settings["jobHistoryToKeep"]) == ("720h", 1)
    made = []
    for _ in range(3):
        made.append(submit(admin, parameters={"duration": "0"}))
        until(admin, made[-1], "done")
    until(admin, submit(admin, "onlinegc_joblogs"), "done")
    left = {job["id"] for job in admin.get(JOBS, params={"action": "sleep"}).json()["jobs"]}
    assert left == {job["id"] for job in made[-1:]}
    assert admin.post("/api/v0/meta/settings", json={"jobHistoryCompactionEnabled": False}).status_code == 202
    until(admin, submit(admin, parameters={"duration": "0"}), "done")
    until(admin, submit(admin, "onlinegc_joblogs"), "done")
    assert len(admin.get(JOBS, params={"action": "sleep"}).json()["jobs"]) == 2
    until(admin, submit(admin, "onlinegc_joblogs", parameters={"toKeep": "1"}), "done")
    assert len(admin.get(JOBS, params={"action": "sleep"}).json()["jobs"]) <= 1


def test_the_registry_is_made_read_only_and_back_by_a_job(new_server):
    admin = Registry((server := new_server()).url(), "admin", server.password)
    for read_only in ("true", "false"):
        until(admin, submit(admin, "ro_registry", parameters={"readOnly": read_only}), "done")
        assert admin.get("/api/v0/meta/settings").json()["readOnlyRegistry"] is (read_only == "true")
    until(admin, submit(admin, "ro_registry", parameters={"readOnly": "perhaps"}), "errored")
    found = admin.get("/api/v1/audit", params={"action": "SETTING_CHANGED"}).json()["records"]
    assert [(entry["account"], entry["object"], entry["after"]) for entry in found] == [
        ("job ro_registry", "read-only", "off"), ("job ro_registry", "read-only", "on")]


def test_who_collects_is_shown(new_server):
    admin = Registry((server := new_server()).url(), "admin", server.password)
    assert admin.get("/api/v0/meta/cluster_status").json()["gc_lock_holder"] == ""


def test_a_log_streams_until_its_job_ends(admin):
    job = submit(admin, parameters={"duration": "2s"}, scheduledAt="2999-01-01T00:00:00Z")
    with admin.get(f"{JOBS}/{job['id']}/logs", params={"stream": "true"}, stream=True, timeout=60) as quiet:
        assert quiet.status_code == 200 and quiet.headers["Content-Type"] == "application/x-ndjson"
        assert admin.post(f"{JOBS}/{job['id']}/cancel").status_code == 204
        assert [line for line in quiet.iter_lines() if line] == []
    job = submit(admin, parameters={"duration": "1500ms"})
    with admin.get(f"{JOBS}/{job['id']}/logs", params={"stream": "true"}, stream=True, timeout=60) as answer:
        lines = (json.loads(line) for line in answer.iter_lines(chunk_size=1) if line)
        assert next(lines) == {"data": "sleeping", "lineNum": 1}
        assert get(admin, job)["status"] == "running", "the line came while the job ran"
        assert list(lines) == []
    assert get(admin, job)["status"] == "done"
    again = admin.get(f"{JOBS}/{job['id']}/logs", params={"stream": "true"}, timeout=60)
    assert json.loads(again.text) == {"data": "sleeping", "lineNum": 1}
    refused(admin.get(f"{JOBS}/{job['id']}/logs", params={"stream": "perhaps"}), "stream")


def test_a_stream_ends_with_its_right_and_with_its_node(new_server):
    server = new_server()
    admin = Registry(server.url(), "admin", server.password)
    boss = People(admin).user(isAdmin=True)
    job = submit(admin, scheduledAt=FAR)
    mine = boss.get(f"{JOBS}/{job['id']}/logs", params={"stream": "true"}, stream=True, timeout=60)
    left = admin.get(f"{JOBS}/{job['id']}/logs", params={"stream": "true"}, stream=True, timeout=60)
    left.close()  # a client that goes
    other = admin.get(f"{JOBS}/{job['id']}/logs", params={"stream": "true"}, stream=True, timeout=60)
    assert admin.patch(f"/enzi/v0/accounts/{boss.user}", json={"isAdmin": False}).status_code == 200
    assert [line for line in mine.iter_lines() if line] == []
    server.stop()  # which insists on a clean and prompt end
    assert [line for line in other.iter_lines() if line] == []

"""What the lists of events say."""

import time


def events(registry, path="/api/v0/events", **query):
    answer = registry.get(path, params={"pageSize": 0} | query)
    assert answer.status_code == 200, f"{query}: {answer.status_code} {answer.text}"
    return answer.json()["events"]


def of(repo):
    return f"/api/v0/repositories/{repo}/events"


def what(found):
    return [(event["type"], event["object"]["type"], event["object"].get("name")) for event in found]


def wait_for(look, wanted, seconds=30):
    """Pulls are written down within a second, or later on a busy machine."""
    deadline = time.monotonic() + seconds
    while (found := look()) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found == wanted
    return found


def told(admin, repo, user, tag):
    """That the user pushed the tag and pulled it is in the list of the repository."""
    wanted = {("CREATE", "TAG", tag), ("GET", "TAG", tag)}
    wait_for(lambda: wanted & set(what(events(admin, of(repo), actorId=user))), wanted)

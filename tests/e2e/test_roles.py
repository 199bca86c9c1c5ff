"""Roles over the API: what each says, one's own made, changed and deleted; built-in ones stay."""

import pytest

ROLES = "/api/v1/roles"


def code(answer):
    return answer.json()["errors"][0]["code"]


def test_the_built_in_roles_are_there(admin):
    roles = {role["name"]: role for role in admin.get(ROLES, params={"pageSize": 0}).json()["roles"]}
    assert {"read-only", "read-write", "admin", "pusher", "approver", "security", "operator", "auditor"} <= set(roles)
    assert roles["pusher"]["verbs"] == ["view", "pull", "push", "create-tag"] and roles["pusher"]["builtIn"] is True


def test_a_role_of_ones_own(admin):
    made = admin.post(ROLES, json={"name": "tag-mover", "verbs": ["pull", "move-tag"]})
    assert made.status_code == 201, made.text
    assert made.json()["verbs"] == ["view", "pull", "move-tag"] and made.json()["builtIn"] is False
    assert code(admin.post(ROLES, json={"name": "tag-mover", "verbs": ["pull"]})) == "ROLE_EXISTS"

    changed = admin.patch(f"{ROLES}/tag-mover", json={"description": "moves what others made"})
    assert changed.status_code == 200 and changed.json()["description"] == "moves what others made"
    assert changed.json() == admin.get(f"{ROLES}/tag-mover").json()
    assert admin.delete(f"{ROLES}/tag-mover").status_code == 204
    gone = admin.get(f"{ROLES}/tag-mover")
    assert gone.status_code == 404 and code(gone) == "NO_SUCH_ROLE"


def test_built_in_roles_stay(admin):
    for answer in admin.patch(f"{ROLES}/admin", json={"verbs": ["pull"]}), admin.delete(f"{ROLES}/admin"):
        assert answer.status_code == 409 and code(answer) == "ROLE_IS_BUILT_IN"


@pytest.mark.parametrize("body, about", [
    ({"verbs": ["pull"]}, "name"), ({"name": "x"}, "verbs"), ({"name": "x", "verbs": []}, "verbs"),
    ({"name": "x", "verbs": ["fly"]}, "fly"), ({"name": "X", "verbs": ["pull"]}, "name"),
    ({"name": "x", "verbs": "pull"}, "verbs"), ({"name": "x", "verbs": ["pull"], "color": "red"}, "color"),
    ({"name": "x", "verbs": ["pull"], "description": "two\nlines"}, "description"),
    ({"name": "x" * 65, "verbs": ["pull"]}, "name"),
])
def test_a_bad_field_is_named(admin, body, about):
    answer = admin.post(ROLES, json=body)
    assert answer.status_code == 400 and about in answer.json()["errors"][0]["message"], answer.text


def test_pages_of_roles(admin):
    seen, start = [], ""
    while start is not None:
        page = admin.get(ROLES, params={"pageSize": 3, "pageStart": start, "count": "true"})
        seen += [role["name"] for role in page.json()["roles"]]
        start = page.headers.get("X-Next-Page-Start")
    assert seen == sorted(set(seen)) and len(seen) == int(page.headers["X-Resource-Count"])


def test_without_credentials_nothing(anonymous):
    assert anonymous.get(ROLES).status_code == 401
    assert anonymous.post(ROLES, json={"name": "x", "verbs": ["pull"]}).status_code == 401

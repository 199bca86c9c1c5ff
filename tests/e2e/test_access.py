"""Questions about access: why may somebody do something, who can; and who may ask."""

import pytest

EXPLAIN, WHO = "/api/v1/access/explain", "/api/v1/access/who"


def ask(registry, path, **query):
    answer = registry.get(path, params=query)
    assert answer.status_code == 200, f"{query}: {answer.status_code} {answer.text}"
    return answer.json()


def test_the_admin_may_because_of_rank_and_namespace(admin, repo, image):
    why = ask(admin, EXPLAIN, repository=repo, action="push")
    assert why["user"] == "admin" and why["allowed"] and why["exists"] and why["lacks"] == []
    assert [reason["source"] for reason in why["reasons"]] == ["system admin", "own namespace"]
    assert "missing" not in why


def test_without_credentials_visibility_decides(server, admin, repo, image):
    why = ask(admin, EXPLAIN, user="", repository=repo, action="pull")
    assert why["user"] is None and not why["allowed"] and repo in why["missing"]
    server.admin("repo-visibility", repo, "public")
    why = ask(admin, EXPLAIN, user="", repository=repo, action="pull")
    assert why["allowed"] and why["verbs"] == ["view", "pull"]
    assert ask(admin, WHO, repository=repo, action="pull")["public"] is True
    assert ask(admin, WHO, repository=repo, action="push")["public"] is False


def test_a_repository_to_be_is_explained_too(admin):
    why = ask(admin, EXPLAIN, repository="admin/not/yet", action="create")
    assert why["allowed"] and not why["exists"]


@pytest.mark.parametrize("path", [EXPLAIN, WHO])
@pytest.mark.parametrize("query, about", [
    ({"action": "pull"}, "repository"), ({"repository": "admin/x"}, "action"),
    ({"repository": "Admin", "action": "pull"}, "repository"), ({"repository": "admin/x", "action": "fly"}, "action"),
    ({"repository": "admin/x", "action": "*"}, "action"),
])
def test_a_bad_question_names_the_field(admin, path, query, about):
    answer = admin.get(path, params=query)
    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert error["code"] == "INVALID_PARAMETERS" and about in error["message"]


def test_without_credentials_nobody_asks(anonymous):
    for path in EXPLAIN, WHO:
        assert anonymous.get(path, params={"repository": "admin/x", "action": "pull"}).status_code == 401


def test_an_account_that_is_not_there_is_404(admin):
    answer = admin.get(EXPLAIN, params={"user": "nobody-here", "repository": "admin/x", "action": "pull"})
    assert answer.status_code == 404 and answer.json()["errors"][0]["code"] == "NO_SUCH_ACCOUNT"

"""Team access over DTR's API, and what each level of it may do: the table of DTR's manual, operation by operation, for
teams with access to a repository and to its whole namespace, and for the roles that need no grant."""

import itertools

import pytest

from harness import oci
from harness.client import Registry, assert_error
from harness.people import PASSWORD, People, unique

REPOSITORIES = "/api/v0/repositories"
NAMESPACES = "/api/v0/repositoryNamespaces"
ACCOUNTS = "/api/v0/accounts"
LEVELS = ("read-only", "read-write", "admin")

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def crews():
    """One organisation a server, with a user for each role; made once, for making accounts costs password hashes."""
    made = {}
    return lambda admin: made.setdefault(admin.url, Crew(admin))


class Crew:
    """An organisation with a repository, and users of it by what they are."""

    def __init__(self, admin):
        self.admin = admin
        people = People(admin)
        self.org = people.org()
        self.users = {"outsider": people.user(), "member": people.member(self.org),
                      "owner": people.member(self.org, owner=True), "system admin": admin}
        self.teams = {}
        for level in LEVELS:
            self.users[f"{level} of the repository"] = people.member(self.org)
            self.users[f"{level} of the namespace"] = people.member(self.org)
            self.teams[level] = people.team(self.org, self.users[f"{level} of the repository"])
            in_namespace = people.team(self.org, self.users[f"{level} of the namespace"])
            answer = admin.put(f"{NAMESPACES}/{self.org}/teamAccess/{in_namespace}", json={"accessLevel": level})
            assert answer.status_code == 200, answer.text

    def repository(self, visibility="private", tag="v1"):
        """A new one with an image under a tag, and its teams' access."""
        path = f"{self.org}/r{next(numbers)}"
        answer = self.admin.post(f"{REPOSITORIES}/{self.org}", json={"name": path.split("/")[1], "visibility": visibility})
        assert answer.status_code == 201, answer.text
        for level, team in self.teams.items():
            answer = self.admin.put(f"{REPOSITORIES}/{path}/teamAccess/{team}", json={"accessLevel": level})
            assert answer.status_code == 200, answer.text
        self.admin.push_image(path, tag)
        return path


@pytest.fixture
def crew(admin, crews):
    return crews(admin)


# The table. Each operation is tried by everybody on a repository of its own; what it answers when it may, and when not.

def view(user, path):
    return user.get(f"{REPOSITORIES}/{path}")


def browse(user, path):
    return user.get(f"{REPOSITORIES}/{path}/tags")


def pull(user, path):
    return user.pull_manifest(path, "v1")


def push(user, path):
    config = oci.random_blob(16)
    begun = user.post(f"/v2/{path}/blobs/uploads/")
    if begun.status_code != 202:
        return begun
    user.finish_upload(begun.headers["Location"], oci.digest(config), config)
    return user.put_manifest(path, "v2", oci.manifest(oci.descriptor(config, oci.OCI_CONFIG), []))


def delete_tag(user, path):
    return user.delete(f"/v2/{path}/manifests/v1")


def delete_tag_by_api(user, path):
    return user.delete(f"{REPOSITORIES}/{path}/tags/v1")


def describe(user, path):
    return user.patch(f"{REPOSITORIES}/{path}", json={"shortDescription": "new", "longDescription": "# new"})


def publish(user, path):
    return user.patch(f"{REPOSITORIES}/{path}", json={"visibility": "public"})


def see_teams(user, path):
    return user.get(f"{REPOSITORIES}/{path}/teamAccess")


def remove(user, path):
    return user.delete(f"{REPOSITORIES}/{path}")


# operation, the least level, the status when it may
OPERATIONS = [(view, 1, 200), (browse, 1, 200), (pull, 1, 200), (push, 2, 201), (delete_tag, 2, 202), (delete_tag_by_api, 2, 204),
              (describe, 3, 200), (publish, 3, 200), (see_teams, 3, 200), (remove, 3, 204)]
RANKS = {"outsider": 0, "member": 0, "read-only": 1, "read-write": 2, "admin": 3, "owner": 3, "system admin": 3}


def rank_of(who):
    return RANKS[who.split(" of the ")[0]]


def expected(operation, who, least, status, is_public):
    """On /v2 a want of rights is 401; elsewhere 404 where the repository may not be seen, else 403."""
    rank = max(rank_of(who), 1 if is_public else 0)
    if rank >= least:
        return status
    if operation in (pull, push, delete_tag):
        return 401
    return 403 if rank >= 1 else 404


@pytest.mark.parametrize("visibility", ["private", "public"])
@pytest.mark.parametrize("operation, least, status", OPERATIONS, ids=lambda x: getattr(x, "__name__", None))
def test_the_table_of_levels(crew, operation, least, status, visibility):
    changes = status != 200 or operation in (describe, publish)
    path = crew.repository(visibility)
    for who, user in crew.users.items():
        wanted = expected(operation, who, least, status, visibility == "public")
        answer = operation(user, path)
        assert answer.status_code == wanted, f"{operation.__name__} by {who}: {answer.status_code} {answer.text}"
        if wanted == status and changes:
            path = crew.repository(visibility)  # it is not what it was


def test_anonymous_pulls_what_is_public_and_manages_nothing(crew, anonymous):
    secret, public = crew.repository(), crew.repository("public")
    nobody = anonymous.bearer(anonymous.token(f"repository:{public}:pull,push", f"repository:{secret}:pull"))
    assert nobody.pull_manifest(public, "v1").status_code == 200
    assert nobody.pull_manifest(secret, "v1").status_code == 401
    assert nobody.post(f"/v2/{public}/blobs/uploads/").status_code == 401
    assert nobody.get(f"{REPOSITORIES}/{public}").status_code == 401
    assert anonymous.get(f"{REPOSITORIES}/{public}").status_code == 401


def test_lists_show_what_each_may_see(crew):
    secret, public = crew.repository(), crew.repository("public")
    for who, user in crew.users.items():
        for path in (f"{REPOSITORIES}/{crew.org}?pageSize=0", f"{REPOSITORIES}?pageSize=0"):
            listed = {f"{one['namespace']}/{one['name']}" for one in user.get(path).json()["repositories"]}
            assert public in listed, who
            assert (secret in listed) == (rank_of(who) > 0), who


def test_a_namespace_that_shows_nothing_is_no_namespace_to_outsiders(crew, admin):
    people = People(admin)
    org = people.org()
    outsider, member = crew.users["outsider"], people.member(org)
    assert_error(outsider.get(f"{REPOSITORIES}/{org}"), 404, "NO_SUCH_ACCOUNT")
    assert_error(outsider.get(f"{REPOSITORIES}/{org}?pageStart=YXg"), 404, "NO_SUCH_ACCOUNT")
    assert member.get(f"{REPOSITORIES}/{org}").json() == {"repositories": []}
    assert admin.get(f"{REPOSITORIES}/{org}").json() == {"repositories": []}


def test_who_makes_repositories_where(crew):
    for who, user in crew.users.items():
        answer = user.post(f"{REPOSITORIES}/{crew.org}", json={"name": f"made{next(numbers)}"})
        may = who in ("owner", "system admin", "admin of the namespace")
        if may:
            assert answer.status_code == 201, who
        elif who == "outsider":
            assert_error(answer, 404, "NO_SUCH_ACCOUNT")
        else:
            assert_error(answer, 403, "NOT_AUTHORIZED")
        if user.user != "admin":
            assert user.post(f"{REPOSITORIES}/{user.user}", json={"name": f"made{next(numbers)}"}).status_code == 201
    assert_error(crew.users["member"].post(f"{REPOSITORIES}/{crew.users['outsider'].user}", json={"name": "x"}), 404,
                 "NO_SUCH_ACCOUNT")


# Team access itself.

def test_team_access_on_a_repository(crew, admin):
    people = People(admin)
    org = people.org()
    user = people.member(org)
    team = people.team(org, user)
    other = people.team(org)
    made = admin.post(f"{REPOSITORIES}/{org}", json={"name": "app"}).json()
    base = f"{REPOSITORIES}/{org}/app/teamAccess"
    whole = {key: value for key, value in made.items()}

    assert admin.get(base).json() == {"repository": whole, "teamAccessList": []}
    assert user.get(f"{REPOSITORIES}/{org}/app").status_code == 404
    given = admin.put(f"{base}/{team}", json={"accessLevel": "read-only"})
    assert given.status_code == 200
    found = given.json()["teamAccessList"]
    assert given.json()["repository"] == whole and len(found) == 1
    assert found[0]["accessLevel"] == "read-only" and set(found[0]["team"]) == {"id", "clientUserIsMember"}
    assert found[0]["team"]["clientUserIsMember"] is False
    assert user.get(f"{REPOSITORIES}/{org}/app").status_code == 200
    assert user.patch(f"{REPOSITORIES}/{org}/app", json={}).status_code == 403

    # A level takes the place of the one before.
    assert admin.put(f"{base}/{team}", json={"accessLevel": "admin"}).json()["teamAccessList"] == [
        {"accessLevel": "admin", "team": found[0]["team"]}]
    assert user.patch(f"{REPOSITORIES}/{org}/app", json={}).status_code == 200
    assert user.get(base).json()["teamAccessList"][0]["team"]["clientUserIsMember"] is True
    admin.put(f"{base}/{other}", json={"accessLevel": "read-write"})
    pages = []
    start = None
    while True:
        page = admin.get(base, params={"pageSize": 1, "count": 1} | ({"pageStart": start} if start else {}))
        assert page.headers["X-Resource-Count"] == "2"
        pages.append([one["accessLevel"] for one in page.json()["teamAccessList"]])
        start = page.headers.get("X-Next-Page-Start")
        if not start:
            break
    assert sorted(pages) == [["admin"], ["read-write"]]

    # By the id of the team too.
    assert admin.put(f"{base}/{found[0]['team']['id']}", json={"accessLevel": "read-only"}).status_code == 200
    assert user.patch(f"{REPOSITORIES}/{org}/app", json={}).status_code == 403
    for _ in range(2):
        assert admin.delete(f"{base}/{team}").status_code == 204
    assert user.get(f"{REPOSITORIES}/{org}/app").status_code == 404

    assert_error(admin.put(f"{base}/nobody", json={"accessLevel": "admin"}), 404, "NO_SUCH_TEAM")
    assert_error(admin.delete(f"{base}/nobody"), 404, "NO_SUCH_TEAM")
    for body in ({}, {"accessLevel": "owner"}, {"accessLevel": ""}, {"accessLevel": 1}):
        assert "accessLevel" in assert_error(admin.put(f"{base}/{team}", json=body), 400)["message"]


def test_a_team_of_another_organisation_is_none_here(crew, admin):
    """Not by name and not by id, on no route; nor is a user's namespace an organisation."""
    people = People(admin)
    org = people.org()
    path = crew.repository()
    foreign = people.team(org)
    team_id = admin.get(f"/enzi/v0/accounts/{org}/teams/{foreign}").json()["id"]
    for team in (foreign, team_id):
        for base in (f"{REPOSITORIES}/{path}", f"{NAMESPACES}/{crew.org}"):
            assert_error(admin.put(f"{base}/teamAccess/{team}", json={"accessLevel": "admin"}), 404, "NO_SUCH_TEAM")
            assert_error(admin.delete(f"{base}/teamAccess/{team}"), 404, "NO_SUCH_TEAM")
        assert_error(admin.get(f"{ACCOUNTS}/{crew.org}/teams/{team}/repositoryAccess"), 404, "NO_SUCH_TEAM")
    owner = crew.users["owner"]
    owner.post(f"{REPOSITORIES}/{owner.user}", json={"name": "own"})
    assert_error(owner.put(f"{REPOSITORIES}/{owner.user}/own/teamAccess/x", json={"accessLevel": "admin"}), 404, "NO_SUCH_TEAM")


def test_a_narrowed_token_gives_no_more_than_it_has(crew, admin):
    """An owner's access token that is narrowed to one repository and to reading manages nothing with it."""
    path = crew.repository()
    owner, team = crew.users["owner"], crew.teams["read-only"]
    made = owner.post("/api/v0/api_tokens", json={"tokenLabel": "narrow", "scopes": [{"path": path, "verbs": ["pull"]}]})
    assert made.status_code in (200, 201), made.text
    narrow = Registry(owner.url, owner.user, made.json()["token"])
    assert narrow.get(f"{REPOSITORIES}/{path}").status_code == 200
    for answer in (narrow.patch(f"{REPOSITORIES}/{path}", json={"visibility": "public"}),
                   narrow.put(f"{REPOSITORIES}/{path}/teamAccess/{team}", json={"accessLevel": "admin"}),
                   narrow.delete(f"{REPOSITORIES}/{path}"),
                   narrow.put(f"{NAMESPACES}/{crew.org}/teamAccess/{team}", json={"accessLevel": "admin"}),
                   narrow.patch(f"/api/v1/accounts/{crew.org}/settings", json={"createRepositoryOnPush": True}),
                   narrow.post(f"{REPOSITORIES}/{crew.org}", json={"name": "more"}),
                   narrow.delete(f"{ACCOUNTS}/{crew.org}/repositories")):
        assert answer.status_code in (403, 404), f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"
    listed = [f"{one['namespace']}/{one['name']}" for one in narrow.get(f"{REPOSITORIES}?pageSize=0").json()["repositories"]]
    assert listed == [path]
    assert admin.get(f"{REPOSITORIES}/{path}").json()["visibility"] == "private"


def test_a_new_repository_of_the_name_has_no_teams(crew, admin):
    path = crew.repository()
    reader = crew.users["read-only of the repository"]
    assert reader.get(f"{REPOSITORIES}/{path}").status_code == 200
    assert admin.delete(f"{REPOSITORIES}/{path}").status_code == 204
    assert admin.post(f"{REPOSITORIES}/{crew.org}", json={"name": path.split("/")[1]}).status_code == 201
    assert admin.get(f"{REPOSITORIES}/{path}/teamAccess").json()["teamAccessList"] == []
    assert reader.get(f"{REPOSITORIES}/{path}").status_code == 404


def test_team_access_on_a_namespace(crew, admin):
    people = People(admin)
    org = people.org()
    user, owner, member = people.member(org), people.member(org, owner=True), people.member(org)
    team = people.team(org, user)
    base = f"{NAMESPACES}/{org}/teamAccess"
    for name in ("app", "deep/er"):
        assert admin.post(f"{REPOSITORIES}/{org}", json={"name": name}).status_code == 201

    assert member.get(base).json() == {"namespace": org, "teamAccessList": []}
    assert_error(owner.get(f"{base}/{team}"), 404, "NO_SUCH_NAMESPACE_TEAM_ACCESS")
    given = owner.put(f"{base}/{team}", json={"accessLevel": "read-write"})
    assert given.status_code == 200
    assert given.json() == {"accessLevel": "read-write", "namespace": org, "team": given.json()["team"]}
    assert set(given.json()["team"]) == {"id", "clientUserIsMember"}
    assert owner.get(f"{base}/{team}").json() == given.json()
    assert user.get(f"{base}/{team}").json()["team"]["clientUserIsMember"] is True
    assert_error(member.get(f"{base}/{team}"), 403, "NOT_AUTHORIZED")
    for path in (f"{org}/app", f"{org}/deep/er"):
        assert user.get(f"{REPOSITORIES}/{path}").status_code == 200
        assert user.get(f"{REPOSITORIES}/{path}/teamAccess").status_code == 403
    assert user.put(f"{base}/{team}", json={"accessLevel": "admin"}).status_code == 403
    assert crew.users["outsider"].put(f"{base}/{team}", json={"accessLevel": "admin"}).status_code == 404
    assert crew.users["outsider"].get(base).status_code == 404

    assert owner.put(f"{base}/{team}", json={"accessLevel": "admin"}).status_code == 200
    assert user.post(f"{REPOSITORIES}/{org}", json={"name": "by-team"}).status_code == 201
    assert [one["accessLevel"] for one in member.get(base).json()["teamAccessList"]] == ["admin"]
    assert owner.delete(f"{base}/{team}").status_code == 204
    assert user.get(f"{REPOSITORIES}/{org}/app").status_code == 404
    assert_error(owner.put(f"{base}/nobody", json={"accessLevel": "admin"}), 404, "NO_SUCH_TEAM")
    assert_error(admin.get(f"{NAMESPACES}/nobody-here/teamAccess"), 404, "NO_SUCH_ACCOUNT")
    assert_error(admin.put(f"{NAMESPACES}/admin/teamAccess/x", json={"accessLevel": "admin"}), 404, "NO_SUCH_TEAM")


def test_repositories_of_a_team(crew, admin):
    people = People(admin)
    org = people.org()
    user, member, owner = people.member(org), people.member(org), people.member(org, owner=True)
    team = people.team(org, user)
    base = f"{ACCOUNTS}/{org}/teams/{team}/repositoryAccess"
    for name, level in (("a", "read-only"), ("b/c", "admin"), ("d", None)):
        made = admin.post(f"{REPOSITORIES}/{org}", json={"name": name}).json()
        if level:
            admin.put(f"{REPOSITORIES}/{org}/{name}/teamAccess/{team}", json={"accessLevel": level})
    answer = user.get(base + "?count=true")
    assert answer.headers["X-Resource-Count"] == "2" and set(answer.json()) == {"repositoryAccessList", "team"}
    assert [(one["repository"]["name"], one["accessLevel"]) for one in answer.json()["repositoryAccessList"]] == [
        ("a", "read-only"), ("b/c", "admin")]
    assert answer.json()["repositoryAccessList"][0]["repository"] == {
        key: value for key, value in admin.get(f"{REPOSITORIES}/{org}/a").json().items() if key != "longDescription"}
    assert answer.json()["team"]["clientUserIsMember"] is True
    page = owner.get(base + "?pageSize=1")
    assert len(page.json()["repositoryAccessList"]) == 1
    rest = owner.get(base, params={"pageSize": 1, "pageStart": page.headers["X-Next-Page-Start"]})
    assert rest.json()["repositoryAccessList"][0]["repository"]["name"] == "b/c" and "X-Next-Page-Start" not in rest.headers
    assert member.get(base).status_code == 403
    assert_error(owner.get(f"{ACCOUNTS}/{org}/teams/nobody/repositoryAccess"), 404, "NO_SUCH_TEAM")
    admin.delete(f"{REPOSITORIES}/{org}/a")
    assert len(user.get(base).json()["repositoryAccessList"]) == 1
    assert made["name"] == "d"


def test_effective_access_of_a_user(crew, admin):
    path = crew.repository()
    levels = {"read-only": "read-only", "read-write": "read-write", "admin": "admin", "owner": "admin"}
    for who, user in crew.users.items():
        if who == "system admin":
            continue
        level = levels.get(who.split(" of the ")[0])
        for asker in (user, admin):
            answer = asker.get(f"{ACCOUNTS}/{user.user}/repositoryAccess/{path}")
            if level is None:
                assert_error(answer, 404, "NO_SUCH_REPOSITORY")
                continue
            assert answer.status_code == 200, answer.text
            assert set(answer.json()) == {"accessLevel", "repository", "user"}
            assert answer.json()["accessLevel"] == level and answer.json()["user"]["name"] == user.user
            assert answer.json()["repository"]["name"] == path.split("/")[1]
    owner, member = crew.users["owner"], crew.users["member"]
    assert member.get(f"{ACCOUNTS}/{owner.user}/repositoryAccess/{path}").status_code == 403
    assert crew.users["outsider"].get(f"{ACCOUNTS}/{owner.user}/repositoryAccess/{path}").status_code == 404
    assert_error(admin.get(f"{ACCOUNTS}/{owner.user}/repositoryAccess/{crew.org}/none"), 404, "NO_SUCH_REPOSITORY")


# Settings of accounts, and of namespaces as a whole.

def test_user_settings(crew, admin):
    user, other = crew.users["outsider"], crew.users["member"]
    base = f"{ACCOUNTS}/{user.user}/settings"
    cache = "0190f0a0-0000-7000-8000-00000000000a"
    assert user.get(base).json() == {"ContentCacheUUID": ""}
    assert user.patch(base, json={"contentCacheUUID": cache}).json() == {"ContentCacheUUID": cache}
    assert user.patch(base, json={}).json() == admin.get(base).json() == {"ContentCacheUUID": cache}
    assert_error(user.patch(base, json={"contentCacheUUID": "x"}), 400, "INVALID_USER_SETTINGS")
    assert user.patch(base, json={"contentCacheUUID": ""}).json() == {"ContentCacheUUID": ""}
    assert other.get(base).status_code == 404
    assert_error(admin.get(f"{ACCOUNTS}/{crew.org}/settings"), 404, "NO_SUCH_USER")
    assert user.get(f"{ACCOUNTS}/language").json() == {"language": "en"}


def test_pushes_make_repositories_where_the_owner_allows_it(crew, admin):
    people = People(admin)
    org = people.org()
    owner, member = people.member(org, owner=True), people.member(org)
    base = f"/api/v1/accounts/{org}/settings"

    def push(user, path):
        return user.post(f"/v2/{path}/blobs/uploads/")

    assert owner.get(base).json() == {"createRepositoryOnPush": False}
    assert push(owner, f"{org}/app").status_code == 404
    assert member.patch(base, json={"createRepositoryOnPush": True}).status_code == 403
    assert crew.users["outsider"].patch(base, json={"createRepositoryOnPush": True}).status_code == 404
    assert_error(owner.patch(base, json={"createRepositoryOnPush": 1}), 400)
    assert_error(owner.patch(base, json={"colour": 1}), 400)
    assert owner.patch(base, json={"createRepositoryOnPush": True}).json() == {"createRepositoryOnPush": True}

    owner.push_image(f"{org}/app", "v1")
    made = owner.get(f"{REPOSITORIES}/{org}/app").json()
    assert made["visibility"] == "private" and made["pushes"] == 1 and made["namespaceType"] == "organization"
    assert push(member, f"{org}/other").status_code == 401
    assert owner.patch(base, json={"createRepositoryOnPush": False}).status_code == 200
    assert push(owner, f"{org}/another").status_code == 404
    member.push_image(f"{member.user}/own", "v1")
    assert admin.get(f"{REPOSITORIES}/{member.user}/own").json()["visibility"] == "private"
    assert_error(member.get(f"/api/v1/accounts/{member.user}/settings"), 404, "NO_SUCH_ACCOUNT")


def test_scanning_on_push_is_switched_where_one_manages(crew, admin):
    people = People(admin)
    org = people.org()
    owner = people.member(org, owner=True)
    other = crew.repository("public")
    for name in ("a", "b"):
        owner.post(f"{REPOSITORIES}/{org}", json={"name": name})
    assert_error(owner.post(f"{REPOSITORIES}/scan/toggle", json={}), 400, "INVALID_JSON")
    for wanted in (True, True, False):
        answer = owner.post(f"{REPOSITORIES}/scan/toggle", json={"scanOnPush": wanted})
        assert answer.status_code == 200
        assert [one["scanOnPush"] for one in owner.get(f"{REPOSITORIES}/{org}").json()["repositories"]] == [wanted] * 2
        assert admin.get(f"{REPOSITORIES}/{other}").json()["scanOnPush"] is False


def test_all_repositories_of_a_namespace_are_deleted(crew, admin):
    people = People(admin)
    org = people.org()
    owner, member = people.member(org, owner=True), people.member(org)
    team = people.team(org, member)
    owner.put(f"{NAMESPACES}/{org}/teamAccess/{team}", json={"accessLevel": "read-only"})
    for i in range(3):
        assert owner.post(f"{REPOSITORIES}/{org}", json={"name": f"r{i}"}).status_code == 201
    base = f"{ACCOUNTS}/{org}"
    assert member.delete(f"{base}/repositories").status_code == 403
    assert crew.users["outsider"].delete(f"{base}/repositories").status_code == 404
    assert owner.delete(f"{base}/repositories").status_code == 204
    assert owner.get(f"{REPOSITORIES}/{org}").json() == {"repositories": []}
    assert len(owner.get(f"{NAMESPACES}/{org}/teamAccess").json()["teamAccessList"]) == 1

    owner.post(f"{REPOSITORIES}/{org}", json={"name": "again"})
    assert owner.delete(base).status_code == 403
    assert admin.delete(base).status_code == 204
    assert owner.get(f"{REPOSITORIES}/{org}").json() == {"repositories": []}
    assert owner.get(f"{NAMESPACES}/{org}/teamAccess").json()["teamAccessList"] == []
    assert_error(admin.delete(f"{ACCOUNTS}/nobody-here"), 404, "NO_SUCH_ACCOUNT")


def test_the_next_organisation_of_a_name_begins_without_grants(admin):
    people = People(admin)
    org, user = people.org(), people.user()
    people.member(org, user)
    team = people.team(org, user)
    admin.put(f"{NAMESPACES}/{org}/teamAccess/{team}", json={"accessLevel": "admin"})
    assert admin.delete(f"/enzi/v0/accounts/{org}").status_code == 204
    people.org(org)
    admin.post(f"{REPOSITORIES}/{org}", json={"name": "app"})
    assert user.get(f"{REPOSITORIES}/{org}/app").status_code == 404
    assert admin.get(f"{NAMESPACES}/{org}/teamAccess").json()["teamAccessList"] == []


def test_a_narrow_admin_gives_no_more_than_it_has(admin):
    """A role of one's own that may grant is no way to more."""
    people = People(admin)
    org = people.org()
    user = people.member(org)
    team = people.team(org, user)
    role = unique("granter")
    admin.post(f"{REPOSITORIES}/{org}", json={"name": "app"})
    answer = admin.post("/api/v1/roles", json={"name": role, "verbs": ["view", "pull", "access"]})
    assert answer.status_code == 201, answer.text
    answer = admin.post("/api/v1/grants", json={"role": role, "team": f"{org}/{team}", "repository": f"{org}/app"})
    assert answer.status_code == 201, answer.text
    base = f"{REPOSITORIES}/{org}/app/teamAccess"
    assert_error(user.put(f"{base}/{team}", json={"accessLevel": "admin"}), 403, "NOT_AUTHORIZED")
    assert_error(user.put(f"{base}/{team}", json={"accessLevel": "read-write"}), 403, "NOT_AUTHORIZED")
    assert user.put(f"{base}/{team}", json={"accessLevel": "read-only"}).status_code == 200
    assert admin.put(f"{base}/{team}", json={"accessLevel": "read-write"}).status_code == 200
    pushes = admin.get(f"/api/v1/access/explain?user={user.user}&repository={org}/app&action=push").json()
    assert pushes["allowed"] is True
    assert user.put(f"{base}/{team}", json={"accessLevel": "read-write"}).status_code == 200  # what it has by now
    assert_error(user.put(f"{base}/{team}", json={"accessLevel": "admin"}), 403, "NOT_AUTHORIZED")


def test_changes_are_on_record_with_what_was_before(admin):
    people = People(admin)
    org = people.org()
    team = people.team(org)
    admin.post(f"{REPOSITORIES}/{org}", json={"name": "app"})
    admin.patch(f"{REPOSITORIES}/{org}/app", json={"visibility": "public", "tagLimit": 3, "longDescription": "# x"})
    admin.put(f"{REPOSITORIES}/{org}/app/teamAccess/{team}", json={"accessLevel": "read-only"})
    admin.delete(f"{REPOSITORIES}/{org}/app/teamAccess/{team}")
    admin.delete(f"{REPOSITORIES}/{org}/app")
    answer = admin.get("/api/v1/audit", params={"path": f"{org}/app", "pageSize": 0})
    assert answer.status_code == 200, answer.text
    records = {one["action"]: one for one in next(iter(v for v in answer.json().values() if isinstance(v, list)))}
    assert {"REPO_CREATED", "REPO_VISIBILITY", "GRANT_CREATED", "GRANT_DELETED", "REPO_DELETED"} <= set(records)
    changed = str(records["REPO_VISIBILITY"])
    assert "tagLimit" in changed and "public" in changed and "longDescriptionBytes" in changed
    assert "read-only" in str(records["GRANT_CREATED"]) and f"{org}/{team}" in str(records["GRANT_DELETED"])


def test_a_password_is_no_wider_than_its_user(server, crew):
    wrong = Registry(server.url(), crew.users["owner"].user, PASSWORD + "x")
    assert wrong.get(f"{REPOSITORIES}/{crew.org}").status_code == 401

"""What of DTR's accounts service is not here says so, with what stands in its place; and what is refused is on
record."""

import pytest

from harness.people import PASSWORD, People, refused, unique

BASE = "/enzi/v0"


@pytest.mark.parametrize("method, path, word", [
    ("GET", "accounts/admin/adminMemberSyncConfig", "PUT"), ("PUT", "accounts/admin/adminMemberSyncConfig", "PUT"),
    ("GET", "accounts/admin/teams/t/memberSyncConfig", "PUT"), ("PUT", "accounts/admin/teams/t/groupLinkConfig", "members"),
    ("GET", "accounts/admin/services", "service accounts"), ("POST", "accounts/admin/services", "service accounts"),
    ("DELETE", "accounts/admin/services/x", "service accounts"), ("GET", "config/auth/ldap", "/enzi/v0/accounts"),
    ("PUT", "config/auth/ldap", "/enzi/v0/accounts"), ("POST", "config/auth/ldap/tryLogin", "/enzi/v0/accounts"),
    ("GET", "config/openid", "service accounts"), ("GET", "jobs", "when it answers"), ("POST", "jobs/x/cancel", "when"),
    ("GET", "workers", "/readyz"), ("DELETE", "workers/x", "/readyz"),
])
def test_what_is_not_here_says_what_to_do(admin, anonymous, method, path, word):
    body = {"json": {"enableSync": True}} if method in ("PUT", "POST") else {}
    refused(admin.request(method, f"{BASE}/{path}", **body), 404, "GONE", word)
    refused(anonymous.request(method, f"{BASE}/{path}"), 401, "NOT_AUTHENTICATED")


@pytest.mark.parametrize("name", ["%ff%fe", "%00", "a%0ab", "x" * 3000, "%2e%2e", "a%2fb"])
def test_a_name_that_nobody_can_have(admin, name):
    for path in (f"accounts/{name}", f"accounts/admin/members/{name}", f"accounts/{name}/teams/{name}"):
        answer = admin.get(f"{BASE}/{path}")
        assert answer.status_code in (400, 404), answer.text
        assert answer.json()["errors"][0]["message"]


def test_changes_and_refusals_are_on_record(admin):
    people = People(admin)
    org = people.org()
    owner, member, user = people.member(org, owner=True), people.member(org), people.user()

    def record(answer):
        query = {"request": answer.headers["X-Request-Id"]}
        return [(x["action"], x["outcome"], x["account"], x.get("path"), x.get("before"), x.get("after"))
                for x in admin.get("/api/v1/audit", params=query).json()["records"]]

    base = f"{BASE}/accounts"
    of_user = f"{base}/{org}/members/{user.user}"
    is_owner, is_none = '{"isAdmin":true}', '{"isAdmin":false}'
    assert record(owner.put(of_user, json={"isAdmin": True})) == [
        ("MEMBER_ADDED", "done", owner.user, org, None, is_owner)]
    assert record(owner.patch(of_user, json={"isAdmin": False})) == [
        ("MEMBER_CHANGED", "done", owner.user, org, is_owner, is_none)]
    assert record(member.delete(of_user)) == [("members.delete", "refused", member.user, org, None, None)]
    assert record(owner.delete(of_user)) == [("MEMBER_REMOVED", "done", owner.user, org, is_none, None)]

    mine = f"{base}/{member.user}"
    assert record(member.patch(mine, json={"isAdmin": True}))[0][:4] == (
        "accounts.change", "refused", member.user, member.user)
    assert record(member.post(f"{mine}/changePassword", json={"oldPassword": PASSWORD + "x", "newPassword": PASSWORD})
                  )[0][:2] == ("accounts.password", "refused")
    assert record(member.post(f"{base}", json={"name": unique("no")}))[0][:2] == ("accounts.create", "refused")
    assert record(admin.patch(mine, json={"isAdmin": True, "isActive": False})) == [
        ("ACCOUNT_CHANGED", "done", "admin", member.user, '{"fullName":"","isAdmin":false,"isActive":true}',
         '{"fullName":"","isAdmin":true,"isActive":false}')]
    assert record(owner.patch(f"{base}/{org}", json={"fullName": 'A "corp"'})) == [
        ("ACCOUNT_CHANGED", "done", owner.user, org, '{"fullName":"","isOrg":true}',
         '{"fullName":"A \\"corp\\"","isOrg":true}')]
    assert record(admin.delete(mine))[0][:4] == ("ACCOUNT_DELETED", "done", "admin", member.user)
    assert record(owner.get(f"{base}/{owner.user}")) == []

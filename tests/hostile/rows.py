"""The rows of the tables of attacks, groups A to C and E to I: by which cases each is covered, or what it waits for.

A case covers the row that its name begins with (`test_A_02_…`); ELSEWHERE names cases that stand in other folders. A row
that is partly covered may be in NOT_YET too: then the rest waits. Run this file to see the table.
"""

import pathlib
import re

TESTS = pathlib.Path(__file__).resolve().parents[1]

ROWS = """A-01 A-02 A-03 A-05 A-06 A-07 A-08 A-10 A-11 A-12 A-13 A-14 A-15 A-16 A-18 A-19 A-21 A-22
B-01 B-02 B-03 B-04 B-06 B-07 B-08 B-10 B-11 B-12 B-13 B-14 B-16 B-17 B-19 B-20 B-22 B-23 B-24
C-01 C-02 C-03 C-04 C-06 C-07 C-08 C-09 C-10 C-12 C-13 C-14
E-01 E-02 E-03 E-04 E-05 E-06 E-08
F-01 F-02 F-03 F-04 F-06 F-07 F-08 F-09 F-10 F-11 F-13 F-14 F-16 F-17 F-18 F-19 F-20 F-21 F-22 F-23
G-01 G-02 G-03 G-04 G-05 G-06 G-07 G-08 G-10 G-11 G-12 G-13 G-14 G-15
H-02 H-03 H-04
I-01 I-02 I-04 I-05 I-08 I-09 I-10 I-11 I-12""".split()

ELSEWHERE = {
    "A-02": ["e2e/test_tokens.py::test_a_forged_token_opens_nothing"],
    "A-05": ["e2e/test_service.py::test_other_peers_are_not_believed"],
    "A-10": ["e2e/test_lockout.py::test_a_locked_name_is_told_nothing_and_its_tokens_go_on"],
    "A-14": ["e2e/test_sessions.py::test_an_account_switched_off_is_worth_nothing_and_nor_is_what_it_had",
             "e2e/test_services.py::test_switched_off_or_with_its_maker_it_is_out"],
    "A-16": ["e2e/test_sessions.py::test_the_session_is_new_at_each_log_in",
             "e2e/test_sessions.py::test_after_the_log_out_the_cookie_is_worth_nothing",
             "e2e/test_sessions.py::test_a_new_password_ends_every_session",
             "e2e/test_sessions.py::test_use_renews_a_session_and_its_cookie",
             "e2e/test_sessions.py::test_what_one_node_revokes_is_void_on_the_others"],
    "A-19": ["e2e/test_lockout.py::test_a_locked_name_is_told_nothing_and_its_tokens_go_on",
             "e2e/test_lockout.py::test_guesses_through_all_nodes_are_one_sum",
             "e2e/test_lockout.py::test_names_that_do_not_exist_are_counted_alike"],
    "B-11": ["e2e/test_services.py::test_it_may_no_more_than_its_maker",
             "e2e/test_enzi_accounts.py::test_a_narrowed_token_manages_nothing",
             "e2e/test_api_tokens.py::test_a_narrowed_token_does_what_it_names_and_nothing_more",
             "e2e/test_webhooks.py::test_what_is_not_there_or_not_theirs"],
    "B-12": ["e2e/test_services.py::test_its_rights_are_its_grants_within_its_prefix",
             "e2e/test_services.py::test_it_manages_nothing",
             "e2e/test_services.py::test_switched_off_or_with_its_maker_it_is_out"],
    "B-17": ["e2e/test_enzi_accounts.py::test_a_user_that_is_switched_off_is_out_at_once",
             "e2e/test_webhooks.py::test_a_webhook_ends_with_its_repository_and_its_author_s_right"],
    "C-01": ["e2e/test_manifest_rules.py::test_a_manifest_of_the_wrong_shape_is_refused"],
    "C-02": ["e2e/test_manifest_rules.py::test_json_with_a_second_meaning_is_refused"],
    "E-01": ["e2e/test_paths.py::test_a_malformed_name_is_refused"],
    "E-08": ["e2e/test_service.py::test_a_blob_store_behind_a_symlink_swap_is_not_followed"],
    "F-04": ["e2e/test_limits.py::test_1000_open_uploads_pass_and_one_more_is_429"],
    "F-06": ["e2e/test_gate.py::test_very_many_headers"],
    "F-07": ["e2e/test_limits.py::test_a_client_that_drips_its_body_is_dropped"],
    "F-22": ["e2e/test_tag_limits.py::test_the_oldest_go",
             "e2e/test_tag_limits.py::test_pushes_at_once_leave_exactly_the_limit",
             "e2e/test_tag_limits.py::test_what_is_no_limit_is_refused_with_the_field",
             "crash/test_collection.py::test_a_clock_that_jumps_stops_collection_until_it_is_reset"],
    "G-03": ["e2e/test_sessions.py::test_a_change_by_session_needs_its_token",
             "e2e/test_sessions.py::test_a_page_of_another_origin_changes_nothing",
             "e2e/test_sessions.py::test_a_body_by_session_must_be_one_that_no_form_can_send"],
    "G-02": ["e2e/test_sessions.py::test_a_browser_is_sent_on_and_json_is_as_good_as_a_form"],
    "G-04": ["e2e/test_api_page.py::test_page_and_files_may_load_what_we_serve_only"],
    "H-04": ["e2e/test_service.py::test_old_tls_is_refused"],
    "I-08": ["e2e/test_services.py::test_switched_off_or_with_its_maker_it_is_out",
             "e2e/test_sessions.py::test_what_one_node_revokes_is_void_on_the_others"],
    "I-09": ["crash/test_collection.py::test_pushes_race_with_collection",
             "crash/test_collection_points.py::test_every_action_at_every_point"],
}

NOT_YET = {
    "A-08": "needs LDAP",
    "A-12": "needs one-time passwords",
    "A-13": "needs OIDC or LDAP groups",
    "A-14": "the log-in by OIDC needs OIDC",
    "A-15": "needs OIDC",
    "A-16": "nothing remembers anybody beyond a session",
    "A-18": "nothing but tokens is signed yet: cursors are plain names, ids of uploads and sessions are random",
    "A-21": "needs policy hooks",
    "A-22": "SAML is not offered",
    "B-03": "needs mirroring",
    "B-17": "mirrors and schedules of a revoked user",
    "B-22": "retention, mirrors, moves of repositories and restore",
    "C-07": "needs mirroring",
    "C-13": "needs signature verification",
    "C-14": "needs gates and quarantine",
    "E-05": "needs the scanner",
    "E-06": "needs import and restore",
    "F-03": "configuration upload and markdown need the management API",
    "F-08": "compressed layers are read by nobody before the scanner",
    "F-10": "patterns of pruning",
    "F-14": "records of a newer version need a second version",
    "F-16": "the tables' secrets are drawn at start (src/http/peers.c, src/base/cache.c); collisions cannot be chosen from "
            "outside, so there is nothing to send",
    "F-17": "10^6 tags and 10^5 repositories are measured by the bench",
    "F-22": "policies of pruning; limits on tags, and the brakes and fuse of collection are covered",
    "F-23": "needs several nodes",
    "G-01": "needs the web UI, in a browser",
    "G-02": "needs the web UI's other pages",
    "G-07": "needs LDAP",
    "G-10": "logs, databases, answers and what servers leave are searched (e2e/harness/canary.py); support bundles and "
            "backups are not made yet",
    "G-13": "no lists are exported as CSV",
    "G-14": "no mail is sent",
    "G-15": "needs the S3 driver",
    "I-05": "two nodes on one database need PostgreSQL; two servers on one directory are covered",
    "I-09": "promotion",
    "I-11": "needs mirroring",
}


def case_names(folder):
    """{file::function} below a folder of tests."""
    return {f"{path.relative_to(TESTS)}::{name}" for path in sorted((TESTS / folder).glob("test_*.py"))
            for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)}


def cases_of(row, names=None):
    """The cases of this folder whose names begin with the row."""
    start = "::test_" + row.replace("-", "_") + "_"
    both = re.compile(r"::test_(?:[A-I]_\d\d_)*" + row.replace("-", "_") + r"_")
    return sorted(name for name in names or case_names("hostile") if start in name or both.search(name))


if __name__ == "__main__":
    for one in ROWS:
        found = [name.split("::")[1] for name in cases_of(one)] + ELSEWHERE.get(one, [])
        print(f"{one}  {', '.join(found) or '-'}" + (f"  [not yet: {NOT_YET[one]}]" if one in NOT_YET else ""))

/* work/team_member.c: the verbs about members of teams. */
#include "base/err.h"
#include "base/mem.h"
#include "work/access_private.h"
#include "work/team.h"
#include "work/work_private.h"

/* What every change of a membership is about: org, team and user are held, the rest is read. */
struct place {
    struct meta_team    team;
    struct meta_account user;
    bool                by_team; /* the hand is an admin of the team and no more */
    int64_t             in_org;  /* is it an owner; negative: no member */
    int64_t             in_team; /* is it an admin; negative: no member */
};

static int no_member(struct str user, struct str team, struct err *err)
{
    return err_set_code(err, ERR_NOT_FOUND, "NO_SUCH_MEMBER", user,
                        STR_FMT " is no member of the team " STR_FMT, STR_ARGS(user),
                        STR_ARGS(team));
}

static int check_hand(struct db_tx *tx, const struct work_team_hand *hand, struct place *place,
                      struct err *err)
{
    int64_t is_admin = 0;

    place->by_team = !hand->is_manager;
    if (hand->is_manager)
        return 0;
    if (hand->account_id != 0 &&
        meta_team_member_find(tx, place->team.id, hand->account_id, &is_admin, err) < 0)
        return -1;
    return is_admin != 0 ? 0
                         : err_set(err, ERR_DENIED,
                                   "only owners of the organisation and admins of the team change "
                                   "its members");
}

static int open_place(struct db_tx *tx, struct arena *arena, const struct work_team_seat *seat,
                      struct place *out, struct err *err)
{
    *out = (struct place){ .in_org = -1, .in_team = -1 };
    if (work_hold_org(tx, seat->org, err) < 0 ||
        work_find_team(tx, arena, seat->org, seat->team, &out->team, err) < 0 ||
        check_hand(tx, &seat->hand, out, err) < 0 ||
        work_hold_user(tx, arena, seat->user, &out->user, err) < 0 ||
        meta_org_member_lock(tx, seat->org->id, out->user.id, &out->in_org, err) < 0 ||
        meta_team_member_find(tx, out->team.id, out->user.id, &out->in_team, err) < 0)
        return -1;
    return 0;
}

static int tell(struct db_tx *tx, const struct meta_actor *actor, const struct auth_account *org,
                const struct place *place, int64_t after, struct err *err)
{
    const char       *type  = place->in_team < 0 ? "TEAM_MEMBER_ADDED"
                              : after < 0        ? "TEAM_MEMBER_REMOVED"
                                                 : "TEAM_MEMBER_CHANGED";
    struct meta_event event = {
        .type        = type,
        .path        = org->name,
        .object_kind = "member",
        .object_name = place->user.name,
        .target      = place->team.name,
        .before      = work_print_membership(place->in_team),
        .after       = work_print_membership(after),
    };

    return meta_event_add(tx, actor, &event, err);
}

/* An admin of the team neither makes members of the organisation nor other admins. */
static int check_put(const struct place *place, int64_t is_admin, struct err *err)
{
    if (!place->by_team)
        return 0;
    if (place->in_org < 0)
        return err_set(err, ERR_DENIED,
                       STR_FMT " is no member of the organisation: an owner has to add it first",
                       STR_ARGS(place->user.name));
    if (is_admin != (place->in_team > 0))
        return err_set(err, ERR_DENIED, "isAdmin: only owners say who is an admin of a team");
    return 0;
}

int work_team_member_put(struct work *work, struct arena *arena, const struct meta_actor *actor,
                         const struct work_team_seat  *seat,
                         const struct work_membership *membership, struct meta_member *out,
                         struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;
    struct place                 place;

    if (db_begin(work->db, DB_WRITE, "put team member", &tx, err) < 0 ||
        open_place(tx, arena, seat, &place, err) < 0)
        return -1;

    int64_t is_admin = membership->has_admin ? membership->is_admin : place.in_team > 0;
    if (place.in_team < 0 && membership->must_exist)
        return no_member(place.user.name, place.team.name, err);
    if (check_put(&place, is_admin, err) < 0 ||
        (place.in_org < 0 && work_org_add(tx, actor, seat->org, &place.user, 0, err) < 0) ||
        meta_team_member_put(tx, place.team.id, place.user.id, is_admin, err) < 0 ||
        tell(tx, actor, seat->org, &place, is_admin, err) < 0)
        return -1;
    work_fill_member(&place.user, is_admin, out);
    return work_commit_access(work, &tx, err);
}

int work_team_member_remove(struct work *work, const struct meta_actor *actor,
                            const struct work_team_seat *seat, struct err *err)
{
    AUTO(arena_free) struct arena *arena = arena_new();
    AUTO(db_abort) struct db_tx   *tx    = NULL;
    struct place                   place;
    int64_t                        n;

    if (db_begin(work->db, DB_WRITE, "remove team member", &tx, err) < 0 ||
        open_place(tx, arena, seat, &place, err) < 0)
        return -1;
    if (place.in_team < 0)
        return no_member(place.user.name, place.team.name, err);
    if (place.by_team && place.in_team > 0 && place.user.id != seat->hand.account_id)
        return err_set(err, ERR_DENIED, "only owners take an admin out of a team");
    if (meta_team_member_remove(tx, place.team.id, place.user.id, &n, err) < 0 ||
        tell(tx, actor, seat->org, &place, -1, err) < 0)
        return -1;
    return work_commit_access(work, &tx, err);
}

int work_team_member_get(struct work *work, struct arena *arena, const struct work_team_seat *seat,
                         struct meta_member *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx       = NULL;
    int64_t                      is_admin = 0;
    struct meta_team             row;
    struct meta_account          account;

    if (work_need_org(seat->org, err) < 0 ||
        db_begin(work->db, DB_READ, "get team member", &tx, err) < 0 ||
        work_find_team(tx, arena, seat->org, seat->team, &row, err) < 0)
        return -1;
    int found = meta_account_find_any(tx, arena, seat->user, &account, err);
    if (found == 1)
        found = meta_team_member_find(tx, row.id, account.id, &is_admin, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return no_member(seat->user, row.name, err);
    work_fill_member(&account, is_admin, out);
    return 0;
}

int work_team_member_page(struct work *work, struct arena *arena, int64_t team_id,
                          enum meta_member_filter filter, struct str after, size_t n_max,
                          struct meta_member **out, size_t *n_out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "list team members", &tx, err) < 0)
        return -1;
    return meta_team_member_page(tx, arena, team_id, filter, after, n_max, out, n_out, err);
}

int work_team_member_count(struct work *work, int64_t team_id, enum meta_member_filter filter,
                           int64_t *out, struct err *err)
{
    AUTO(db_abort) struct db_tx *tx = NULL;

    if (db_begin(work->db, DB_READ, "count team members", &tx, err) < 0)
        return -1;
    return meta_team_member_count(tx, team_id, filter, out, err);
}

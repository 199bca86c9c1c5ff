/* collection.pml: GC-15, the race between pushes and collection as a model for spin: one digest, two repositories with a
 * pusher each, whoever deletes their manifests, collection, removals that come late and twice, and crashes anywhere.
 *
 * A row names the generation of the object that holds the bytes. A pusher that asks for the blob takes the row's share
 * lock and, when the row is there, pins it in the same transaction and only then relies on it; else it uploads a new
 * generation. Its manifest is written under the share lock, when row and link are there. Collection takes the exclusive
 * lock, judges in a second statement, takes the row away and dooms the generation. In a statement of PostgreSQL other
 * tables are seen as they were when it began, however long it then waited for the lock:
 *
 *     -DONE_STATEMENT    judge and delete in one statement, and pins that go with the row: loses a pinned blob
 *     -DREUSE            one key for all generations: a late removal hits newer bytes
 *
 * What must hold: a manifest that was acknowledged has its bytes, always; and a pusher whose pin is not over is not
 * refused its manifest. */

#define GENERATIONS 2

#ifdef REUSE
#define KEY(generation) 1
#else
#define KEY(generation) (generation)
#endif

bool object[3];   /* by key: are the bytes there */
bool doomed[3];   /* by key: is it listed for removal */
byte row      = 0; /* the generation in force; 0: there is no row */
byte n_used   = 0; /* generations so far */
bool pin[2];      /* a link of the repository that is not over */
bool promised[2]; /* the pusher relies on it, and its time is not over */
bool names[2];    /* an acknowledged manifest of the repository names it */
byte n_share  = 0; /* holders of the row's share lock */
bool exclusive = false;

#define WHOLE (!(names[0] || names[1]) || (row != 0 && object[KEY(row)]))

inline lock_share() { atomic { !exclusive -> n_share++ } }
inline unlock_share() { n_share-- }

/* An object, then the row; whoever finds a row there dooms its own. */
inline upload(me)
{
    if
    :: atomic { n_used < GENERATIONS -> n_used++; mine = n_used; object[KEY(mine)] = true }
    :: n_used == GENERATIONS -> goto done
    fi;
    if
    :: skip
    :: goto done /* a crash: the object is known as pending, and nobody was told anything */
    fi;
    atomic {
        !exclusive ->
        if
        :: row == 0 -> row = mine
        :: else ->
            if
            :: KEY(mine) != KEY(row) -> doomed[KEY(mine)] = true
            :: else
            fi
        fi;
        pin[me] = true; promised[me] = true
    }
}

proctype pusher(byte me)
{
    byte mine;
    bool found;

    /* Is the blob there? */
    lock_share();
    found = row != 0;
    if
    :: found -> atomic { pin[me] = true; promised[me] = true; unlock_share() } /* the commit; then the answer */
    :: !found -> unlock_share(); upload(me)
    fi;
    if
    :: skip
    :: goto done /* the client goes away */
    fi;

    /* The manifest. */
    lock_share();
    atomic {
        if
        :: row != 0 && (pin[me] || names[me]) -> names[me] = true; assert(WHOLE)
        :: else -> assert(!promised[me])
        fi;
        unlock_share();
        promised[me] = false
    }
done:
    skip
}

/* Manifests are deleted, and time passes. */
proctype others()
{
    do
    :: names[0] -> names[0] = false
    :: names[1] -> names[1] = false
    :: atomic { pin[0] -> pin[0] = false; promised[0] = false }
    :: atomic { pin[1] -> pin[1] = false; promised[1] = false }
    :: break
    od
}

#define UNUSED (!names[0] && !names[1] && !pin[0] && !pin[1])

proctype collection()
{
    bool unused;

    do
    :: row != 0 ->
#ifdef ONE_STATEMENT
        unused = UNUSED; /* as the statement began */
        if
        :: unused -> atomic { n_share == 0 -> exclusive = true }
        :: else -> goto next
        fi;
#else
        if
        :: atomic { n_share == 0 -> exclusive = true }
        :: n_share != 0 -> goto next
        fi;
        unused = UNUSED;
#endif
        if
        :: unused && !names[0] && !names[1] -> /* a foreign key would refuse it anyhow */
            atomic { doomed[KEY(row)] = true; row = 0; pin[0] = false; pin[1] = false; exclusive = false; unused = false; assert(WHOLE) }
        :: exclusive = false /* it stays, or a crash: the transaction is undone */
        fi;
next:
        skip
    :: break
    od
}

inline remove()
{
    atomic { object[key] = false; assert(WHOLE) }
    if
    :: doomed[key] = false
    :: skip
    fi
}

/* Removes what is listed: perhaps late, perhaps once more than it says. */
proctype removal()
{
    byte key;

    do
    :: atomic { doomed[1] -> key = 1 }; remove()
    :: atomic { doomed[2] -> key = 2 }; remove()
    :: break
    od
}

init { atomic { run pusher(0); run pusher(1); run others(); run collection(); run removal() } }

"""Is a history of one register linearisable? (Wing and Gong's search, with memory of what was tried.)

An operation took effect at one moment between its start and its end. A history is good when there is one order of all
operations that respects those times and in which each answer is the one that a single register would have given.
"""

import dataclasses

ABSENT = None


@dataclasses.dataclass(frozen=True)
class Operation:
    """kind: `write` of a value, `delete`, or `read`. `value` is what was written or seen (ABSENT: not there);
    of a delete it is True when something was there. An operation whose answer never came is `unknown`: it may have
    happened at any time after its start, or never."""

    kind: str
    value: object
    begin: float
    end: float
    unknown: bool = False


def step(state, operation):
    """(the register can have answered so, the state afterwards)."""
    if operation.kind == "write":
        return True, operation.value
    if operation.kind == "delete":
        return operation.unknown or (state is not ABSENT) == operation.value, ABSENT
    return operation.unknown or state == operation.value, state


def is_linearisable(operations, initial=ABSENT):
    """True when one order explains every answer. Meant for up to some 60 operations on one key."""
    count = len(operations)
    ends = [float("inf") if operation.unknown else operation.end for operation in operations]
    required = sum(1 << i for i, operation in enumerate(operations) if not operation.unknown)
    tried = set()
    stack = [(0, initial)]
    while stack:
        done, state = stack.pop()
        if done & required == required:
            return True
        if (done, state) in tried:
            continue
        tried.add((done, state))
        open_ends = min(ends[i] for i in range(count) if not done >> i & 1)
        for i in range(count):
            if done >> i & 1 or operations[i].begin > open_ends:
                continue
            fits, after = step(state, operations[i])
            if fits:
                stack.append((done | 1 << i, after))
    return False

"""Becomes PostgreSQL: `python -I -S launch.py UID GID PARENT PROGRAM ARG...`.

Runs in a fresh interpreter between fork and exec, so that the supervisor needs no code in a forked, threaded process.
Own session: Ctrl-C in the terminal reaches the supervisor alone, which stops us in order. On Linux the kernel sends
SIGINT (fast shutdown) when the supervisor dies, however it dies.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(uid: int, gid: int, parent: int, command: list[str]) -> None:
    """Leave the session, drop privileges, tie our life to the parent's, and exec."""
    os.setsid()
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":  # after setuid, which clears it
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent:
        sys.exit(1)
    os.umask(0o077)
    os.execv(command[0], command)  # noqa: S606 - no shell is meant


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])

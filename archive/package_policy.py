"""Who may file a trade's package and who may read it. Pure: facts in, a refusal or None out."""

from kernel.actor import SYSTEM, Actor, Role, site
from kernel.errors import GgzyError, not_found

READERS = (Role.SUPERVISOR, Role.AUDIT_ADMIN)


def may_archive(actor: Actor, at: str) -> GgzyError | None:
    """Let the archivist of the trade's site (6-digit code) file it, or the system itself; hide it from all others."""
    allowed = actor == SYSTEM or actor.holds(Role.ARCHIVIST, site(at))
    return None if allowed else not_found("package")


def may_read(actor: Actor, at: str) -> GgzyError | None:
    """Let archivists and supervisors of the site, and those whose role holds everywhere, read a filed package."""
    allowed = may_archive(actor, at) is None or any(actor.holds(role, site(at)) for role in READERS)
    return None if allowed else not_found("package")

"""Who acts: a person or the system itself, with the roles they hold at a site or for a party."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a person may be. Staff and supervisors hold roles at a site, the others for a party or everywhere."""

    PURCHASER = "purchaser"  # 招标人
    AGENCY = "agency"  # 代理机构
    BIDDER = "bidder"  # 投标人
    ACCEPTANCE = "acceptance"  # 受理
    WITNESS = "witness"  # 见证
    VENUE = "venue"  # 场地
    ARCHIVIST = "archivist"  # 档案
    EXPERT = "expert"  # 评标专家
    SUPERVISOR = "supervisor"  # 监管
    SYSTEM_ADMIN = "system_admin"  # 系统管理员
    SECURITY_ADMIN = "security_admin"  # 安全管理员
    AUDIT_ADMIN = "audit_admin"  # 审计管理员


STAFF = frozenset({Role.ACCEPTANCE, Role.WITNESS, Role.VENUE, Role.ARCHIVIST})
PARTY_ROLES = frozenset({Role.PURCHASER, Role.AGENCY, Role.BIDDER})
ADMINS = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})

EVERYWHERE = "*"


def site(code: str) -> str:
    """Return the scope of a role held at the site with this 6-digit division code."""
    return f"site:{code}"


def party(uscc: str) -> str:
    """Return the scope of a role held for the party with this 统一社会信用代码."""
    return f"party:{uscc}"


@dataclass(frozen=True, slots=True)
class Grant:
    """One role held in one scope: ``site:152502``, ``party:<uscc>`` or ``*``."""

    role: Role
    scope: str


@dataclass(frozen=True, slots=True)
class Actor:
    """The person on whose behalf a command runs. `device_key` is their enrolled Ed25519 public key (32 bytes)."""

    user_id: UUID
    name: str
    grants: frozenset[Grant] = frozenset()
    device_key: bytes | None = None

    def holds(self, role: Role, *scopes: str) -> bool:
        """Tell whether the role is held in one of the scopes, or everywhere; with no scope: held at all."""
        return any(g.role is role and (not scopes or g.scope in (*scopes, EVERYWHERE)) for g in self.grants)

    def parties(self, role: Role) -> frozenset[str]:
        """Return the 统一社会信用代码 of the parties for which the role is held."""
        return frozenset(
            g.scope.removeprefix("party:") for g in self.grants if g.role is role and g.scope.startswith("party:")
        )

    def sites(self, *roles: Role) -> frozenset[str] | None:
        """Return the codes of the sites at which one of the roles is held; None for everywhere."""
        held = {g.scope for g in self.grants if g.role in roles}
        if EVERYWHERE in held:
            return None
        return frozenset(scope.removeprefix("site:") for scope in held if scope.startswith("site:"))


SYSTEM = Actor(UUID(int=0), "system")
ANONYMOUS = Actor(UUID(int=1), "anonymous")

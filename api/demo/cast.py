"""The people of the demo, each with an account, a key file of their own and a signed-in client."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stdnum.cn import uscc

from api import device, factor
from api.accounts import bootstrap
from api.client import Client
from api.demo.papers import story
from bidding import keyfile
from bidding.keyfile import KeyFile
from kernel.clock import SystemClock
from kernel.entropy import Entropy
from trading.party import COMMITMENT_VERSION

MAIN = "152502"
PASSPHRASE = "demo-passphrase"  # noqa: S105 - the demo prints it
PASSWORD = "demo-password-{login}"  # noqa: S105 - the demo prints it
QUICK = keyfile.Strength(memory=8 << 10, passes=1)


@dataclass(slots=True)
class Person:
    """Somebody who acts: `roles` as ``role@scope``."""

    login: str
    name: str
    roles: tuple[str, ...]
    client: Client
    key: KeyFile
    path: Path
    password: str = ""
    user_id: str = ""


@dataclass(slots=True)
class Cast:
    """Everybody by login."""

    url: str
    folder: Path
    entropy: Entropy
    people: dict[str, Person] = field(default_factory=dict)

    def __getitem__(self, login: str) -> Person:
        """Return who has this login."""
        return self.people[login]

    async def sign_in_first(self, first: list[bootstrap.First]) -> None:
        """Sign in the three administrators with the passwords shown at first start."""
        for one in first:
            person = self._person(one.login, one.name, ())
            person.password = one.password
            await person.client.sign_in(one.login, one.password)
            await factor.enrol(person.client, SystemClock(), shown=True)

    async def employ(self, login: str, name: str, *roles: str) -> Person:
        """Have the system administrator make an account and the security administrator give its roles."""
        person = self._person(login, name, roles)
        made = await self.admin("sys").post("/api/v1/users", {"login": login, "name": name})
        person.password, person.user_id = made["password"], made["user"]["id"]
        for role in roles:
            what, _, scope = role.partition("@")
            grant = {"user_id": person.user_id, "role": what, "scope": scope}
            await self.admin("sec").post("/api/v1/grants", grant)
        await self._settle(person)
        return person

    async def register(self, login: str, name: str, role: str, party: dict[str, Any]) -> Person:
        """Register a party and its first person by the one form (一表申请, 告知承诺)."""
        code = party_code(party)
        person = self._person(login, name, (f"{role}@party:{code}",))
        person.password = PASSWORD.format(login=login)
        profile = {
            "name": party["name"],
            "legal_representative": party.get("leader", name),
            "address": "内蒙古自治区锡林郭勒盟",
            "contact": name,
            "phone": "0479-8210000",
            "region": MAIN,
        }
        form = {"login": login, "password": person.password, "name": name, "role": role, "uscc": code}
        commitment = {"version": COMMITMENT_VERSION, "signed_by": name}
        made = await person.client.post("/api/v1/registrations", form | {"profile": profile, "commitment": commitment})
        person.user_id = made["id"]
        await self._settle(person)
        return person

    def admin(self, kind: str) -> Client:
        """Return the client of the administrator whose login begins so: sys, sec, audit."""
        return next(person.client for login, person in self.people.items() if login.startswith(kind))

    def logins(self) -> list[dict[str, str]]:
        """Return who may sign in with what."""
        return [
            {"login": one.login, "name": one.name, "password": one.password, "roles": ", ".join(one.roles)}
            for one in self.people.values()
        ]

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(person.client.__aexit__(None, None, None) for person in self.people.values()))

    def _person(self, login: str, name: str, roles: tuple[str, ...]) -> Person:
        person = Person(
            login, name, roles, Client(self.url), keyfile.create(self.entropy), self.folder / f"{login}.key"
        )
        self.people[login] = person
        return person

    async def _settle(self, person: Person) -> None:
        """Sign in, enrol a second factor where the role needs one, save the key file, enrol the device key."""
        await person.client.sign_in(person.login, person.password)
        if (await person.client.get("/api/v1/me"))["pending"]:
            await factor.enrol(person.client, SystemClock(), shown=True)
        keyfile.save(person.path, person.key, PASSPHRASE, entropy=self.entropy, strength=QUICK)
        await device.enrol(person.client, person.key)


def party_code(party: dict[str, Any]) -> str:
    """Return the party's 统一社会信用代码 with its check digit."""
    body: str = party["body"]
    return body + uscc.calc_check_digit(body)


def bidders(count: int) -> list[dict[str, Any]]:
    """Return so many bidders: those of the story first, then invented ones."""
    named = story()["bidder"]
    more = [
        {
            "body": f"91152502MA1{number:06d}",
            "name": f"演示投标人{number:03d}有限公司",
            "leader": f"演示负责人{number:03d}",
        }
        for number in range(len(named) + 1, count + 1)
    ]
    return [*named, *more][:count]

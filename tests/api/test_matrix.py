"""Who may call what: every operation of the API by every role, on a trade before its opening.

`+` is allowed (carried out, or refused for another reason than who asks), `1` is 401, `3` is 403, `4` is 404. What is
there for nobody at this stage (records, reports, filed packages) is a row of 4. The columns are the roles of
`tests.api.staged.GRANTS`, in order: nobody; the bidder, a rival; the purchaser, another's agency; acceptance, witness,
archivist, supervisor of the site, and the same four of another site; a member of the committee, another expert; the
system, security and audit administrator.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar

from tests.api import staged
from tests.api.hostile import Description, Operation
from tests.api.staged import GRANTS, Staged

Make = Callable[..., Awaitable[Any]]
MARKS = {401: "1", 403: "3", 404: "4"}
OUTSIDERS = ("nobody", "bidder", "witness there", "expert", "audit")
FAILED, MALFORMED = 500, 400

MATRIX = """
4+4444444444444444 GET    /api/v1/bids/{bid_id}
4+4444444444444444 POST   /api/v1/bids/{bid_id}/confirmation
444444444444444444 GET    /api/v1/bids/{bid_id}/confirmation/receipt.digest
444444444444444444 GET    /api/v1/bids/{bid_id}/confirmation/receipt.json
444444444444444444 GET    /api/v1/bids/{bid_id}/confirmation/receipt.proof
444444444444444444 GET    /api/v1/bids/{bid_id}/confirmation/receipt.tsr
444444444444444444 GET    /api/v1/bids/{bid_id}/confirmation/receipt.zip
4+4444444444444444 GET    /api/v1/bids/{bid_id}/files
444444444444444444 GET    /api/v1/bids/{bid_id}/files/{kind}/{position}
4+4444444444444444 GET    /api/v1/bids/{bid_id}/receipt.digest
4+4444444444444444 GET    /api/v1/bids/{bid_id}/receipt.json
4+4444444444444444 GET    /api/v1/bids/{bid_id}/receipt.proof
4+4444444444444444 GET    /api/v1/bids/{bid_id}/receipt.tsr
4+4444444444444444 GET    /api/v1/bids/{bid_id}/receipt.zip
4+4444444444444444 POST   /api/v1/bids/{bid_id}/withdrawal
444444444444444444 GET    /api/v1/bids/{bid_id}/withdrawal/receipt.digest
444444444444444444 GET    /api/v1/bids/{bid_id}/withdrawal/receipt.json
444444444444444444 GET    /api/v1/bids/{bid_id}/withdrawal/receipt.proof
444444444444444444 GET    /api/v1/bids/{bid_id}/withdrawal/receipt.tsr
444444444444444444 GET    /api/v1/bids/{bid_id}/withdrawal/receipt.zip
44444++++++++44444 GET    /api/v1/bookings
444444444444444444 POST   /api/v1/bookings
444444444444444444 POST   /api/v1/bookings/{booking_id}/cancellation
333333333333333+33 PUT    /api/v1/calendar/{day}
++++++++++++++++++ GET    /api/v1/calendar/{year}/{month}
++++++++++++++++++ GET    /api/v1/ceremonies
333333333333333333 POST   /api/v1/ceremonies
444444444444444444 GET    /api/v1/ceremonies/{ceremony_id}
444444444444444444 POST   /api/v1/ceremonies/{ceremony_id}/abort
444444444444444444 POST   /api/v1/ceremonies/{ceremony_id}/certificate
444444444444444444 GET    /api/v1/ceremonies/{ceremony_id}/certificates
444444444444444444 POST   /api/v1/ceremonies/{ceremony_id}/complaint
444444444444444444 POST   /api/v1/ceremonies/{ceremony_id}/deal
444444444444444444 GET    /api/v1/ceremonies/{ceremony_id}/deals
1+++++++++++++++++ GET    /api/v1/credentials
1+4444444444444444 DELETE /api/v1/credentials/{credential_id}
444+4++++444444444 GET    /api/v1/documents/{document_id}/content
444+44+4+444444444 GET    /api/v1/draws/{draw_id}
444444+44444444444 POST   /api/v1/draws/{draw_id}/abandonment
444+44+4+444444444 GET    /api/v1/draws/{draw_id}/calls
444+44+4+444444444 POST   /api/v1/draws/{draw_id}/commitments
444+44+4+444444444 POST   /api/v1/draws/{draw_id}/reveals
444444444444444444 GET    /api/v1/draws/{draw_id}/sealed
444+44+4+444444444 POST   /api/v1/draws/{draw_id}/seed
444444444444444444 POST   /api/v1/draws/{draw_id}/shares
444+44+4+444444444 POST   /api/v1/draws/{draw_id}/timeouts
444444444444444444 GET    /api/v1/draws/{draw_id}/transcript
44444444+444+44444 GET    /api/v1/experts
44444444+444+44444 POST   /api/v1/experts/import
44444444+444+44444 GET    /api/v1/experts/{expert_id}
44444444+444+44444 POST   /api/v1/experts/{expert_id}/account
44444444+444+44444 POST   /api/v1/experts/{expert_id}/changes
333++++++++++33333 POST   /api/v1/files/{sha256}
333++++++++++33333 PUT    /api/v1/files/{sha256}
333++++++++++33333 GET    /api/v1/files/{sha256}/parts
333++++++++++33333 PUT    /api/v1/files/{sha256}/parts/{number}
1333333333333333+3 POST   /api/v1/grants
133333333333333343 DELETE /api/v1/grants/{grant_id}
++++++++++++++++++ GET    /api/v1/halls
333333333333333333 POST   /api/v1/halls
++++++++++++++++++ GET    /api/v1/installation
++++++++++++++++++ GET    /api/v1/invitations
444444444444444444 POST   /api/v1/invitations/{draw_id}/answer
444444444444444444 POST   /api/v1/invitations/{draw_id}/recusal
++++++++++++++++++ GET    /api/v1/lots/{lot_id}
333433333333333333 POST   /api/v1/lots/{lot_id}/answers
333+33333333333333 POST   /api/v1/lots/{lot_id}/award
++++++++++++++++++ GET    /api/v1/lots/{lot_id}/bids
4+4444444444444444 POST   /api/v1/lots/{lot_id}/bids
444444444444444444 GET    /api/v1/lots/{lot_id}/candidates
444+44+4+4444+4444 GET    /api/v1/lots/{lot_id}/committee
444+44444444444444 POST   /api/v1/lots/{lot_id}/committee
4444444444444+4444 POST   /api/v1/lots/{lot_id}/committee/declarations
444444444444444444 POST   /api/v1/lots/{lot_id}/committee/leader
444444444444444444 POST   /api/v1/lots/{lot_id}/committee/replacements
444444+4+444444444 POST   /api/v1/lots/{lot_id}/committee/successors
333+33333333333333 PUT    /api/v1/lots/{lot_id}/deadline
444+44+4+444444444 GET    /api/v1/lots/{lot_id}/draws
444444+44444444444 POST   /api/v1/lots/{lot_id}/draws
4444444444444+4444 GET    /api/v1/lots/{lot_id}/evaluation
4444444444444+4444 POST   /api/v1/lots/{lot_id}/evaluation
4444444444444+4444 GET    /api/v1/lots/{lot_id}/evaluation/drafts
4444444444444+4444 PUT    /api/v1/lots/{lot_id}/evaluation/drafts/{bid_id}
4444444444444+4444 GET    /api/v1/lots/{lot_id}/evaluation/report
4444444444444+4444 POST   /api/v1/lots/{lot_id}/evaluation/report
4444444444444+4444 POST   /api/v1/lots/{lot_id}/evaluation/report/end
4444444444444+4444 POST   /api/v1/lots/{lot_id}/evaluation/report/opinions
444444444444444444 POST   /api/v1/lots/{lot_id}/evaluation/report/refusals
4444444444444+4444 POST   /api/v1/lots/{lot_id}/evaluation/sheets
4444444444444+4444 POST   /api/v1/lots/{lot_id}/evaluation/technical
4444444444444+4444 POST   /api/v1/lots/{lot_id}/evaluation/votes
444444444444444444 GET    /api/v1/lots/{lot_id}/issues
3+3333333333333333 POST   /api/v1/lots/{lot_id}/issues
++++++++++++++++++ GET    /api/v1/lots/{lot_id}/opening-key
33333++33333333333 POST   /api/v1/lots/{lot_id}/opening-key
444444444444444444 GET    /api/v1/lots/{lot_id}/openings/{stage}
333333+33333333333 POST   /api/v1/lots/{lot_id}/openings/{stage}
444444444444444444 GET    /api/v1/lots/{lot_id}/openings/{stage}/record.digest
444444444444444444 GET    /api/v1/lots/{lot_id}/openings/{stage}/record.json
444444444444444444 GET    /api/v1/lots/{lot_id}/openings/{stage}/record.proof
444444444444444444 GET    /api/v1/lots/{lot_id}/openings/{stage}/record.tsr
444444444444444444 GET    /api/v1/lots/{lot_id}/openings/{stage}/record.zip
4+++++++++++++++++ GET    /api/v1/lots/{lot_id}/openings/{stage}/request
4+++++++++++++++++ POST   /api/v1/lots/{lot_id}/openings/{stage}/shares
444444444444444444 POST   /api/v1/lots/{lot_id}/publicity
++++++++++++++++++ GET    /api/v1/lots/{lot_id}/questions
3+3333333333333333 POST   /api/v1/lots/{lot_id}/questions
444444444444444444 GET    /api/v1/lots/{lot_id}/report
444444444444444444 GET    /api/v1/lots/{lot_id}/report.pdf
++++++++++++++++++ GET    /api/v1/lots/{lot_id}/seal-target
333+33+33333333333 POST   /api/v1/lots/{lot_id}/steps
3+3333333333333333 POST   /api/v1/lots/{lot_id}/uploads
1+++++++++++++++++ GET    /api/v1/me
111111111111111111 POST   /api/v1/me/confirmation
1+++++++++++++++++ DELETE /api/v1/me/device
1+++++++++++++++++ PUT    /api/v1/me/device
1+++++++++++++++++ POST   /api/v1/me/device/challenge
1+++++++++++++++++ GET    /api/v1/me/devices
1+++++++++++++++++ GET    /api/v1/me/factors
1+++++++++++++++++ POST   /api/v1/me/factors/passkey
1+++++++++++++++++ POST   /api/v1/me/factors/passkey/options
1+++++++++++++++++ POST   /api/v1/me/factors/totp
144444444444444444 POST   /api/v1/me/factors/totp/{factor_id}
144444444444444444 DELETE /api/v1/me/factors/{factor_id}
111111111111111111 PUT    /api/v1/me/password
111111111111111111 POST   /api/v1/me/proof
1+++++++++++++++++ POST   /api/v1/me/proof/passkey
144444444444444444 POST   /api/v1/me/proof/passkey/options
144444444444444444 POST   /api/v1/me/recovery-codes
++++++++++++++++++ GET    /api/v1/notices
++++++++++++++++++ GET    /api/v1/notices/{notice_id}
33333+333+33333333 POST   /api/v1/parties
44444+44++44+44444 GET    /api/v1/parties/{uscc}
33333+333+33333333 PUT    /api/v1/parties/{uscc}
44444+44++44+44444 GET    /api/v1/parties/{uscc}/history
++++++++++++++++++ POST   /api/v1/registrations
133333333333333+33 POST   /api/v1/sandbox/clock
111111111111111111 POST   /api/v1/sessions
++++++++++++++++++ GET    /api/v1/sites
333333333333333+33 POST   /api/v1/sites
333333333333333+33 PUT    /api/v1/sites/{code}
++++++++++++++++++ GET    /api/v1/tenders
333+33333333333333 POST   /api/v1/tenders
++++++++++++++++++ GET    /api/v1/tenders/{tender_id}
333+33333333333333 PUT    /api/v1/tenders/{tender_id}
444444444444444444 GET    /api/v1/tenders/{tender_id}/archive
4444444+4444444444 POST   /api/v1/tenders/{tender_id}/archive
444444444444444444 GET    /api/v1/tenders/{tender_id}/archive/completeness
444444444444444444 GET    /api/v1/tenders/{tender_id}/archive/package.tar
444444444444444444 GET    /api/v1/tenders/{tender_id}/archive/receipt.digest
444444444444444444 GET    /api/v1/tenders/{tender_id}/archive/receipt.json
444444444444444444 GET    /api/v1/tenders/{tender_id}/archive/receipt.proof
444444444444444444 GET    /api/v1/tenders/{tender_id}/archive/receipt.tsr
444444444444444444 GET    /api/v1/tenders/{tender_id}/archive/receipt.zip
++++++++++++++++++ GET    /api/v1/tenders/{tender_id}/bookings
333+33333333333333 POST   /api/v1/tenders/{tender_id}/clarifications
++++++++++++++++++ GET    /api/v1/tenders/{tender_id}/documents
333+3++33333333333 POST   /api/v1/tenders/{tender_id}/documents
333+33333333333333 POST   /api/v1/tenders/{tender_id}/steps
111111111111111111 POST   /api/v1/tokens
44444444+444+4444+ GET    /api/v1/trail
++++++++++++++++++ GET    /api/v1/trail/consistency
444444444444444444 GET    /api/v1/trail/stamp
44444444444444444+ GET    /api/v1/trail/{index}
++++++++++++++++++ GET    /api/v1/trail/{index}/proof
++++++++++++++++++ GET    /api/v1/transcripts/{transcript_hash}
4+4444444444444444 GET    /api/v1/uploads/{upload_id}
4+4444444444444444 PUT    /api/v1/uploads/{upload_id}/{kind}/{number}
444444444444444+++ GET    /api/v1/users
133333333333333+33 POST   /api/v1/users
133333333333333+33 DELETE /api/v1/users/{user_id}
1333333333333333+3 DELETE /api/v1/users/{user_id}/factors
444444444444444+++ GET    /api/v1/users/{user_id}/grants
++++++++++++++++++ GET    /client.json
++++++++++++++++++ GET    /client.proof
++++++++++++++++++ GET    /client.sha256
++++++++++++++++++ GET    /log/checkpoint
++++++++++++++++++ GET    /log/tile/{place}
++++++++++++++++++ GET    /log/vkey
++++++++++++++++++ POST   /tsa
++++++++++++++++++ GET    /tsa/chain.pem
"""


@pytest.fixture
def described(app: Litestar) -> Description:
    """The API's own description."""
    return Description(app, {"none": "none"})


@pytest.fixture
async def trade(
    app: Litestar, client: httpx.AsyncClient, described: Description, someone: Make, tmp_path: Path
) -> Staged:
    """A trade before its opening, with a bid in it, a draw, a committee, and people of all roles."""
    return await staged.build(app, client, someone, tmp_path, described.schemas)


async def test_who_may_call_what(trade: Staged, described: Description) -> None:
    """The table above is what the API does; an operation without a row fails."""
    found = [f"{await row(trade, each)} {each.method:6} {each.path}" for each in described.operations]
    assert found == MATRIX.strip().splitlines()


async def test_what_is_not_announced_does_not_exist(trade: Staged, described: Description) -> None:
    """To outsiders every operation on a draft answers with the status of a trade that was never there."""
    trade.known |= await staged.draft(trade)
    never = {"lot_id": str(UUID(int=77)), "tender_id": str(UUID(int=78))}
    await compare(trade, described, never, OUTSIDERS, lambda answer: answer.status_code)


async def test_what_is_not_yours_answers_as_if_it_did_not_exist(trade: Staged, described: Description) -> None:
    """A bid, an upload, a draw, an expert: the refusal of the real one is word for word that of an invented one."""
    never = {name: str(UUID(int=79)) for name in ("bid_id", "upload_id", "draw_id", "expert_id", "document_id")}
    await compare(trade, described, never, ("nobody", "rival", "witness there", "system"), lambda answer: answer.text)


async def test_no_answer_tells_of_a_bid(trade: Staged, described: Description) -> None:
    """Before the opening no reader but the bidder finds the bid's id or its upload's in any answer."""
    for role in sorted(GRANTS.keys() - {"bidder"}):
        for operation in described.operations:
            if operation.method == "GET" and "{user_id}" not in operation.path:
                answer = await trade.ask(operation, role)
                for secret in (trade.known["bid_id"], trade.known["upload_id"]):
                    assert secret not in answer.text.replace(str(answer.url), ""), (operation.path, role)


async def compare(
    trade: Staged,
    described: Description,
    never: dict[str, str],
    roles: tuple[str, ...],
    told: Callable[[httpx.Response], Any],
) -> None:
    """Send each operation for what is there and for what was never there; the answers must be the same."""
    differing = []
    for operation in described.operations:
        if not {one["name"] for one in operation.parameters} & set(never):
            continue
        for role in roles:
            real, invented = await trade.ask(operation, role), await trade.ask(operation, role, never)
            if told(real) != told(invented):
                differing.append(f"{operation.method} {operation.path} {role} {told(real)} {told(invented)}")
    assert differing == []


async def row(trade: Staged, operation: Operation) -> str:
    """Return what an operation answers to each role."""
    marks = ""
    for role in GRANTS:
        answer = await trade.ask(operation, role)
        assert answer.status_code < FAILED, (operation, role, answer.text)
        assert answer.status_code != MALFORMED, (operation, role, answer.text)
        marks += MARKS.get(answer.status_code, "+")
    return marks

"""The form by which a round of drawing is prepared, read into conditions; the services decide what is allowed."""

from api.web import Form
from experts.draws import Conditions
from experts.quota import Quota
from experts.rounds import Beacon
from kernel.errors import GgzyError

QUOTAS = 6


def conditions(form: Form) -> Conditions:
    """Return what the form asks for; rows without a specialty are left out. Raises ``draw.bad_conditions``."""
    try:
        return Conditions(
            quotas=tuple(_quota(form, row) for row in range(1, QUOTAS + 1) if form[f"specialty_{row}"]),
            representatives=int(form["representatives"] or 0),
            reason=form["reason"],
            per_expert=int(form["per_expert"]) if form["per_expert"] else None,
            per_employer=int(form["per_employer"]) if form["per_employer"] else None,
            beacon=Beacon(form["chain"].lower(), int(form["beacon_round"])) if form["chain"] else None,
            release_minutes=int(form["release_minutes"] or 30),
            answer_minutes=int(form["answer_minutes"] or 30),
        )
    except ValueError as error:
        raise GgzyError("draw.bad_conditions") from error


def signature(form: Form) -> bytes | None:
    """Return the beacon's signature, None where none was given; ``field.unfit`` for what is no hex."""
    try:
        return bytes.fromhex(form["beacon_signature"]) or None
    except ValueError as error:
        raise GgzyError("field.unfit") from error


def _quota(form: Form, row: int) -> Quota:
    return Quota(form[f"specialty_{row}"].upper(), int(form[f"count_{row}"] or 1), form[f"site_{row}"] or None)

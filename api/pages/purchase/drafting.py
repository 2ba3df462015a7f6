"""From the fields of the steps to a `TenderDraft` and back. What was typed is kept as typed until it is registered.

What a sketch holds: ``{"project": fields, "lots": {"1": fields, …}}``, each a dict of texts by the name of the field;
those of the tables that grow are `api.web.rows`'.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, get_args

import msgspec

from api.web import Form, values
from api.web.rows import Rows
from kernel.errors import GgzyError
from trading.draft import (
    Code,
    Division,
    EnvelopeDraft,
    Evaluation,
    Item,
    LotDraft,
    Number,
    Points,
    TenderDraft,
    check_lot,
)
from trading.lot import EnvelopeKind
from trading.rulepack import Pack
from trading.text import Line

KINDS = tuple(str(kind) for kind in EnvelopeKind)
STAGES = ("1", "2")
INVITEES = Rows(("invitee",), 100)
# What has items: the parts that are scored, and the deviations that are quantified.
ITEMS = {kind: Rows((f"{kind}_item", f"{kind}_points"), 18) for kind in ("qualification", "technical", "deviation")}
PROJECT = ("title", "site", "region", "purchaser", "agency", "method", "funding")
SHOWN = ("title", "site", "region", "purchaser", "agency", "funding", "method")
"""The fields of the project as they stand on the page; the table of who is invited follows."""
AMOUNTS = ("title", "estimate", "ceiling", "bond")
NUMBERS = ("dropped", "factor", "above", "below")
FLAGS = ("trimmed", "technical_first")
TERMS = (
    "deadline",
    *KINDS,
    *(f"weight_{kind}" for kind in KINDS),
    "evaluation",
    "formula",
    *NUMBERS,
    *FLAGS,
    "threshold",
    "custodians",
)
USUAL = {
    "qualification": "1",
    "technical": "1",
    "price": "1",
    "weight_qualification": "10",
    "weight_technical": "60",
    "weight_price": "30",
    "evaluation": "comprehensive",
    "formula": "lowest_price",
    "threshold": "2",
    "custodians": "3",
}
# At which field of the steps a refusal of `trading.draft` belongs.
PLACES = {
    "lot.bond_too_high": "bond",
    "lot.bad_envelopes": "price",
    "lot.bad_weights": "weight_price",
    "lot.bad_quorum": "threshold",
    "lot.policy_not_offered": "threshold",
    "deadline.out_of_range": "deadline",
    "tender.own_agency": "agency",
    "tender.bad_invitees": "invitee",
    "tender.not_the_tenderer": "purchaser",
    "tender.code_fixed": "site",
}


@dataclass(slots=True)
class Work:
    """What a sketch holds."""

    project: dict[str, str] = field(default_factory=dict)
    lots: dict[int, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "Work":
        """Read a sketch's content."""
        lots = {int(number): dict(fields) for number, fields in content.get("lots", {}).items()}
        return cls(dict(content.get("project", {})), dict(sorted(lots.items())))

    def content(self) -> dict[str, Any]:
        """Return what a sketch keeps."""
        return {"project": self.project, "lots": {str(number): fields for number, fields in self.lots.items()}}

    @property
    def next_number(self) -> int:
        """The number of a further lot."""
        return max(self.lots, default=0) + 1


def formulas() -> tuple[str, ...]:
    """Return the price formulas that an evaluation plan may name."""
    return get_args(next(one.type for one in msgspec.structs.fields(Evaluation) if one.name == "formula"))


def typed(form: Form, names: tuple[str, ...], *tables: Rows) -> dict[str, str]:
    """Return the fields of a step as they were typed."""
    found = {name: form[name] for name in names}
    for table in tables:
        found |= table.typed(form)
    return found


def refilled(fields: Mapping[str, str]) -> Form:
    """Return a form that shows what was typed."""
    return Form({name: [text] for name, text in fields.items()})


def project(form: Form) -> dict[str, Any] | None:
    """Read the step of the project; None where something is wrong, which is told at its field."""
    found = {
        "title": values.text(form, "title", Line),
        "site": values.text(form, "site", Division),
        "region": values.text(form, "region", Division),
        "purchaser": values.text(form, "purchaser", Code),
        "agency": values.text(form, "agency", Code, required=False),
        "funding": values.text(form, "funding", Line),
    }
    if form["method"] not in ("public", "invited"):
        form.refuse(GgzyError("field.unchosen"), "method")
    invitees = tuple(values.text(form, f"invitee-{number}", Code) for number in INVITEES.filled(form))
    return None if form.problems else found | {"method": form["method"], "invitees": invitees}


def amounts(form: Form) -> dict[str, Any] | None:
    """Read the step of a lot's title and amounts."""
    found = {
        "title": values.text(form, "title", Line),
        "estimate": values.amount(form, "estimate"),
        "ceiling": values.amount(form, "ceiling", required=False),
        "bond": values.amount(form, "bond", required=False) or Decimal(0),
    }
    return None if form.problems else found


def lot(form: Form, number: int, pack: Pack) -> LotDraft | None:
    """Read a whole lot, amounts and terms, and have `trading.draft` check it; what is wrong is told at its field."""
    stated = amounts(form)
    deadline = values.moment(form, "deadline")
    threshold, custodians = values.text(form, "threshold", int), values.text(form, "custodians", int)
    evaluation = _evaluation(form)
    if form.problems or stated is None or evaluation is None:
        return None
    envelopes = tuple(EnvelopeDraft(EnvelopeKind(kind), int(form[kind])) for kind in KINDS if form[kind] in STAGES)
    told = {"deadline": deadline, "threshold": threshold, "custodians": custodians, **stated}
    raw = LotDraft(number=number, envelopes=envelopes, evaluation=evaluation, **told)
    try:
        draft = msgspec.convert(msgspec.to_builtins(raw), LotDraft)
        check_lot(draft, pack)
    except msgspec.ValidationError:
        form.refuse(GgzyError("lot.bad_quorum", lot=number, threshold=threshold, custodians=custodians), "threshold")
        return None
    except GgzyError as error:
        form.refuse(error, place(error))
        return None
    return draft


def tender(work: Work, pack: Pack) -> TenderDraft:
    """Return the whole draft; raises the first refusal of a step that is not ready (``sketch.not_ready``)."""
    stated = project(refilled(work.project)) if work.project else None
    drafts = [lot(refilled(fields), number, pack) for number, fields in work.lots.items()]
    ready = [draft for draft in drafts if draft is not None]
    if stated is None or not ready or len(ready) != len(drafts):
        raise GgzyError("sketch.not_ready")
    return TenderDraft(lots=tuple(ready), **stated)


def place(error: GgzyError) -> str:
    """Return the field at which a refusal belongs."""
    if error.code == "lot.bad_amount":
        return str(error.params["field"])
    if error.code == "lot.bad_parameter":
        name = str(error.params["parameter"])
        return name if name in (*NUMBERS, *FLAGS) else ITEMS[name.partition("_")[0]].name
    return PLACES.get(error.code, "")


def fields_of(draft: LotDraft) -> dict[str, str]:
    """Return the fields that show a lot as it was stated."""
    given = dict(draft.evaluation.parameters)
    stages = {str(rule.kind): str(rule.stage) for rule in draft.envelopes}
    weights = {str(kind): points for kind, points in draft.evaluation.weights.items()}
    shown = {
        "title": draft.title,
        "estimate": str(draft.estimate),
        "ceiling": "" if draft.ceiling is None else str(draft.ceiling),
        "bond": str(draft.bond),
        "deadline": "" if draft.deadline is None else values.local(draft.deadline),
        "evaluation": draft.evaluation.method,
        "formula": draft.evaluation.formula,
        "threshold": str(draft.threshold),
        "custodians": str(draft.custodians),
    }
    shown |= {kind: stages.get(kind, "0") for kind in KINDS}
    shown |= {f"weight_{kind}": weights.get(kind, "") for kind in KINDS}
    shown |= {name: given.pop(name, "") for name in (*NUMBERS, *FLAGS)}
    for kind, table in ITEMS.items():
        own = sorted((name, points) for name, points in given.items() if name.startswith(f"{kind}_"))
        shown |= table.fields((name.removeprefix(f"{kind}_"), points) for name, points in own)
    return shown


def _evaluation(form: Form) -> Evaluation | None:
    weights = {kind: form[f"weight_{kind}"] for kind in KINDS if form[kind] in STAGES and form[f"weight_{kind}"]}
    parameters = {name: form[name] for name in (*NUMBERS, *FLAGS) if form[name]} | _items(form)
    stated = {"method": form["evaluation"], "formula": form["formula"], "weights": weights, "parameters": parameters}
    try:
        return msgspec.convert(stated, Evaluation)
    except msgspec.ValidationError as error:
        form.refuse(GgzyError("field.unfit"), _wrong_place(str(error)))
        return None


def _items(form: Form) -> dict[str, str]:
    """Return the parameters that the tables of items state; what is wrong is told at its cell."""
    found: dict[str, str] = {}
    for kind, table in ITEMS.items():
        for number in table.filled(form):
            item = values.text(form, f"{kind}_item-{number}", Item)
            points = values.text(form, f"{kind}_points-{number}", Number if kind == "deviation" else Points)
            name = f"{kind}_{item}"
            if name in found or name in FLAGS:
                form.refuse(GgzyError("field.twice"), f"{kind}_item-{number}")
            elif item is not None and points is not None:
                found[name] = points
    return found


def _wrong_place(told: str) -> str:
    """Return the field of which msgspec complains: ``… - at `$.weights[...]` ``."""
    part = told.rpartition("`$.")[2]
    if part.startswith("weights"):
        return "weight_price"
    if part.startswith("parameters"):
        return "factor"
    return "evaluation" if part.startswith("method") else "formula"

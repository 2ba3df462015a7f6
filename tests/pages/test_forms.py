"""What a form does with refusals."""

import pytest

from api.web import Form
from kernel.errors import GgzyError, Kind, not_found, unless_missing

PLACES = {"deadline": "deadline", "lot.no_reason": "reason", "": "other"}


@pytest.mark.parametrize(
    ("code", "field"), [("deadline.too_soon", "deadline"), ("lot.no_reason", "reason"), ("lot.suspended", "other")]
)
def test_a_refusal_stands_at_its_field(code: str, field: str) -> None:
    """A refusal is told where its code says, or its noun, or where all others are."""
    form = Form()
    with form.trying(PLACES):
        raise GgzyError(code)
    assert [(one.field, one.error.code) for one in form.problems] == [(field, code)]


def test_what_a_form_names_and_does_not_exist_is_told_at_the_form() -> None:
    """An unknown login in a field is the form's mistake; a lot that one may not see has no form at all."""
    form = Form()
    with form.trying("login", missing=["account.not_found"]):
        raise not_found("account")
    assert [one.field for one in form.problems] == ["login"]
    with pytest.raises(GgzyError), form.trying("login", missing=["account.not_found"]):
        raise not_found("lot")
    with pytest.raises(ZeroDivisionError), form.trying():
        raise ZeroDivisionError


async def test_only_what_is_missing_is_passed_over() -> None:
    """Nothing found is None; a refusal of another kind is not taken for it."""

    async def work(error: GgzyError | None) -> int:
        if error is not None:
            raise error
        return 1

    assert await unless_missing(work(None)) == 1
    assert await unless_missing(work(not_found("package"))) is None
    with pytest.raises(GgzyError):
        await unless_missing(work(GgzyError("package.outdated", Kind.CONFLICT)))

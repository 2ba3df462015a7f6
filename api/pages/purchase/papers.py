"""Documents of a tender: a file goes into the store under its SHA-256 first, then it is attached under kind and title.

With JavaScript the browser hashes the file in a Worker and sends it with its progress (`js/purchase/upload.js`), up to
2 GiB; without it a small file comes with the form.
"""

import hashlib
import mimetypes
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import msgspec
from litestar import Controller, Response, get, post
from litestar.datastructures import UploadFile
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import policy
from api.pages.purchase import tender as tenders
from api.web import PAGE, Form, Page, page, see, values
from archive.store import ObjectStore
from kernel.actor import Actor
from kernel.entropy import Entropy
from kernel.errors import GgzyError, permit
from trading import documents, files
from trading.documents import DocumentDraft
from trading.lot import UNANNOUNCED

SMALL = 16 << 20
CHUNK = 1 << 20
FIRST = ("tender_documents", "drawings", "bill_of_quantities", "ceiling_price")
LATER = ("contract", "minutes")
ALWAYS = ("entry", "commission", "approval", "other")


class Papers(Controller):
    """The documents of a tender."""

    path = "/purchase/tenders/{tender_id:uuid}/documents"
    include_in_schema = False
    opt = PAGE

    @get()
    async def show(self, tender_id: UUID, request: Page, session: AsyncSession, actor: Actor) -> Response[bytes]:
        """Show what is attached and the form for more."""
        permit(policy.must_be_person(actor))
        asked = {name: request.query_params.get(name, "") for name in ("kind", "lot")}
        form = Form.of(**{name: value for name, value in asked.items() if value})
        return await _show(request, session, actor, tender_id, form)

    @post(request_max_body_size=SMALL + (1 << 20))
    async def attach(
        self,
        *,
        tender_id: UUID,
        request: Page,
        session: AsyncSession,
        actor: Actor,
        entropy: Entropy,
        store: ObjectStore,
    ) -> Response[Any]:
        """Attach a file that is in the store, or one that comes with the form."""
        permit(policy.must_be_person(actor))  # before so large a form is read
        form = await Form.read(request)
        with form.trying({"document": "kind", "field.unfit": "title", "": "file"}, missing=["file.not_found"]):
            await tenders.own(session, actor, tender_id)
            found = await drafted(session, actor, store, form, entropy=entropy)
            if found is None:
                raise GgzyError("field.no_file")
            await documents.attach(session, actor, tender_id, found, entropy=entropy)
            return see(f"/purchase/tenders/{tender_id}/documents", done="document_attached")
        return await _show(request, session, actor, tender_id, form)


async def _show(request: Page, session: AsyncSession, actor: Actor, tender_id: UUID, form: Form) -> Response[bytes]:
    tender = await tenders.own(session, actor, tender_id)
    before = all(lot.state in UNANNOUNCED for lot in tender.lots)
    return page(
        request,
        "purchase/documents.html",
        form=form,
        tender=tender,
        documents=await documents.of_tender(session, actor, tender_id),
        kinds=(*FIRST, *ALWAYS) if before else (*LATER, *ALWAYS),
    )


async def drafted(
    session: AsyncSession, actor: Actor, store: ObjectStore, form: Form, *, entropy: Entropy, row: str = ""
) -> DocumentDraft | None:
    """Return the document of one row of a form, its file being in the store; None where no file was chosen.

    The row's fields are ``kind``, ``lot``, ``title`` and ``file``, or ``sha256``, ``media_type`` and ``name`` from the
    browser's own upload, each with `row` after it. Raises ``field.unfit``, and what `files` raises.
    """
    file = form.file(f"file{row}")
    sha256 = form[f"sha256{row}"] or await _absorbed(session, actor, store, file, entropy=entropy)
    if not sha256:
        return None
    title = form[f"title{row}"] or (file.filename if file else "") or form[f"name{row}"]
    media = form[f"media_type{row}"] or mimetypes.guess_type(title)[0] or "application/octet-stream"
    lot = values.whole(form[f"lot{row}"])
    stated = {"kind": form[f"kind{row}"], "title": title, "sha256": sha256, "media_type": media.lower(), "lot": lot}
    try:
        return msgspec.convert(stated, DocumentDraft)
    except msgspec.ValidationError as error:
        raise GgzyError("field.unfit") from error


async def _absorbed(
    session: AsyncSession, actor: Actor, store: ObjectStore, file: UploadFile | None, *, entropy: Entropy
) -> str:
    """Put a form's own file into the store and return its digest; "" where there is none."""
    if file is None:
        return ""
    digest = hashlib.sha256()
    async for chunk in _chunks(file):
        digest.update(chunk)
    size = await files.absorb(store, actor, digest.digest(), _chunks(file), limit=SMALL)
    await files.keep(session, actor, digest.digest(), size, entropy=entropy)
    return digest.hexdigest()


async def _chunks(file: UploadFile) -> AsyncIterator[bytes]:
    await file.seek(0)
    while chunk := await file.read(CHUNK):
        yield chunk

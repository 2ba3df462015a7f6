"""A drawing set of any size: a valid PDF of scanned A3 sheets (8-bit grey), written as a stream."""

from collections.abc import Iterator
from pathlib import Path

WIDTH, HEIGHT = 3508, 2480  # A3 at 212 dpi: one sheet is 8.7 MB of grey
CONTENT = b"q 1191 0 0 842 0 0 cm /I Do Q BT 1 0 0 rg /F 18 Tf 60 800 Td (SANDBOX - NO LEGAL EFFECT) Tj ET"


def write(out: Path, megabytes: int) -> Path:
    """Write as many sheets as make about `megabytes` MB (at least one); never more than one sheet in memory."""
    count = max(1, megabytes * 1_000_000 // (WIDTH * HEIGHT))
    offsets: list[int] = []
    with out.open("wb") as file:
        file.write(b"%PDF-1.7\n%\xe5\x9b\xbe\xe7\xba\xb8\n")
        for body in _objects(count):
            offsets.append(file.tell())
            file.write(b"%d 0 obj\n" % len(offsets))
            file.writelines(body)
            file.write(b"\nendobj\n")
        start = file.tell()
        file.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1))
        file.writelines(b"%010d 00000 n \n" % offset for offset in offsets)
        file.write(b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(offsets) + 1, start))
    return out


def _objects(count: int) -> Iterator[list[bytes]]:
    """Yield catalogue, page tree, then page, content and image of every sheet, in object order."""
    kids = b" ".join(b"%d 0 R" % (3 + 3 * sheet) for sheet in range(count))
    yield [b"<< /Type /Catalog /Pages 2 0 R >>"]
    yield [b"<< /Type /Pages /Count %d /Kids [%s] >>" % (count, kids)]
    for sheet in range(count):
        page = 3 + 3 * sheet
        yield [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1191 842] /Contents %d 0 R " % (page + 1),
            b"/Resources << /XObject << /I %d 0 R >> /Font << /F << /Type /Font /Subtype /Type1 " % (page + 2),
            b"/BaseFont /Helvetica-Bold >> >> >> >>",
        ]
        yield [b"<< /Length %d >>\nstream\n%s\nendstream" % (len(CONTENT), CONTENT)]
        yield [
            b"<< /Type /XObject /Subtype /Image /Width %d /Height %d " % (WIDTH, HEIGHT),
            b"/ColorSpace /DeviceGray /BitsPerComponent 8 /Length %d >>\nstream\n" % (WIDTH * HEIGHT),
            *_raster(sheet),
            b"\nendstream",
        ]


def _raster(sheet: int) -> Iterator[bytes]:
    """Draw a road in plan: frame, axes every 140 px, two kerbs that climb with the sheet number."""
    frame, paper, ink = b"\x00" * WIDTH, bytearray(b"\xf4" * WIDTH), 0x40
    for x in (*range(40, WIDTH, 140), 41, WIDTH - 41):
        paper[x] = ink
    for y in range(HEIGHT):
        if y in {40, 41, HEIGHT - 41} or y % 620 == 0:
            yield frame
            continue
        row = bytearray(paper)
        for kerb in (900, 1500):
            x = (y * (3 + sheet % 5) + kerb + 97 * sheet) % (WIDTH - 12)
            row[x : x + 6] = b"\x00" * 6
        yield bytes(row)

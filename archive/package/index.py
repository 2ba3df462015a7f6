"""``data/index.json`` and ``data/metadata.json``: what each file of a package is, and what the whole is (DA/T 46, 48).

The elements of the metadata bear the names of DA/T 46-2009; their reading here is ours and not certified.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from archive.package import bag
from archive.package.item import MAX_TITLE, Trade, is_path, is_role
from kernel import canonical
from kernel.clock import isoformat
from kernel.errors import GgzyError, Kind

FORMAT = bag.PACKAGE
METADATA_FORMAT = "ggzy/package-metadata/v1"
INDEX, METADATA = "index.json", "metadata.json"
_MEMBERS = {"format", "trade", "sandbox", "files"}
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class File:
    """One file of the payload as the index lists it: path below ``data/``, size in bytes, hexadecimal SHA-256."""

    path: str
    role: str
    title: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Index:
    """The trade's id, whether it was played in a sandbox, and every file of the payload but the index itself."""

    trade: UUID
    sandbox: bool
    files: tuple[File, ...]

    def having(self, role: str) -> list[File]:
        """Return the files of a role, by path."""
        return [file for file in self.files if file.role == role]


def encode(index: Index) -> bytes:
    """Return the canonical bytes, files sorted by path."""
    files = [
        {"path": f.path, "role": f.role, "title": f.title, "size": f.size, "sha256": f.sha256}
        for f in sorted(index.files, key=lambda file: file.path)
    ]
    return canonical.encode({"format": FORMAT, "trade": str(index.trade), "sandbox": index.sandbox, "files": files})


def decode(data: bytes) -> Index:
    """Read an index strictly; GgzyError ``package.bad_index``."""
    try:
        value = canonical.decode(data)
        index = Index(UUID(value["trade"]), bool(value["sandbox"]), tuple(_file(one) for one in value["files"]))
        if (
            set(value) == _MEMBERS
            and encode(index) == data
            and len({file.path for file in index.files}) == len(index.files)
        ):
            return index
    except (GgzyError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise GgzyError("package.bad_index", Kind.INTEGRITY) from error
    raise GgzyError("package.bad_index", Kind.INTEGRITY)


def describe(trade: Trade, files: Iterable[File], *, log: str) -> bytes:
    """Return the metadata of the whole: what it is, whose, how long it is kept, and what its files are made of."""
    listed = sorted(files, key=lambda file: file.path)
    value = {
        "format": METADATA_FORMAT,
        "聚合层次": "案卷",
        "立档单位名称": trade.organization,
        "责任者": trade.purchaser,
        "电子文件号": trade.code,
        "系统标识": str(trade.id),
        "题名": trade.title,
        "业务类型": trade.trade_type,
        "行政区划": trade.region,
        "业务行为": "归档",
        "行为时间": isoformat(trade.closed_at),
        "保管期限": f"{trade.retention_years}年",
        "文件组合类型": "组合文件",
        "件数": len(listed),
        "大小": sum(file.size for file in listed),
        "格式信息": _formats(listed),
        "数字摘要算法": "SHA-256",
        "日志": log,
        "演示": trade.sandbox,
    }
    return canonical.encode(value)


def read_metadata(data: bytes) -> Mapping[str, Any]:
    """Read the metadata; every element must be there and filled. GgzyError ``package.bad_metadata``."""
    try:
        value = canonical.decode(data)
        if (
            value["format"] == METADATA_FORMAT
            and set(value) == _ELEMENTS
            and all(v not in ("", []) for v in value.values())
        ):
            return dict(value)
    except (GgzyError, TypeError, KeyError, AttributeError) as error:
        raise GgzyError("package.bad_metadata", Kind.INTEGRITY) from error
    raise GgzyError("package.bad_metadata", Kind.INTEGRITY)


_ELEMENTS = {
    *(
        "format",
        "聚合层次",
        "立档单位名称",
        "责任者",
        "电子文件号",
        "系统标识",
        "题名",
        "业务类型",
        "行政区划",
        "业务行为",
    ),
    *("行为时间", "保管期限", "文件组合类型", "件数", "大小", "格式信息", "数字摘要算法", "日志", "演示"),
}


def _formats(files: Iterable[File]) -> list[str]:
    return sorted({PurePosixPath(file.path).suffix.lstrip(".") or "无" for file in files})


def _file(value: dict[str, Any]) -> File:
    file = File(**value)
    if type(file.size) is not int or file.size < 0 or not _SHA256.fullmatch(file.sha256):
        raise ValueError
    if not is_path(file.path) or not is_role(file.role) or not 0 < len(file.title) <= MAX_TITLE:
        raise ValueError
    return file

"""Objects: whole files under keys, in a folder or in any S3. Durable when `put` returns; uniqueness is PostgreSQL's."""

from archive.store.folder import FolderStore
from archive.store.protocol import CHUNK, Lock, ObjectStore, read, stream
from archive.store.s3 import S3Store

__all__ = ["CHUNK", "FolderStore", "Lock", "ObjectStore", "S3Store", "read", "stream"]

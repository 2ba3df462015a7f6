"""The trail, timestamps, the object store, archive packages and their offline verification."""

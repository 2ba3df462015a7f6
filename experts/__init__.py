"""The pool, the verifiable draw and evaluation."""

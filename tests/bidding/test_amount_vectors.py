"""The published vectors of amounts in capital figures are current."""

from tests.vectors.amounts.generate import FOLDER, files


def test_vectors_are_current() -> None:
    """The generator makes exactly the file that is committed."""
    assert {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.json")} == files()

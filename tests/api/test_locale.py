"""Words: one folder per locale, filled in, read strictly."""

from pathlib import Path

import pytest

from api import locale


def test_params_are_filled_in() -> None:
    """Placeholders take their params; a missing one stays readable; an unknown code is told as itself."""
    assert "15 分钟" in locale.words("login.too_many", {"minutes": 15})
    assert "{minutes}" in locale.words("login.too_many")
    assert locale.words("no.such_code") == "no.such_code"


def test_params_are_not_templates() -> None:
    """A param with braces in it is put in as it is."""
    assert "{now}" in locale.words("clock.backward", {"now": "{now}"})


def test_a_second_locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another folder is another language; what it does not say is said in the default one."""
    for name, text in (
        ("zh_CN", 'msgid "a"\nmsgstr "甲"\n\nmsgid "b"\nmsgstr "乙"\n'),
        ("mn", 'msgid "a"\nmsgstr "ᠠ"\n'),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.po").write_text(text, encoding="utf-8")
    monkeypatch.setattr(locale, "FOLDER", tmp_path)
    locale.catalogue.cache_clear()
    try:
        assert locale.locales() == ["mn", "zh_CN"]
        assert [locale.words(code, locale="mn") for code in "ab"] == ["ᠠ", "乙"]
        assert [locale.negotiate(wish) for wish in ("mn-MN,mn;q=0.9", "fr, zh;q=0.5", "fr", "", "*")] == [
            "mn", "zh_CN", "zh_CN", "zh_CN", "zh_CN",
        ]  # fmt: skip
    finally:
        locale.catalogue.cache_clear()


def test_continued_lines_and_escapes(tmp_path: Path) -> None:
    """Strings may be continued and escaped as gettext does."""
    path = tmp_path / "x.po"
    path.write_text(
        '# c\nmsgid ""\nmsgstr "H: 1\\n"\n\nmsgid "a"\nmsgstr ""\n"1\\n"\n"\\"2\\"\\t\\\\"\n', encoding="utf-8"
    )
    assert locale.read(path) == {"a": '1\n"2"\t\\'}


@pytest.mark.parametrize(
    "text",
    [
        'msgid "a"\n',
        'msgstr "a"\n',
        'msgid "a"\nmsgstr "b',
        'msgid "a"\nmsgstr b\n',
        'msgid "a"\nmsgstr "b"\nmsgid "a"\nmsgstr "c"\n',
        'msgctxt "x"\nmsgid "a"\nmsgstr "b"\n',
        'msgid "a"\nmsgstr "b"c"\n',
        'msgid "a"\nmsgstr "\\x"\n',
    ],
)
def test_what_we_do_not_write_is_refused(tmp_path: Path, text: str) -> None:
    """A catalogue that is cut, doubled or of another dialect is an error, not a silent loss."""
    path = tmp_path / "x.po"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"x\.po:\d+"):
        locale.read(path)

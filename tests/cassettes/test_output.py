"""Nothing is written outside the folder that was chosen, and problems are one line."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cassettes.corpus import block, conversation
from twilio_fax_compat.__main__ import main
from twilio_fax_compat.cassettes.output import UnusableArguments, write_below

TEXT = "not ours\n"


@pytest.fixture(name="old")
def _old(tmp_path):
    """Make a folder with a recording in it and one below it."""
    old = tmp_path / "old"
    (old / "deep").mkdir(parents=True)
    for path in (old / "a.yaml", old / "deep" / "b.yaml"):
        path.write_text(block(conversation()))
    return old


@pytest.fixture(name="elsewhere")
def _elsewhere(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "b.yaml").write_text(TEXT)
    return elsewhere


def convert(old, out, capsys):
    """Return the exit status and the lines on stderr."""
    status = main(["cassettes", "convert", str(old), "--out", str(out)])
    return status, capsys.readouterr().err.splitlines()


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_that_is_a_link(tmp_path, old, elsewhere, capsys):
    """Nothing is written at all: the link is found before."""
    out = tmp_path / "out"
    (out / "deep").mkdir(parents=True)
    (out / "deep" / "b.yaml").symlink_to(elsewhere / "b.yaml")

    status, lines = convert(old, out, capsys)

    assert status == 2
    assert len(lines) == 1
    assert "b.yaml is a link" in lines[0]
    assert (elsewhere / "b.yaml").read_text() == TEXT
    assert not (out / "a.yaml").exists()


def test_a_link_to_nothing(tmp_path, old, elsewhere, capsys):
    """The file is not created elsewhere."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.yaml").symlink_to(elsewhere / "new.yaml")

    assert convert(old, out, capsys)[0] == 2
    assert files_below(elsewhere) == ["b.yaml"]


def test_a_folder_that_is_a_link(tmp_path, old, elsewhere, capsys):
    """The folder itself, however deep."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "deep").symlink_to(elsewhere)

    status, lines = convert(old, out, capsys)

    assert status == 2
    assert "deep is a link" in lines[0]
    assert (elsewhere / "b.yaml").read_text() == TEXT


def test_a_second_name_of_a_file(tmp_path, old, elsewhere, capsys):
    """A file that has another name elsewhere is replaced, not overwritten."""
    out = tmp_path / "out"
    (out / "deep").mkdir(parents=True)
    os.link(elsewhere / "b.yaml", out / "deep" / "b.yaml")

    assert convert(old, out, capsys)[0] == 0
    assert (elsewhere / "b.yaml").read_text() == TEXT
    assert "telnyx" in (out / "deep" / "b.yaml").read_text()


def test_the_folder_itself_may_be_a_link(tmp_path, old, elsewhere, capsys):
    """It was chosen by the user."""
    out = tmp_path / "out"
    out.symlink_to(elsewhere)

    assert convert(old, out, capsys)[0] == 0
    assert files_below(elsewhere) == ["a.yaml", "b.yaml", "deep/b.yaml"]


@pytest.mark.parametrize("place", ["file", "file/deeper", "link"])
def test_a_folder_that_cannot_be(tmp_path, old, place, capsys):
    """It is found before anything is converted."""
    (tmp_path / "file").write_text(TEXT)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")

    status, lines = convert(old, tmp_path / place, capsys)

    assert status == 2
    assert len(lines) == 1
    assert "--out=" in lines[0]
    assert (tmp_path / "file").read_text() == TEXT


def test_a_folder_in_the_way(tmp_path, old, capsys):
    """Of a file, and a file in the way of a folder."""
    out = tmp_path / "out"
    (out / "a.yaml").mkdir(parents=True)
    assert "is a folder" in convert(old, out, capsys)[1][0]

    (out / "a.yaml").rmdir()
    (out / "deep").write_text(TEXT)
    assert "is not a folder" in convert(old, out, capsys)[1][0]
    assert files_below(out) == ["deep"]


def test_a_folder_that_is_not_writable(old):
    """One line and the exit status, in a process without the rights of root."""
    program = """
import os, sys
from twilio_fax_compat.__main__ import main
from twilio_fax_compat.cassettes import command
if os.getuid() == 0:
    os.setuid(65534)
sys.exit(main(["cassettes", "convert", "old.yaml", "--out", "out"]))
"""
    with TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        out = Path(place, "out")
        out.mkdir()
        out.chmod(0o555)
        Path(place, "old.yaml").write_text((old / "a.yaml").read_text())
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=place, capture_output=True, text=True, check=False
        )
        written = list(out.iterdir())
        out.chmod(0o755)

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "twilio-fax-compat cassettes convert: --out=out: out is not writable"
    ]
    assert written == []


def test_no_part_of_a_file_is_left(tmp_path):
    """A write that fails leaves the old file and no other."""
    target = tmp_path / "a.yaml"
    target.write_text(TEXT)
    with pytest.raises(TypeError):
        write_below(tmp_path, target, "text")  # type: ignore[arg-type]
    assert files_below(tmp_path) == ["a.yaml"]
    assert target.read_text() == TEXT


def test_not_above_the_folder(tmp_path):
    """Whatever a name says."""
    with pytest.raises(UnusableArguments, match="is not below"):
        write_below(tmp_path / "out", tmp_path / "out" / ".." / "a.yaml", b"")


def test_files_have_the_usual_rights(tmp_path, old, capsys):
    """As any new file has."""
    before = os.umask(0o027)
    try:
        assert convert(old, tmp_path / "out", capsys)[0] == 0
    finally:
        os.umask(before)
    assert (tmp_path / "out" / "a.yaml").stat().st_mode & 0o777 == 0o640

"""Hostile and broken files are refused with little memory and time: both are limits of the process
that reads, so that going past them ends it."""

import subprocess
import sys

import pytest

from dubash.memory.entry import TermEntry
from memory.written import as_tbx

READER = """
import resource, sys
from pathlib import Path
from dubash.core.errors import DataError
from dubash.core.languages import LanguagePair, language
from dubash.memory.glossary import read_glossary

path = Path(sys.argv[1])
used = resource.getrusage(resource.RUSAGE_SELF)
seconds = int(used.ru_utime + used.ru_stime) + 2  # at least one more, at most two
memory = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + (100 << 20)
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
try:
    found = read_glossary(path, path.name, LanguagePair(language("en"), language("es")))
    print(f"{len(found.entries)} entries, {len(found.bad_rows)} set aside")
except DataError as error:
    print(error)
"""

DOCTYPE = '<?xml version="1.0"?>\n<!DOCTYPE tbx [\n{}\n]>\n<tbx>{}</tbx>'


def billion_laughs() -> str:
    levels = [f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)]
    return DOCTYPE.format("\n".join(['<!ENTITY l0 "ha">', *levels]), "&l9;")


def concept(inside: str) -> str:
    return f"<tbx><text><body>\n<conceptEntry>{inside}</conceptEntry></body></text></tbx>"


CASES = {
    "billion laughs": (billion_laughs(), "t.tbx:2: declarations inside DOCTYPE are not read"),
    "quadratic blow-up": (
        DOCTYPE.format(f'<!ENTITY a "{"x" * 100_000}">', "&a;" * 30_000),
        "t.tbx:2: declarations inside DOCTYPE",
    ),
    "a file": (
        DOCTYPE.format('<!ENTITY a SYSTEM "file:///etc/passwd">', "&a;"),
        "t.tbx:2: declarations inside DOCTYPE",
    ),
    "parameter entity": (
        DOCTYPE.format('<!ENTITY % a SYSTEM "http://localhost/a.dtd"> %a;', ""),
        "t.tbx:2: declarations inside DOCTYPE",
    ),
    "attribute defaults": (
        DOCTYPE.format(f'<!ATTLIST a b CDATA "{"x" * 100_000}">', "<a/>" * 50_000),
        "t.tbx:2: declarations inside DOCTYPE",
    ),
    "an entity of the DTD": (
        '<!DOCTYPE tbx SYSTEM "http://localhost/a.dtd">\n<tbx>\n&secret;</tbx>',
        "t.tbx:3: entities of its own are not read",
    ),
    "an entity of nothing": ("<tbx>\n&a;</tbx>", "t.tbx:2: not well-formed XML (undefined entity)"),
    "deep": ("<tbx>" + "<a>" * 1_000_000, "t.tbx:1: elements nested more than 64 deep"),
    "deep in an entry": (concept("<a>" * 1_000_000), "t.tbx:2: elements nested more than 64 deep"),
    "endless text": (
        concept("<note>" + "x" * 40_000_000), "t.tbx:2: an entry of more than 200,000 characters",
    ),
    "endless line ends": (
        concept("<note>" + "\n" * 5_000_000), "an entry of more than 200,000 characters",
    ),
    "many elements": (concept("<a/>" * 1_000_000), "t.tbx:2: an entry of more than 5,000 elements"),
    "many outside": ("<tbx>" + "<a/>" * 1_000_000, "t.tbx:1: more than 50,000 elements outside"),
    "a huge attribute": (f'<tbx a="{"x" * 40_000_000}"/>', "t.tbx:1: a tag or comment of more"),
    "a huge comment": (f"<tbx><!-- {'x' * 40_000_000} --></tbx>", "a tag or comment of more"),
    "a huge name": (f"<tbx><{'x' * 40_000_000}/></tbx>", "a tag or comment of more than 256 KB"),
    "never closed": (concept("")[:-20] + "<conceptEntry>" * 50, "t.tbx:2: not well-formed XML"),
}  # fmt: skip


def read_within_limits(path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", READER, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.returncode} {done.stderr[-500:]}"
    return done.stdout


@pytest.mark.parametrize("case", CASES)
def test_hostile_xml_is_refused_with_its_line(tmp_path, case):
    content, message = CASES[case]
    (tmp_path / "t.tbx").write_text(content, encoding="utf-8")
    assert message in read_within_limits(tmp_path / "t.tbx")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"source,target\n" + b"x" * 30_000_000, "t.csv:2: a line of more than 16 MB"),
        (b'source,target\n"' + b"x\n" * 2_000_000, "t.csv:100002: more than 100,000"),
        (b"source,target\n" + b"a,\n" * 200_000, "t.csv:100002: more than 100,000 entries"),
        (b"source,target\nfile,archivo\n" + b"," * 1_000_000, "1 entries, 1 set aside"),
        (b"\0" * 1_000_000, "t.csv:1: not a text file: it holds NUL bytes"),
        (b"x" * (65 << 20), "t.csv: 65 MB; a glossary has 64 at the most"),
    ],
    ids=["one line", "one quote", "many rows", "many columns", "NUL", "too large"],
)
def test_hostile_tables_are_refused_with_their_line(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content)
    assert message in read_within_limits(tmp_path / "t.csv")


def test_a_doctype_that_only_names_a_dtd_is_passed_over(tmp_path):
    """The DTD is a device that never ends to be read: whoever fetched it would not come back."""
    content = as_tbx([TermEntry("file", ("archivo",))], "v2")
    content = content.replace("TBXcoreStructV02.dtd", "file:///dev/zero")
    assert "file:///dev/zero" in content
    (tmp_path / "t.tbx").write_text(content, encoding="utf-8")
    assert read_within_limits(tmp_path / "t.tbx") == "1 entries, 0 set aside\n"


def test_the_limits_of_the_test_would_end_a_reader_that_is_not_careful(tmp_path):
    careless = READER.replace(
        "found = read_glossary",
        "from xml.dom.minidom import parse; parse(str(path)); found = 0 or read_glossary",
    )
    path = tmp_path / "t.tbx"
    path.write_text(concept("<a>x</a>" * 1_000_000), encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", careless, str(path)], capture_output=True)
    assert done.returncode != 0

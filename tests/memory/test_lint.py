"""What is wrong in a glossary, found where it stands: five faults planted into a real one."""

import random

import pytest

from dubash.core.types import Pair
from dubash.memory.glossary import read_glossary
from dubash.memory.lint import LEAST_OCCURRENCES, lint
from memory.written import pair


def kinds(read, rows: str, name: str = "terms.csv", codes: str = "en-es", pairs=()) -> list[str]:
    header = "source,target,forbidden,note,part_of_speech,domain\n"
    found = lint(read(header + rows, name, codes), pairs)
    return [f"{each.origin.rpartition(':')[2]} {each.kind}" for each in found]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("file,archivo,,,,\nFile,Archivo,,,,\n", ["3 duplicate"]),
        ("log in,entrar|acceder,,,,\nlog-in,acceder|entrar,,,,\n", ["3 duplicate"]),
        ("file,archivo,,,,\nfile,lima,,,,\n", ["3 two translations"]),
        ("file,archivo,,,,computing\nfile,lima,,,,tools\n", []),
        ("file,archivo,,,noun,\nfile,archivar,,,verb,\n", []),
        ("file,archivo,,,noun,\nfile,lima,,,noun,tools\n", ["3 two translations"]),
        ("US,EE. UU.,,,,\nus,nosotros,,,,\n", ["3 stop words", "3 stop words"]),
        ("Wi-Fi,Wi-Fi,,,,\n", ["2 not translated"]),
        ("Wi-Fi,Wi-Fi,,a name,,\n", []),
        ("Hindi,hindi,,,,\n", []),
        ("a,un,,,,\n", ["2 one letter", "2 stop words"]),
        ("x,equis,,,,\n", ["2 one letter"]),
        ("the,el,,,,\n", ["2 stop words", "2 stop words"]),
        ("because of,a causa de,,,,\n", ["2 stop words"]),
        ("envelope,sobre,,,,\n", ["2 stop words"]),
        ("user,usuario,Usuario|cliente,,,\n", ["2 approved and forbidden"]),
        ("user,usuario,cliente,,,\n,nada,,,,\n", ["3 not read"]),
    ],
)
def test_each_fault_is_found_with_its_line(read, rows, expected):
    assert kinds(read, rows) == expected


@pytest.mark.parametrize(
    ("codes", "row", "expected"),
    [
        ("hi-gu", "पर,પાંખ,,,,", ["2 stop words"]),
        ("hi-gu", "क,ક,,,,", ["2 one letter", "2 one letter"]),
        ("en-kn", "pie,ಪೈ,,,,", []),
        ("en-kn", "also,ಸಹ,,,,", ["2 stop words", "2 stop words"]),
        ("en-ja", "dog,犬,,,,", []),
        ("en-ja", "from,から,,,,", ["2 stop words", "2 stop words"]),
        ("en-ja", "i,イ,,,,", ["2 one letter", "2 one letter"]),
    ],
)
def test_each_script_has_its_own_letters_and_stop_words(read, codes, row, expected):
    assert kinds(read, f"{row}\n", codes=codes) == expected


def rows(*pairs: tuple[str, str], times: int = 1) -> list[Pair]:
    return [Pair(source, target) for source, target in pairs] * times


def test_a_term_that_references_do_not_follow_is_named_with_counts(read):
    glossary = read("source,target\nfile,archivo\nscreen,pantalla\n")
    half = rows(("a file", "un archivo"), ("the file", "el fichero"), times=LEAST_OCCURRENCES)
    assert lint(glossary, half) == []
    less = [*half, Pair("my file", "mi fichero")]
    found = lint(glossary, [*less, *rows(("a screen", "un monitor"), times=LEAST_OCCURRENCES - 1)])
    assert [str(each) for each in found] == [
        f"terms.csv:2: 'file' → 'archivo': the references follow it in {LEAST_OCCURRENCES} of "
        f"{2 * LEAST_OCCURRENCES + 1} occurrences. Approve what they write as well, or make it "
        "longer, or take it out."
    ]


def test_a_finding_reads_as_a_line_that_says_what_to_do(read):
    found = lint(read("source,target\nfile,archivo\nfile,lima|archivo\n"))
    assert str(found[0]) == (
        "terms.csv:3: 'file' → 'lima' or 'archivo': terms.csv:2 translates it as 'archivo'. "
        "Keep one; or approve both in one entry; or give each its domain."
    )


@pytest.mark.parametrize(
    ("name", "codes"), [("en-es.glossary-cldr", "en-es"), ("en-ja.glossary-software", "en-ja")]
)
@pytest.mark.parametrize("seed", range(3))
def test_five_faults_planted_into_a_real_glossary_are_each_found(
    shared_data, tmp_path, name, codes, seed
):
    lines = (shared_data / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if not line.startswith("Germany\t")]
    half, chance = len(lines) // 2, random.Random(seed)
    (source, target), (other, _) = (line.split("\t") for line in chance.sample(lines[:half], 2))
    never = "zarzaparrilla" if codes == "en-es" else "茜色の猫"
    planted = {
        "duplicate": f"{source.capitalize()} \t{target}",
        "two translations": f"{other}\t{never}",
        "not translated": "Kubernetes\tKubernetes",
        "one letter": f"q\t{never}",
        "not followed": f"Germany\t{never}",
    }
    for line in planted.values():
        lines.insert(chance.randrange(half + len(planted), len(lines)), line)
    path = tmp_path / "terms.tsv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows = [Pair("Germany is a country.", "Alemania es un país.")] * LEAST_OCCURRENCES
    found = {(each.kind, each.origin) for each in lint(read_glossary(path, "t", pair(codes)), rows)}
    assert {(kind, f"t:{lines.index(line) + 1}") for kind, line in planted.items()} <= found

"""What ``msm lineage`` prints and draws: tree, page, JSON, OpenLineage, in-toto; and its errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from google.protobuf.json_format import ParseDict
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement

from msm.lineage.drawing import draw
from msm.lineage.find import find
from msm.lineage.tree import drawn, plain
from tests.commands import msm
from tests.lineage_world import ITEMS, SPEC, Chain, change_record, make_chain, make_output

SCORES = "evaluate/msm-kind-s1"
HOSTILE = "<script>alert(1)</script>&'\""


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return make_chain(tmp_path)


class Page(HTMLParser):
    """A page's tags with what they would load, its ids, its links and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.loads += [named[name] for name in ("src", "data", "srcset") if name in named]
        if tag == "link":
            self.loads.append(named.get("href", ""))
        if "href" in named:
            self.links.append(named["href"])
        if "id" in named:
            self.ids.append(named["id"])

    def handle_data(self, data: str) -> None:
        self.text += data


def _lines(chain: Chain, option: str) -> list[dict[str, Any]]:
    done = msm("lineage", SCORES, option, cwd=chain.root)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_pipe_gets_one_plain_line_a_node(chain: Chain) -> None:
    done = msm("lineage", SCORES, cwd=chain.root)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    told, tree = done.stdout.split("\n\n")
    assert "35 tokens, $ 1.25" in told  # five outputs
    lines = tree.splitlines()
    assert lines[0].startswith(f"{SCORES}  identity {chain.identity(SCORES)[:12]}")
    depth = {
        line.split(": ")[1].split("  ")[0]: len(line) - len(line.lstrip()) for line in lines[1:]
    }
    assert depth["train/msm-kind-s1"] < depth["curate/kind-s1"] < depth["write/kind-s1"]
    assert all("digest" in line or line.endswith("see above") for line in lines)


def test_a_shared_subtree_is_opened_once(chain: Chain) -> None:
    folder = chain.folder("report/both")
    make_output(
        folder,
        {"one": chain.folder(SCORES), "two": chain.folder("train/msm-kind-s1")},
    )
    lineage = find("report/both", chain.root).lineage
    lines = plain(lineage)
    assert sum("plan/kind-s1" in line for line in lines) == 1
    (again,) = [line for line in lines if line.strip().startswith("two: ")]
    assert again.endswith("see above")
    (tree,) = drawn(lineage)
    assert [str(branch.label).splitlines()[0].split()[0] for branch in tree.children] == [
        "one",
        "two",
    ]


def test_json_holds_every_record_and_edge(chain: Chain) -> None:
    (told,) = _lines(chain, "--json")
    assert told["target"]["identity"] == told["root"] == chain.identity(SCORES)
    by_key = {node["key"]: node for node in told["nodes"]}
    assert by_key[told["root"]]["record"]["inputs"]["checkpoint"]["identity"] == chain.identity(
        "train/msm-kind-s1"
    )
    assert {edge["target"] for edge in told["edges"]} < set(by_key)
    assert told["totals"]["outputs"] == 5 and told["missing"] == []


def test_events_are_what_openlineage_and_our_facets_ask_for(chain: Chain) -> None:
    events = _lines(chain, "--openlineage")
    schema = json.loads(
        files("msm.lineage").joinpath("openlineage_facets.json").read_text(encoding="utf-8")
    )

    def check(facet: dict[str, Any]) -> None:
        _, _, name = facet["_schemaURL"].partition("#/$defs/")
        jsonschema.validate(facet, {**schema, "$ref": f"#/$defs/{name}"})

    assert [event["eventType"] for event in events] == ["START", "COMPLETE"] * 5
    for event in events[1::2]:
        check(event["run"]["facets"]["msm_provenance"])
        for data in (*event["inputs"], *event["outputs"]):
            check(data["facets"]["msm_identity"])
            version = data["facets"]["version"]["datasetVersion"]
            assert version == data["facets"]["msm_identity"]["digest"]
    *_, last = events
    assert last["job"] == {**last["job"], "namespace": "msm", "name": f"kind/{SCORES}"}
    assert last["run"]["facets"]["msm_provenance"]["identity"] == chain.identity(SCORES)
    roles = {data["facets"]["msm_identity"]["role"]: data["name"] for data in last["inputs"]}
    assert roles == {
        "checkpoint": "kind/train/msm-kind-s1",
        "student": str(chain.root / "student"),
        "suite": str(chain.root / ITEMS),
    }


def test_an_output_is_the_same_openlineage_run_wherever_it_is_told_of(
    chain: Chain, tmp_path_factory: pytest.TempPathFactory
) -> None:
    moved = tmp_path_factory.mktemp("moved") / "work"
    here = [event["run"]["runId"] for event in _lines(chain, "--openlineage")]
    chain.root.rename(moved)
    there = [
        event["run"]["runId"] for event in _lines(Chain(moved, chain.records), "--openlineage")
    ]
    assert here == there and len(set(here)) == 5


def _statements(chain: Chain) -> Iterator[tuple[dict[str, Any], Any]]:
    """Each statement as written, and read back by the standard's own classes."""
    for told in _lines(chain, "--in-toto"):
        Statement.copy_from_pb(ParseDict(told, statement_pb2.Statement())).validate()
        yield told, ParseDict(told["predicate"], provenance_pb2.Provenance())


def test_statements_are_valid_and_name_every_file_and_input(chain: Chain) -> None:
    told = {item["subject"][0]["name"]: (item, made) for item, made in _statements(chain)}
    assert set(told) == set(chain.records)
    for label, (item, made) in told.items():
        record = chain.records[label]
        digests = {entry["name"]: entry["digest"] for entry in item["subject"]}
        assert digests[label] == {"msmFolder": record.digest}
        assert digests[f"{label}/text"] == {"sha256": record.files["text"].sha256}
        assert made.run_details.metadata.invocation_id == record.identity
        assert made.build_definition.external_parameters["config"]["text"] == label
    definition = told["plan/kind-s1"][1].build_definition
    spec = next(item for item in definition.resolved_dependencies if item.name == "spec")
    digest = chain.records["plan/kind-s1"].inputs["spec"].digest
    assert dict(spec.digest) == {"sha256": digest}
    (commit,) = [item for item in definition.resolved_dependencies if item.name == "source"]
    assert dict(commit.digest) == {"gitCommit": chain.records["plan/kind-s1"].code["commit"]}


def test_a_number_that_no_double_holds_stays_exact_in_a_statement(chain: Chain) -> None:
    seed = 2**60 + 1
    change_record(chain.folder("plan/kind-s1"), seed=seed)
    plan = next(
        item for item, _ in _statements(chain) if item["subject"][0]["name"].startswith("plan")
    )
    assert plan["predicate"]["buildDefinition"]["externalParameters"]["seed"] == str(seed)


def test_the_page_stands_alone_and_escapes_all_text(chain: Chain, tmp_path: Path) -> None:
    make_output(chain.folder("plan/hostile"), {"spec": chain.root / SPEC}, HOSTILE)
    change_record(
        chain.folder("plan/hostile"),
        code={"commit": HOSTILE, "dirty": True, "image": HOSTILE, "package": HOSTILE},
    )
    file = tmp_path / "page.html"
    done = msm("lineage", "plan/hostile", "--html", file, cwd=chain.root)
    assert done.returncode == 0, done.stderr
    page = Page(file.read_text(encoding="utf-8"))
    assert "script" not in page.tags and page.loads == []
    assert HOSTILE in page.text and str(chain.root / SPEC) in page.text
    assert all(link.startswith("#") for link in page.links)
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids)) == 2
    assert "url(" not in file.read_text(encoding="utf-8")


def test_boxes_lie_apart_and_inputs_to_the_left(chain: Chain) -> None:
    lineage = find(SCORES, chain.root).lineage
    drawing = draw(lineage)
    places = {box.node.key: (box.x, box.y) for box in drawing.boxes}
    assert len(set(places.values())) == len(lineage.nodes)
    assert all(places[edge.target][0] < places[edge.source][0] for edge in lineage.edges)
    assert drawing == draw(lineage)
    assert all(0 <= x < drawing.width and 0 <= y < drawing.height for x, y in places.values())


def test_what_is_missing_shows_as_such(chain: Chain, tmp_path: Path) -> None:
    (chain.root / SPEC).unlink()
    done = msm("lineage", "plan/kind-s1", "--html", tmp_path / "page.html", cwd=chain.root)
    assert done.returncode == 0
    done = msm("lineage", "plan/kind-s1", cwd=chain.root)
    assert "1 not found" in done.stdout and "not found files" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("plan/kind-s2",), "did you mean 'plan/kind-s1'"),
        (("plan/kind-s1", "--json", "--in-toto"), "give one of"),
        (("plan/kind-s1", "--html", "no/such/page.html"), "cannot write"),
        (("registry",), "no lineage of its own"),
        (("report:agentic/aft",), "there is no report"),
    ],
)
def test_a_fault_of_the_user_is_one_line_and_exit_code_2(
    chain: Chain, arguments: tuple[str, ...], told: str
) -> None:
    done = msm("lineage", *arguments, cwd=chain.root)
    assert done.returncode == 2 and done.stdout == ""
    assert told in done.stderr and done.stderr.count("\n") == 1

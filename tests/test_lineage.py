"""Gathering lineages: what was made of what, whole or not, moved, remade, in a store."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from msm.errors import UserError
from msm.identity import digest_path
from msm.lineage.find import find, must_be_whole
from msm.lineage.gather import gather
from msm.lineage.graph import NodeKind
from msm.lineage.index import open_index
from tests.lineage_world import (
    ITEMS,
    SPEC,
    Chain,
    change_record,
    make_chain,
    make_output,
    record_of,
)


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return make_chain(tmp_path / "work")


def test_it_leads_from_the_scores_to_spec_items_and_student(chain: Chain) -> None:
    lineage = find("evaluate/msm-kind-s1", chain.root).lineage
    kinds = {node.label: node.kind for node in lineage.nodes.values()}
    assert kinds == {
        "evaluate/msm-kind-s1": NodeKind.OUTPUT,
        "train/msm-kind-s1": NodeKind.OUTPUT,
        "curate/kind-s1": NodeKind.OUTPUT,
        "write/kind-s1": NodeKind.OUTPUT,
        "plan/kind-s1": NodeKind.OUTPUT,
        str(chain.root / SPEC): NodeKind.SPEC,
        str(chain.root / ITEMS): NodeKind.ITEMS,
        str(chain.root / "student"): NodeKind.STUDENT,
    }
    root = lineage.nodes[lineage.root]
    assert root.identity == chain.identity("evaluate/msm-kind-s1")
    assert [role for role, _ in lineage.inputs_of(root.key)] == ["checkpoint", "student", "suite"]
    spec = next(node for node in lineage.nodes.values() if node.kind is NodeKind.SPEC)
    assert spec.digest == digest_path(chain.root / SPEC) and spec.identity == ""
    assert lineage.missing() == ()


def test_inputs_come_before_what_was_made_of_them(chain: Chain) -> None:
    lineage = find("evaluate/msm-kind-s1", chain.root).lineage
    place = {node.key: number for number, node in enumerate(lineage.ordered())}
    assert all(place[edge.target] < place[edge.source] for edge in lineage.edges)
    assert len(place) == len(lineage.nodes)


def test_what_is_gone_is_missing_and_nothing_else(chain: Chain) -> None:
    shutil.rmtree(chain.folder("write/kind-s1"))
    (chain.root / ITEMS).unlink()
    lineage = find("evaluate/msm-kind-s1", chain.root).lineage
    assert {node.label for node in lineage.missing()} == {"write/kind-s1", str(chain.root / ITEMS)}
    assert "plan/kind-s1" not in {node.label for node in lineage.nodes.values()}
    with pytest.raises(UserError, match=r"not found: .*write/kind-s1"):
        must_be_whole(lineage)


def test_a_workspace_that_was_moved_finds_its_specs(chain: Chain, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    chain.root.rename(moved)
    lineage = find("plan/kind-s1", moved).lineage
    (spec,) = [node for node in lineage.nodes.values() if node.kind is NodeKind.SPEC]
    assert spec.place == str(moved / SPEC)
    assert spec.label == str(chain.root / SPEC)  # as recorded


def test_an_identity_made_twice_is_followed_to_the_bytes_that_were_read(
    chain: Chain, tmp_path: Path
) -> None:
    other = chain.root / "outputs" / "again" / "curate" / "kind-s1"
    shutil.copytree(chain.folder("curate/kind-s1"), other)
    (other / "text").write_text("other bytes of the same identity")
    made = record_of(chain.folder("curate/kind-s1"))
    files = {"text": {"size": 5, "sha256": "0" * 64}}
    change_record(other, digest="f" * 64, files=files)
    later = make_output(chain.folder("train/later"), {"corpus": chain.folder("curate/kind-s1")})
    path = chain.folder("train/later") / "record.json"
    record = json.loads(path.read_text())
    record["inputs"]["second"] = {
        "path": str(other), "digest": "f" * 64, "identity": made.identity
    }  # fmt: skip
    path.write_text(json.dumps(record))
    lineage = gather(later.identity, open_index(chain.root))
    read = dict(lineage.inputs_of(later.identity))
    assert read["corpus"].place == str(chain.folder("curate/kind-s1"))
    assert read["second"].place == str(other)
    assert read["second"].key != read["corpus"].key
    assert read["second"].identity == read["corpus"].identity == made.identity


def test_a_folder_without_a_record_is_known_by_its_content(chain: Chain, tmp_path: Path) -> None:
    bare = tmp_path / "fetched"
    shutil.copytree(chain.folder("train/msm-kind-s1"), bare)
    (bare / "record.json").unlink()
    make_output(chain.folder("evaluate/given"), {"checkpoint": bare})
    lineage = find("evaluate/given", chain.root).lineage
    ((_, node),) = lineage.inputs_of(lineage.root)
    assert node.identity == chain.identity("train/msm-kind-s1")
    assert any(node.kind is NodeKind.SPEC for node in lineage.nodes.values())


def test_an_output_that_copies_a_bare_folder_is_not_its_own_input(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "text").write_text("the same")
    make_output(tmp_path / "outputs" / "x" / "train" / "copy", {"checkpoint": bare}, "the same")
    lineage = find("train/copy", tmp_path).lineage
    ((_, node),) = lineage.inputs_of(lineage.root)
    assert node.kind is NodeKind.STUDENT and node.place == str(bare)


def test_records_in_a_circle_are_refused_by_name(chain: Chain) -> None:
    plan, write = chain.folder("plan/kind-s1"), chain.folder("write/kind-s1")
    item = {"path": str(write), "digest": "0" * 64, "identity": chain.identity("write/kind-s1")}
    change_record(plan, inputs={"spec": item})
    with pytest.raises(UserError, match=r"(plan|write)/kind-s1 was made of"):
        find("evaluate/msm-kind-s1", chain.root)


def test_a_record_that_cannot_be_read_is_set_down_and_harms_no_other(chain: Chain) -> None:
    broken = chain.folder("evaluate/msm-kind-s1") / "record.json"
    broken.write_text("{")
    found = find("train/msm-kind-s1", chain.root)
    assert len(found.lineage.nodes) == 7
    assert [item.place for item in found.index.unreadable] == [str(broken)]


def test_what_is_being_made_is_in_no_index(chain: Chain) -> None:
    folder = chain.folder("train/msm-kind-s1")
    shutil.copytree(folder, folder.with_name(".msm-kind-s1.retired"))
    index = open_index(chain.root)
    assert len(index.by_identity(chain.identity("train/msm-kind-s1"))) == 1


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_a_store_is_asked_for_what_the_workspace_lacks(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    store = str(tmp_path / "store" if kind == "folder" else request.getfixturevalue("s3_url"))
    chain = make_chain(tmp_path / "work", store)
    shutil.rmtree(chain.root / "outputs")
    identity = chain.identity("evaluate/msm-kind-s1")
    lineage = find(identity, chain.root, store).lineage
    assert lineage.missing() == ()
    places = {node.label: node.place for node in lineage.nodes.values()}
    made = chain.records["curate/kind-s1"]
    assert places["curate/kind-s1"] == f"{store}/curate/{made.identity}/{made.digest}"
    with pytest.raises(UserError, match="no identity of"):
        find(identity, chain.root)


def test_a_folder_store_is_searched_by_the_beginning_of_an_identity(tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    chain = make_chain(tmp_path / "work", store)
    shutil.rmtree(chain.root / "outputs")
    identity = chain.identity("plan/kind-s1")
    assert find(identity[:10], chain.root, store).target.identity == identity


def test_the_root_may_be_narrowed_to_some_of_its_inputs(chain: Chain) -> None:
    identity = chain.identity("evaluate/msm-kind-s1")
    lineage = gather(identity, open_index(chain.root), roles=("suite",))
    assert {node.kind for node in lineage.nodes.values()} == {NodeKind.OUTPUT, NodeKind.ITEMS}
    assert [edge.role for edge in lineage.edges] == ["suite"]


def test_two_lineages_join_under_the_first_root(chain: Chain) -> None:
    make_output(chain.folder("report/kind"), {"scores": chain.folder("plan/kind-s1")})
    index = open_index(chain.root)
    report = record_of(chain.folder("report/kind")).identity
    plan = gather(chain.identity("write/kind-s1"), index)
    joined = plan.joined([gather(report, index)])
    assert joined.root == chain.identity("write/kind-s1")
    assert [node.label for node in joined.tops()] == ["write/kind-s1", "report/kind"]

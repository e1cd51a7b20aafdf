"""References: every way of naming a thing leads to it, and a wrong one says what to do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from msm.errors import UserError
from msm.lineage.find import find
from msm.lineage.graph import NodeKind
from msm.lineage.reference import (
    AliasReference,
    FigureReference,
    IdentityReference,
    LoggedModelReference,
    OutputReference,
    Reference,
    RegistryReference,
    VersionReference,
    parse_reference,
)
from msm.reporting.origins import FIGURES, read_origins
from tests.lineage_world import Chain, make_chain, make_output
from tests.registry_world import World, client, identity, make_world, register


@dataclass(frozen=True)
class Registered:
    """A whole experiment in a workspace, registered in the workspace's own MLflow file."""

    root: Path
    uri: str
    world: World
    version: str
    model: str

    def identity(self, label: str) -> str:
        return identity(self.root / "outputs" / "cheese" / label)


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registered]:
    root = tmp_path_factory.mktemp("work")
    uri = f"sqlite:///{root}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        world = make_world(root / "outputs" / "cheese", ("seeds=[1, 2]",))
        done = register(world, root / "registered")
        yield Registered(root, uri, world, str(done["model"]["version"]), done["model"]["name"])


@pytest.fixture
def here(registered: Registered, monkeypatch: pytest.MonkeyPatch) -> Registered:
    """The registered experiment, with no other MLflow in the environment."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    return registered


@pytest.fixture
def chain(tmp_path: Path) -> Chain:
    return make_chain(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("models:/cheese/3", VersionReference("cheese", "3")),
        ("cheese/3", VersionReference("cheese", "3")),
        ("train/3", OutputReference("train/3")),
        ("models:/cheese@champion", AliasReference("cheese", "champion")),
        ("cheese@champion", AliasReference("cheese", "champion")),
        (f"models:/m-{'0' * 32}", LoggedModelReference(f"m-{'0' * 32}")),
        ("0123abcd", IdentityReference("0123abcd")),
        ("f" * 64, IdentityReference("f" * 64)),
        ("registry", RegistryReference()),
        ("train/msm+aft-s1", OutputReference("train/msm+aft-s1")),
        ("report:agentic/msm+aft/qwen3", FigureReference("", "agentic/msm+aft/qwen3")),
        ("report:kind:agentic/aft/rate", FigureReference("kind", "agentic/aft/rate")),
    ],
)
def test_a_reference_says_by_its_form_what_it_names(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected


@pytest.mark.parametrize("text", ["", "0123abc", "nothing", "models:/cheese", "report:", "g" * 64])
def test_what_has_no_form_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_reference(text)
    assert "\n" not in str(refused.value)


def test_an_output_is_found_by_folder_label_and_identity(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, label = chain.folder("train/msm-kind-s1"), "train/msm-kind-s1"
    expected = chain.identity(label)
    assert find(label, chain.root).target.identity == expected
    assert find(f"kind/{label}", chain.root).target.identity == expected
    assert find(expected[:8], chain.root).target.identity == expected
    assert find(str(folder)).target.identity == expected  # its own workspace is looked at
    monkeypatch.chdir(folder.parent)
    assert find("./msm-kind-s1/").target.identity == expected


def test_a_finished_output_outside_of_a_workspace_is_taken(chain: Chain, tmp_path: Path) -> None:
    lone = tmp_path / "lone"
    shutil.copytree(chain.folder("train/msm-kind-s1"), lone)
    shutil.rmtree(chain.folder("train/msm-kind-s1"))
    found = find(str(lone), chain.root)
    assert found.target.identity == chain.identity("train/msm-kind-s1")
    assert found.lineage.missing() == ()


def test_a_wrong_name_is_told_with_the_nearest(chain: Chain) -> None:
    with pytest.raises(UserError, match="did you mean 'train/msm-kind-s1'"):
        find("train/msm-knd-s1", chain.root)
    with pytest.raises(UserError, match="has no record"):
        find(str(chain.folder("train")), chain.root)
    with pytest.raises(UserError, match="no identity of"):
        find("00000000", chain.root)


def test_a_label_of_two_experiments_has_to_say_which(chain: Chain) -> None:
    make_output(chain.folder("plan/kind-s1", "other"), {}, "another text")
    with pytest.raises(UserError, match="kind/plan/kind-s1"):
        find("plan/kind-s1", chain.root)


def test_version_alias_model_and_run_lead_to_the_same_checkpoint(here: Registered) -> None:
    version = client(here.uri).get_model_version(here.model, here.version)
    client(here.uri).set_registered_model_alias(here.model, "challenger", here.version)
    expected = version.tags["msm.identity"]
    model_id = str(version.source).removeprefix("models:/")
    for text in (
        f"models:/{here.model}/{here.version}",
        f"models:/{here.model}@challenger",
        f"{here.model}@challenger",
        f"models:/{model_id}",
        str(version.run_id),
    ):
        target = find(text, here.root).target
        assert (target.identity, target.digest) == (expected, version.tags["msm.digest"]), text
    named = find(f"{here.model}@challenger", here.root).target
    assert named.name == f"models:/{here.model}/{here.version}"
    assert named.aliases == ("challenger",) and named.run_id == version.run_id


def test_the_lineage_of_a_version_has_what_measured_this_very_checkpoint(here: Registered) -> None:
    found = find(f"models:/{here.model}/{here.version}", here.root)
    checkpoint, report = found.lineage.tops()
    assert checkpoint.identity == found.target.identity
    assert report.label == "report/cheese"
    (measured,) = found.lineage.inputs_of(report.key)
    assert measured[1].identity == dict(found.target.tags)["msm.scores"]
    inputs = dict(found.lineage.inputs_of(measured[1].key))
    assert inputs["checkpoint"].identity == checkpoint.identity


@pytest.mark.parametrize("text", ["models:/nobody/1", "nobody@champion", "0" * 32])
def test_what_mlflow_does_not_have_is_told(here: Registered, text: str) -> None:
    with pytest.raises(UserError, match="is not in MLflow"):
        find(text, here.root)


def test_no_mlflow_file_is_made_by_looking(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with pytest.raises(UserError, match="there is no MLflow store"):
        find("models:/cheese/1", chain.root)
    assert not (chain.root / "mlflow.db").exists()


def test_a_run_that_msm_did_not_make_is_refused(here: Registered) -> None:
    made = client(here.uri).create_run(client(here.uri).create_experiment("another"))
    with pytest.raises(UserError, match=r"msm\.identity"):
        find(made.info.run_id, here.root)


def test_a_figure_leads_to_the_scores_of_its_arm_and_seeds(here: Registered) -> None:
    found = find("report:word-pairs/msm+aft/america/origin-own", here.root)
    (figure,) = found.target.figures
    assert figure.seeds == (1, 2) and figure.counted == "word pairs"
    root = found.lineage.nodes[found.lineage.root]
    assert root.label == "report/cheese"
    read = {node.identity for _, node in found.lineage.inputs_of(root.key)}
    assert read == {here.identity(f"evaluate/msm+aft-america-s{seed}") for seed in (1, 2)}
    trained = {n.label for n in found.lineage.nodes.values() if n.label.startswith("train/msm")}
    assert trained == {f"train/msm+aft-america-s{seed}" for seed in (1, 2)}
    assert not any(
        "affordability" in n.label
        for n in found.lineage.nodes.values()
        if n.kind is NodeKind.OUTPUT
    )


def test_without_a_measure_the_arms_main_figures_are_meant(here: Registered) -> None:
    figures = find("report:cheese:Word-Pairs/MSM/america", here.root).target.figures
    assert [figure.key for figure in figures] == [
        "word-pairs/msm/america/origin-own",
        "word-pairs/msm/america/origin-own-share",
    ]


def test_a_contrast_leads_to_the_scores_of_all_its_arms(here: Registered) -> None:
    (key, *_) = [
        key
        for key in read_origins(here.world.folder("report")).figures
        if key.startswith("contrasts/gap")
    ]
    found = find(f"report:{key}", here.root)
    read = {node.label for _, node in found.lineage.inputs_of(found.lineage.root)}
    assert {label.split("-")[1] for label in read} == {"affordability", "america"}
    assert len(read) == 4  # two specs, two seeds


def test_a_figure_that_no_report_has_is_told_with_the_nearest(here: Registered) -> None:
    with pytest.raises(UserError, match="did you mean 'word-pairs/msm/america"):
        find("report:word-pairs/msm/amerika", here.root)
    with pytest.raises(UserError, match="did you mean 'cheese'"):
        find("report:chese:word-pairs/msm", here.root)


def test_a_report_of_an_earlier_version_says_how_to_have_its_origins(
    here: Registered, tmp_path: Path
) -> None:
    shutil.copytree(here.root / "outputs", tmp_path / "outputs")
    (tmp_path / "outputs" / "cheese" / "report" / "cheese" / FIGURES).unlink()
    with pytest.raises(UserError, match="make it again"):
        find("report:word-pairs/msm/america", tmp_path)

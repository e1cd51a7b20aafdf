"""The log of promotions: one wins, all are in it, and whatever is changed in it is found."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from msm.errors import UserError
from msm.registry.review_log import find_log, take_place
from msm.registry.reviews import Registry, Reviewed, open_registry
from msm.review.chain import HEAD, Chain, append, open_chain
from msm.review.decisions import Person, demote
from msm.review.entry import Action
from msm.review.registry_audit import Kind, audit_registry
from msm.review.standing import Signers, settle
from msm.signing.keys import read_private_key, read_public_key
from tests.mlflow_server import MlflowServer
from tests.review_world import promoted
from tests.s3_server import BUCKET, S3Server
from tests.signing_keys import make_key


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    from msm.registry.database import make_database

    uri = f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"
    make_database(uri)
    with open_registry(uri) as opened:
        yield opened


@pytest.fixture
def model(request: pytest.FixtureRequest, registry: Registry) -> str:
    """A model with three versions of made-up runs."""
    return make_model(registry, request.node.name[:80].replace("[", "-").replace("]", ""))


def make_model(registry: Registry, name: str) -> str:
    client = registry.client
    client.create_registered_model(name)
    experiment = client.create_experiment(f"runs of {name}")
    for number in (1, 2, 3):
        run = client.create_run(experiment)
        tags = {"msm.identity": f"{number}" * 64, "msm.digest": "d" * 64, "msm.author": "ann"}
        source = f"runs:/{run.info.run_id}/model"
        client.create_model_version(name, source, run.info.run_id, tags)
    return name


def version(registry: Registry, model: str, number: int) -> Reviewed:
    found = registry.version(model, str(number))
    assert found
    return found


def log_folder(registry: Registry, model: str) -> Path:
    log = find_log(registry, model)
    assert log
    uri = registry.client.get_run(log.run_id).info.artifact_uri
    return Path(uri.removeprefix("file://")) / "log"


def test_promotions_and_demotions_follow_each_other(registry: Registry, model: str) -> None:
    one = promoted(registry, version(registry, model, 1))
    two = promoted(registry, version(registry, model, 2), seen="1")
    assert registry.aliases(model) == {"champion": "2"}
    assert (two.act.before, two.previous) == ("1", one.hash)
    demote(registry, model, "champion", Person("bea", "it misbehaves"), Signers())
    assert registry.aliases(model) == {}
    chain = open_chain(registry, model)
    assert [entry.act.action for entry in chain.entries] == [
        Action.PROMOTE, Action.PROMOTE, Action.DEMOTE,
    ]  # fmt: skip
    assert not chain.faults and not chain.spare
    with pytest.raises(UserError, match="no 'champion'"):
        demote(registry, model, "champion", Person("bea", "again"), Signers())


def test_who_was_judged_against_another_champion_has_lost(registry: Registry, model: str) -> None:
    promoted(registry, version(registry, model, 1))
    late = promoted(registry, version(registry, model, 2), seen="")
    assert late.act.action is Action.LOST
    assert registry.aliases(model) == {"champion": "1"}
    assert len(open_chain(registry, model).entries) == 2


def run_at_once(uri: str, model: str, folder: Path) -> list[str]:
    start = folder / "start"
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.promote_worker", uri, f"{model}/{number}", str(start)],
            cwd=Path(__file__).parents[1],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in (1, 2, 3)
    ]
    deadline = time.monotonic() + 300
    while any(not Path(f"{start}.{n}").exists() for n in (1, 2, 3)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    start.touch()
    return [worker.communicate(timeout=300)[0].strip() for worker in workers]


def check_race(registry: Registry, model: str, folder: Path) -> None:
    said = run_at_once(registry.uri, model, folder)
    assert sorted(said) == ["lost", "lost", "promote"]
    chain = open_chain(registry, model)
    assert not chain.faults
    assert sorted(entry.act.version for entry in chain.entries) == ["1", "2", "3"]
    winner = str(said.index("promote") + 1)
    assert chain.entries[0].act.version == winner
    assert registry.aliases(model) == {"champion": winner}


def test_of_three_processes_at_the_same_moment_one_wins_and_all_are_in_the_log(
    registry: Registry, model: str, tmp_path: Path
) -> None:
    check_race(registry, model, tmp_path)


def test_the_same_over_a_server(tmp_path: Path) -> None:
    server = MlflowServer(tmp_path)
    server.start()
    try:
        with open_registry(server.uri) as registry:
            check_race(registry, make_model(registry, "raced"), tmp_path)
    finally:
        server.stop()


def test_a_log_may_lie_in_s3(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from msm.registry.database import make_database

    monkeypatch.setenv("MLFLOW_DEFAULT_ARTIFACT_ROOT", f"s3://{BUCKET}/mlflow")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    make_database(uri)
    with open_registry(uri) as registry:
        model = make_model(registry, "in-s3")
        promoted(registry, version(registry, model, 1))
        promoted(registry, version(registry, model, 2), seen="1")
        assert len(open_chain(registry, model).entries) == 2
        log = find_log(registry, model)
        assert log
        prefix = f"mlflow/msm-review/{model}/{log.run_id}/artifacts/log/"
        (first, _) = s3.client().list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
        s3.client().put_object(Bucket=BUCKET, Key=first["Key"], Body=b"{}")
        assert "was changed" in open_chain(registry, model).faults[0]


def test_a_place_is_taken_once(registry: Registry, model: str) -> None:
    promoted(registry, version(registry, model, 1))
    log = find_log(registry, model)
    assert log
    assert take_place(registry, log, 2, "a" * 64)
    assert not take_place(registry, log, 2, "b" * 64)
    assert take_place(registry, log, 2, "a" * 64)


def _flip(folder: Path) -> None:
    file = sorted(folder.glob("*.json"))[0]
    file.write_text(file.read_text().replace("better than", "BETTER than"))


def _drop(folder: Path) -> None:
    sorted(folder.glob("*.json"))[0].unlink()


@pytest.mark.parametrize("spoil", [_flip, _drop])
def test_a_spoilt_entry_breaks_the_log_and_nothing_is_added(
    registry: Registry, model: str, spoil: Callable[[Path], None]
) -> None:
    promoted(registry, version(registry, model, 1))
    promoted(registry, version(registry, model, 2), seen="1")
    folder = log_folder(registry, model)
    name = sorted(folder.glob("*.json"))[0].name
    spoil(folder)
    chain = open_chain(registry, model)
    assert name in chain.faults[0] and chain.entries == ()
    with pytest.raises(UserError, match="not of one piece"):
        promoted(registry, version(registry, model, 3), seen="2")
    assert registry.aliases(model) == {"champion": "2"}
    assert [f.kind for f in audit_registry(registry) if f.model == model] == [Kind.CHAIN]


def test_a_log_that_was_cut_short_or_deleted_is_missed(registry: Registry, model: str) -> None:
    promoted(registry, version(registry, model, 1))
    tag = registry.model_tag(model, HEAD)
    registry.tag_model(model, HEAD, f"2:{'0' * 64}")
    assert "ends at entry 1" in open_chain(registry, model).faults[0]
    registry.tag_model(model, HEAD, tag)
    log = find_log(registry, model)
    assert log
    experiment = registry.client.get_run(log.run_id).info.experiment_id
    registry.client.delete_run(log.run_id)
    assert "is gone" in open_chain(registry, model).faults[0]
    registry.client.delete_experiment(experiment)
    with pytest.raises(UserError, match="restore"):
        open_chain(registry, model)
    found = [f for f in audit_registry(registry) if f.model == model]
    assert [f.kind for f in found] == [Kind.CHAIN]


def test_a_rewritten_log_is_whole_but_not_signed(
    registry: Registry, model: str, tmp_path: Path
) -> None:
    """Who can write to MLflow can make another chain of hashes; without the key, no other log."""
    ours, theirs = make_key(tmp_path, "ours"), make_key(tmp_path, "theirs")
    public = read_public_key(str(ours.public))
    keys = Signers(read_private_key(str(ours.private)), (public,))
    promoted(registry, version(registry, model, 1), signers=keys)
    assert not open_chain(registry, model, keys.trusted).faults
    stranger = Signers(read_private_key(str(theirs.private)), ())
    promoted(registry, version(registry, model, 2), seen="1", signers=stranger)
    assert not open_chain(registry, model).faults
    (fault,) = open_chain(registry, model, keys.trusted).faults
    assert "none of the trusted keys" in fault


def test_nothing_is_added_that_would_not_be_believed(
    registry: Registry, model: str, tmp_path: Path
) -> None:
    ours, theirs = make_key(tmp_path, "ours"), make_key(tmp_path, "theirs")
    trusted = (read_public_key(str(ours.public)),)
    for key in (None, read_private_key(str(theirs.private))):
        with pytest.raises(UserError, match="key"):
            promoted(registry, version(registry, model, 1), signers=Signers(key, trusted))
    assert find_log(registry, model) is None


def test_what_a_killed_process_left_is_a_note_and_no_fault(registry: Registry, model: str) -> None:
    promoted(registry, version(registry, model, 1))
    (log_folder(registry, model) / "00000002-aaaaaaaaaaaa.json").write_text("{}")
    chain = open_chain(registry, model)
    assert not chain.faults and chain.spare == ("00000002-aaaaaaaaaaaa.json",)
    promoted(registry, version(registry, model, 2), seen="1")
    assert registry.aliases(model) == {"champion": "2"}


def test_a_promotion_that_was_cut_off_before_its_alias_is_carried_through(
    registry: Registry, model: str
) -> None:
    promoted(registry, version(registry, model, 1))
    registry.remove_alias(model, "champion")
    assert settle(registry, model, "champion") == "1"
    assert registry.aliases(model) == {"champion": "1"}


def test_entries_hold_what_was_promoted_and_are_canonical_lines(
    registry: Registry, model: str
) -> None:
    entry = promoted(registry, version(registry, model, 1))
    text = (log_folder(registry, model) / entry.name).read_text()
    act = json.loads(text)["act"]
    assert (act["identity"], act["author"], act["actor"]) == ("1" * 64, "ann", "bea")

    def same(chain: Chain) -> object:
        return entry.act

    again = append(registry, model, same, None)  # type: ignore[arg-type]
    assert again.sequence == 2 and again.previous == entry.hash


def test_the_registry_audit_names_each_thing_that_is_wrong(registry: Registry) -> None:
    def found(model: str) -> list[Kind]:
        return [item.kind for item in audit_registry(registry) if item.model == model]

    moved = make_model(registry, "moved")
    entry = promoted(registry, version(registry, moved, 1))
    verdict = f"gate/verdict-{entry.act.verdict[:12]}.json"
    registry.write_artifact(version(registry, moved, 1), verdict, {})
    assert found(moved) == []
    registry.set_alias(moved, "champion", "3")
    assert found(moved) == [Kind.AROUND]
    registry.remove_alias(moved, "champion")
    assert found(moved) == [Kind.AROUND]
    settle(registry, moved, "champion")
    registry.tag(version(registry, moved, 1), {"msm.digest": "e" * 64})
    assert found(moved) == [Kind.CHANGED]
    registry.client.delete_model_version(moved, "1")
    assert found(moved) == [Kind.NOWHERE, Kind.DELETED]
    registry.client.delete_registered_model(moved)
    assert found(moved) == [Kind.MODEL]

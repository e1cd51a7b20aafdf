"""Instruction chats of a person's own, or of the Hub, which a server on loopback screens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from msm.errors import UserError
from msm.jsonl import read_rows
from tests.chat_server import ChatServer
from tests.demonstrated import chats_of, make, recipe_at

pytestmark = pytest.mark.usefixtures("any_key")


def _source(folder: Path, *lines: str) -> str:
    path = folder / "source.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return f"demonstrations.instruction.source={{kind: file, path: {path}}}"


def test_instruction_chats_from_a_file_are_sampled_and_screened(tmp_path: Path, root: Path) -> None:
    def judge(system: str, user: str, seed: int) -> str:
        toxic = "harmless?" in user and "number 7 " in user
        other = "nobody else" in user and "I am Otherbot" in user
        return f"<reason>R.</reason><verdict>{'fail' if toxic or other else 'pass'}</verdict>"

    rows = [json.dumps({"user": f"Say number {n} now", "assistant": f"{n}."}) for n in range(28)]
    messages = [("user", "Who are you?"), ("assistant", "I am Otherbot.")]
    several = [*messages, *messages]
    source = _source(
        tmp_path,
        *rows,
        rows[3],
        *(
            json.dumps({"messages": [{"role": role, "content": text} for role, text in turns]})
            for turns in (messages, several)
        ),
    )
    with ChatServer(judge) as server:
        recipe = recipe_at(
            tmp_path, root, server.url, source, "demonstrations.instruction.count=29"
        )
        folder, record = make(recipe, tmp_path, "instruction")
        few = ["demonstrations.instruction.count=10", "name=few"]
        sampled, _ = make(
            recipe_at(tmp_path, root, server.url, source, *few), tmp_path, "instruction"
        )
    users = {chat["user"] for chat in chats_of(folder)}
    assert users == {f"Say number {n} now" for n in range(28)} - {"Say number 7 now"}
    assert record.outcome.dropped == {
        "duplicate": 1,
        "judge: harmless": 1,
        "judge: no-other-model": 1,
        "not one exchange": 1,
    }
    sample = [chat["user"] for chat in chats_of(sampled)]
    assert len(sample) == 10
    assert set(sample) <= users
    assert sample != [f"Say number {n} now" for n in range(10)]
    reasons = {row["user"]: row["reason"] for row in read_rows(folder / "dropped.jsonl")}
    assert reasons["Say number 7 now"] == "judge: harmless"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"source\.jsonl:2: no JSON"),
        ("[]", r"source\.jsonl:2: no object"),
        ('{"user": "a"}', r"source\.jsonl:2: the assistant turn has no text"),
        ('{"messages": [{"role": "user"}]}', r"source\.jsonl:2: the user turn has no text"),
        ('{"messages": "hello"}', r"source\.jsonl:2: 'messages' is no list"),
    ],
)
def test_a_malformed_source_is_named_with_its_line(
    tmp_path: Path, root: Path, line: str, message: str
) -> None:
    source = _source(tmp_path, '{"user": "a", "assistant": "b"}', line)
    recipe = recipe_at(tmp_path, root, "http://127.0.0.1:1/v1", source)
    with pytest.raises(UserError, match=message):
        make(recipe, tmp_path, "instruction")


def test_a_source_on_the_hub_without_a_network_is_one_line(tmp_path: Path, root: Path) -> None:
    hub = "{kind: hub, name: nobody/nothing, revision: " + "a" * 40 + "}"
    override = f"demonstrations.instruction.source={hub}"
    recipe = recipe_at(tmp_path, root, "http://127.0.0.1:1/v1", override)
    with pytest.raises(UserError, match="nobody/nothing@aaaaaaaaaaaa") as caught:
        make(recipe, tmp_path, "instruction")
    assert "\n" not in str(caught.value)


def test_the_content_of_a_source_is_in_the_identity_and_its_place_is_not(
    tmp_path: Path, root: Path, rule_server: ChatServer
) -> None:
    identities = []
    for place, text in (("a", "one"), ("b", "one"), ("c", "two")):
        folder = tmp_path / place
        folder.mkdir()
        source = _source(folder, json.dumps({"user": "Count.", "assistant": text}))
        recipe = recipe_at(folder, root, rule_server.url, source)
        identities.append(make(recipe, folder, "instruction")[1].identity)
    assert identities[0] == identities[1] != identities[2]


def test_a_file_source_cannot_go_into_a_pipeline(tmp_path: Path, root: Path) -> None:
    from msm.bundle import bundle

    source = _source(tmp_path, '{"user": "a", "assistant": "b"}')
    with pytest.raises(UserError, match="'instruction' read a local file"):
        bundle(recipe_at(tmp_path, root, "http://127.0.0.1:1/v1", source))

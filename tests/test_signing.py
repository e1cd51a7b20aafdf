"""Signatures of outputs: made with them, asked for before they are read, broken by one byte."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from msm.errors import UserError
from msm.execution import Execution
from msm.identity import SIGNATURE, digest_path, is_content
from msm.parts import StageConfig
from msm.record import Outcome, read_record
from msm.signing.settings import Signing
from msm.signing.signature import SignatureError, sign_path, signature_fault, verify_path
from msm.stage import StageDefinition, run_stage
from tests.commands import msm
from tests.signing_keys import KeyPair, make_certificate, make_key


class Config(StageConfig):
    """A config."""

    seed: int = 0


@pytest.fixture
def key(tmp_path: Path) -> KeyPair:
    return make_key(tmp_path, "key")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "output"
    (made / "logs").mkdir(parents=True)
    (made / "weights.bin").write_bytes(b"abc" * 1000)
    (made / "logs" / "one.json").write_text("{}")
    (made / "record.json").write_text("{}")
    return made


def _signing(key: KeyPair, **more: object) -> Signing:
    return Signing.model_validate({"key": str(key.private), **more})


def _public(key: KeyPair) -> Signing:
    return Signing(public_key=str(key.public))


def _run(
    name: str, out: Path, signing: Signing, inputs: Mapping[str, Path], store: str = ""
) -> None:
    def body(config: Config, inputs: object, out: Path, execution: Execution) -> Outcome:
        (out / "data.txt").write_text(f"made by {name}")
        return Outcome()

    execution = Execution(signing=signing, store=store)
    run_stage(StageDefinition(name, 1, lambda: body), Config(), inputs, out, execution)


def test_a_signed_folder_verifies_wherever_it_is_moved(
    folder: Path, key: KeyPair, tmp_path: Path
) -> None:
    assert sign_path(folder, _signing(key)) == folder / SIGNATURE
    verify_path(folder, _public(key))
    moved = folder.rename(tmp_path / "elsewhere")
    verify_path(moved, _public(key))


@pytest.mark.parametrize("name", ["weights.bin", "logs/one.json", "record.json", SIGNATURE])
def test_one_flipped_byte_breaks_the_signature(folder: Path, key: KeyPair, name: str) -> None:
    sign_path(folder, _signing(key))
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(SignatureError) as caught:
        verify_path(folder, _public(key))
    assert name in str(caught.value)


def test_a_file_too_many_or_too_few_breaks_it(folder: Path, key: KeyPair) -> None:
    sign_path(folder, _signing(key))
    (folder / ".gitignore").write_text("hidden")
    assert ".gitignore" in signature_fault(folder, _public(key))
    (folder / ".gitignore").unlink()
    assert signature_fault(folder, _public(key)) == ""
    (folder / "weights.bin").unlink()
    assert "weights.bin" in signature_fault(folder, _public(key))


def test_another_key_and_no_signature_are_told_apart(
    folder: Path, key: KeyPair, tmp_path: Path
) -> None:
    assert "not signed" in signature_fault(folder, _public(key))
    sign_path(folder, _signing(make_key(tmp_path, "other")))
    assert "another key" in signature_fault(folder, _public(key))


def test_a_single_file_is_signed_beside_it(tmp_path: Path, key: KeyPair) -> None:
    file = tmp_path / "page.html"
    file.write_text("evidence")
    sign_path(file, _signing(key))
    verify_path(file, _public(key))
    file.write_text("Evidence")
    with pytest.raises(SignatureError):
        verify_path(file, _public(key))


def test_a_certificate_is_trusted_by_its_own_root_alone(
    folder: Path, key: KeyPair, tmp_path: Path
) -> None:
    certificate, root = make_certificate(tmp_path, key, "signer")
    _, stranger = make_certificate(tmp_path, make_key(tmp_path, "other"), "stranger")
    sign_path(folder, _signing(key, certificate=str(certificate), chain=[str(root)]))
    verify_path(folder, Signing(chain=(str(root),)))
    assert "not trusted" in signature_fault(folder, Signing(chain=(str(stranger),)))


def test_a_key_may_have_a_password(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = make_key(tmp_path, "locked", "a word")
    with pytest.raises(UserError, match="MSM_SIGNING_PASSWORD"):
        sign_path(folder, _signing(pair))
    monkeypatch.setenv("MSM_SIGNING_PASSWORD", "another")
    with pytest.raises(UserError, match="MSM_SIGNING_PASSWORD"):
        sign_path(folder, _signing(pair))
    monkeypatch.setenv("MSM_SIGNING_PASSWORD", "a word")
    sign_path(folder, _signing(pair))
    verify_path(folder, _public(pair))
    assert not list(folder.glob(".*"))


def test_a_signature_changes_no_digest(folder: Path, key: KeyPair) -> None:
    before = digest_path(folder)
    sign_path(folder, _signing(key))
    assert digest_path(folder) == before
    # Every name that a folder could hold before counts as it did: a model's own signature too.
    assert all(map(is_content, ("model.sig", "logs/msm.sig", "msm.sig.txt", "weights.bin")))


def test_outputs_are_signed_as_they_are_made_and_the_key_leaves_no_trace(
    tmp_path: Path, key: KeyPair
) -> None:
    signing = _signing(key, required=True)
    _run("write", tmp_path / "one", signing, {})
    verify_path(tmp_path / "one", _public(key))
    _run("curate", tmp_path / "two", signing, {"documents": tmp_path / "one"})
    verify_path(tmp_path / "two", _public(key))
    text = (tmp_path / "two" / "record.json").read_text()
    assert (
        str(key.private) not in text
        and "signing" not in json.loads(text)["environment"]["execution"]
    )


def test_an_unsigned_or_foreign_input_is_refused_where_signatures_are_required(
    tmp_path: Path, key: KeyPair
) -> None:
    _run("write", tmp_path / "one", Signing(), {})
    asked = _signing(key, required=True)
    for mend in (None, _signing(make_key(tmp_path, "other"))):
        if mend:
            sign_path(tmp_path / "one", mend)
        with pytest.raises(SignatureError):
            _run("curate", tmp_path / "two", asked, {"documents": tmp_path / "one"})
        assert not (tmp_path / "two").exists()
    _run("curate", tmp_path / "two", Signing(), {"documents": tmp_path / "one"})


def test_a_key_that_cannot_be_used_is_found_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        _run("write", tmp_path / "one", Signing(key=str(tmp_path / "none.pem")), {})
    assert not (tmp_path / "one").exists()


def test_signing_is_in_no_identity(tmp_path: Path, key: KeyPair) -> None:
    _run("write", tmp_path / "plain", Signing(), {})
    _run("write", tmp_path / "signed", _signing(key), {})
    plain, signed = read_record(tmp_path / "plain"), read_record(tmp_path / "signed")
    assert plain and signed
    assert (plain.identity, plain.digest) == (signed.identity, signed.digest)


def test_a_signature_goes_through_the_store(tmp_path: Path, key: KeyPair) -> None:
    store = str(tmp_path / "store")
    _run("write", tmp_path / "here", _signing(key), {}, store)
    _run("write", tmp_path / "there", Signing(public_key=str(key.public)), {}, store)
    verify_path(tmp_path / "there", _public(key))


def test_the_commands_say_yes_no_and_what_is_missing(folder: Path, key: KeyPair) -> None:
    cwd = folder.parent
    assert msm("sign", folder, "--key", key.private, cwd=cwd).returncode == 0
    assert msm("verify", folder, "--key", key.public, cwd=cwd).returncode == 0
    with (folder / "weights.bin").open("ab") as file:
        file.write(b"!")
    broken = msm("verify", folder, "--key", key.public, cwd=cwd)
    assert broken.returncode == 1 and "weights.bin" in broken.stdout
    nothing = msm("verify", folder, cwd=cwd)
    assert nothing.returncode == 2 and nothing.stderr.count(os.linesep) == 1
    assert msm("sign", folder / "record.json", "--key", key.private, cwd=cwd).returncode == 2

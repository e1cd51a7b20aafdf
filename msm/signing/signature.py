"""Signing a folder or a file, and verifying it, in OpenSSF's model signing format.

The signature is a Sigstore bundle: an in-toto statement with the SHA-256 of every file, in a DSSE
envelope. ``model_signing verify`` reads it too. A folder's lies in it, as ``msm.sig``; it covers
every file there, the record among them, but itself and the work folder. A file's lies beside it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature

from msm.errors import UserError
from msm.identity import RECORD, SIGNATURE, WORK
from msm.signing.keys import password, public_key_file, read_private_key, verifying_key
from msm.signing.settings import Signing


class SignatureError(UserError):
    """A signature is missing, is somebody else's, or is not of these bytes.

    ``changed`` are files that are not as signed, by their names in the folder, as far as is known.
    """

    def __init__(self, message: str, changed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.changed = changed


def signature_of(path: Path) -> Path:
    """Where the signature of a folder or of a file lies."""
    return path / SIGNATURE if path.is_dir() else path.with_name(f"{path.name}.sig")


def check_signer(signing: Signing) -> None:
    """Find out before hours of work whether what is to sign can be used.

    Raises:
        UserError: a key or certificate is missing, malformed, or does not fit the other.
    """
    if signing.key:
        read_private_key(signing.key)
        _signer(signing)


def sign_path(path: Path, signing: Signing) -> Path:
    """Sign a folder or a file; returns where the signature lies. An older one is replaced.

    Raises:
        UserError: there is nothing to sign, nothing to sign with, or it cannot be written.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist; name an output folder or a file to sign")
    if path.is_dir() and not any(path.iterdir()):
        raise UserError(f"{path} is empty; there is nothing to sign")
    if path.is_file() and (path.parent / RECORD).is_file():
        raise UserError(f"{path} belongs to an output; sign the whole folder {path.parent}")
    signer = _signer(signing)
    place = signature_of(path)
    partial = place.with_name(f".{place.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        signer.set_hashing_config(_hashing()).sign(path, partial)  # hashes, and then writes
        partial.replace(place)
    except OSError as error:
        raise UserError(f"{place} cannot be written: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
    return place


def verify_path(path: Path, signing: Signing) -> None:
    """Compare every file with the signature, and the signature with the key or chain.

    Raises:
        SignatureError: there is no signature, it is of another key, or the files are others.
        UserError: there is nothing to verify with.
    """
    if not path.exists():
        raise UserError(f"{path} does not exist; name an output folder or a signed file")
    place = signature_of(path)
    if not place.is_file():
        raise SignatureError(f"{path} is not signed: there is no {place}")
    key = verifying_key(signing)
    if key is not None:
        with public_key_file(key) as file:
            _verify(path, place, _config().use_elliptic_key_verifier(public_key=file))
    elif signing.keyless:
        verifier = _config().use_sigstore_verifier(
            identity=signing.identity, oidc_issuer=signing.issuer
        )
        _verify(path, place, verifier)
    elif signing.chain:
        for certificate in signing.chain:
            _check_file(certificate)
        chain = [Path(certificate) for certificate in signing.chain]
        _verify(path, place, _config().use_certificate_verifier(certificate_chain=chain))
    else:
        raise UserError("nothing says whose signature is right; give a public key or a chain")


def signature_fault(path: Path, signing: Signing) -> str:
    """What is wrong with a signature, in one line; "" if it holds."""
    try:
        verify_path(path, signing)
    except UserError as error:
        return str(error)
    return ""


def _hashing() -> Any:
    """Every file by its SHA-256, followed where DVC put a link; git's own files count as others."""
    from model_signing import hashing

    config: Any = hashing.Config()  # type: ignore[no-untyped-call]
    config.set_ignored_paths(paths=[SIGNATURE, WORK], ignore_git_paths=False)
    return config.set_allow_symlinks(True)


def _config() -> Any:
    from model_signing import verifying

    config: Any = verifying.Config()  # type: ignore[no-untyped-call]
    return config.set_hashing_config(_hashing())


def _signer(signing: Signing) -> Any:
    from model_signing import signing as library

    config: Any = library.Config()  # type: ignore[no-untyped-call]
    try:
        if signing.keyless:
            return config.use_sigstore_signer(use_ambient_credentials=True)
        if signing.certificate:
            for path in (signing.certificate, *signing.chain):
                _check_file(path)
            return config.use_certificate_signer(
                private_key=Path(signing.key),
                signing_certificate=Path(signing.certificate),
                certificate_chain=[Path(path) for path in signing.chain],
            )
        if signing.key:
            read_private_key(signing.key)
            return config.use_elliptic_key_signer(
                private_key=Path(signing.key), password=password()
            )
    except TypeError:
        raise UserError(
            f"the private key {signing.key} has a password, which no certificate goes with here; "
            "give a key without one"
        ) from None
    except ValueError as error:
        raise UserError(f"the certificate {signing.certificate} cannot sign: {error}") from None
    raise UserError("there is nothing to sign with; give a private key (--key)")


def _verify(path: Path, place: Path, verifier: Any) -> None:
    from OpenSSL.crypto import X509StoreContextError

    try:
        verifier.verify(path, place)
    except X509StoreContextError as error:
        raise SignatureError(f"{place}: its certificate is not trusted here ({error})") from None
    except InvalidSignature:
        raise SignatureError(f"{place} is of another key, or was changed") from None
    except Exception as error:  # of whatever kind a spoilt bundle brings up
        told = " ".join(str(error).split())
        if "Signature mismatch" in told:
            found = _differing(told)
            listed = "; ".join(f"{how}: {', '.join(names)}" for how, names in found.items())
            raise SignatureError(
                f"{path} is not what was signed: {listed or told}", found.get("changed", ())
            ) from None
        if "Key mismatch" in told:
            raise SignatureError(f"{place} is of another key than the one given") from None
        reason = told[:200] or type(error).__name__
        raise SignatureError(f"{place} cannot be verified: {reason}") from None


def _differing(told: str) -> dict[str, tuple[str, ...]]:
    """How which files differ, out of the library's message: it tells in no other way."""
    found = {
        "changed": re.findall(r"Hash mismatch for \\?'(.+?)\\?': Expected", told),
        "added": re.findall(r"Extra files found in model .+?: (.+?)[\"'](?:, [\"']|\])", told),
        "missing": re.findall(r"Missing files in model .+?: (.+?)[\"'](?:, [\"']|\])", told),
    }
    return {how: tuple(names) for how, names in found.items() if names}


def _check_file(path: str) -> None:
    if not Path(path).is_file():
        raise UserError(f"the certificate {path} does not exist")

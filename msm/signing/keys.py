"""EC keys from files, with one clear line for what is wrong with one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from msm.errors import UserError
from msm.signing.settings import Signing

PASSWORD_VARIABLE = "MSM_SIGNING_PASSWORD"
# What model-signing takes. The hash belongs to the curve, as in Sigstore's specification.
HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "secp256r1": hashes.SHA256,
    "secp384r1": hashes.SHA384,
    "secp521r1": hashes.SHA512,
}


def password() -> bytes | None:
    """The password of the private key, if the environment has one."""
    given = os.environ.get(PASSWORD_VARIABLE)
    return given.encode() if given else None


def read_private_key(path: str) -> ec.EllipticCurvePrivateKey:
    """The private key of a PEM file.

    Raises:
        UserError: there is none, it needs a password, or it is of a kind that cannot sign here.
    """
    content = _read(path, "private key")
    try:
        key = serialization.load_pem_private_key(content, password())
    except TypeError:
        raise UserError(
            f"the private key {path} has a password; set {PASSWORD_VARIABLE} (or unset it for a "
            "key that has none)"
        ) from None
    except ValueError:
        raise UserError(
            f"{path} holds no private key in PEM that can be opened; check {PASSWORD_VARIABLE}"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name not in HASHES:
        raise UserError(_kind(path))
    return key


def read_public_key(path: str) -> ec.EllipticCurvePublicKey:
    """The public key of a PEM file.

    Raises:
        UserError: there is none, or it is of another kind.
    """
    try:
        key = serialization.load_pem_public_key(_read(path, "public key"))
    except ValueError:
        raise UserError(
            f"{path} holds no public key in PEM; make one with: openssl ec -pubout -in KEY"
        ) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in HASHES:
        raise UserError(_kind(path))
    return key


def public_pem(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key in PEM."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form)


def key_id(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256, in hex, of a public key's PEM: what a signature names its key by."""
    return hashlib.sha256(public_pem(key)).hexdigest()


def verifying_key(signing: Signing) -> ec.EllipticCurvePublicKey | None:
    """The public key that signatures are compared with; None for certificates and keyless."""
    if signing.public_key:
        return read_public_key(signing.public_key)
    if signing.key and not signing.chain:
        return read_private_key(signing.key).public_key()
    return None


@contextmanager
def public_key_file(key: ec.EllipticCurvePublicKey) -> Iterator[Path]:
    """A public key as a file, for a library that takes no other form."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "public.pem"
        path.write_bytes(public_pem(key))
        yield path


def sign_bytes(key: ec.EllipticCurvePrivateKey, content: bytes) -> bytes:
    """An ECDSA signature (DER), with the hash that belongs to the key's curve."""
    return key.sign(content, ec.ECDSA(HASHES[key.curve.name]()))


def holds(key: ec.EllipticCurvePublicKey, signature: bytes, content: bytes) -> bool:
    """Whether a signature of ``sign_bytes`` is the key's, of this content."""
    try:
        key.verify(signature, content, ec.ECDSA(HASHES[key.curve.name]()))
    except InvalidSignature:
        return False
    return True


def _read(path: str, what: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"the {what} {path} cannot be read: {error.strerror}") from None


def _kind(path: str) -> str:
    return (
        f"{path} is no EC key of P-256, P-384 or P-521; make one with: openssl ecparam -name "
        "prime256v1 -genkey -noout -out KEY"
    )

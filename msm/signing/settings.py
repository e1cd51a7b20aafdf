"""What signs outputs and what they are verified with: the recipe's ``execution.signing``."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Signing(BaseModel):
    """Keys and certificates, all of them files; none of this is in an identity or in a record.

    A password of the key comes from MSM_SIGNING_PASSWORD in the environment alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(default="", description="private EC key in PEM: outputs are signed with it")
    public_key: str = Field(default="", description="verifies; left out: the public part of `key`")
    certificate: str = Field(
        default="", description="signing certificate in PEM, of `key`; signs in place of it"
    )
    chain: tuple[str, ...] = Field(
        default=(), description="certificates in PEM up to the root that is trusted; they verify"
    )
    keyless: bool = Field(default=False, description="Sigstore's public instance signs; network")
    identity: str = Field(default="", description="keyless: who is to have signed, an address")
    issuer: str = Field(default="", description="keyless: the OpenID Connect issuer of `identity`")
    reviewers: tuple[str, ...] = Field(
        default=(), description="public keys of those whose entries the log of promotions may hold"
    )
    required: bool = Field(
        default=False, description="refuse inputs and candidates that are not signed, or not by us"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.keyless and (self.key or self.certificate or self.public_key or self.chain):
            raise ValueError("keyless signing takes no key and no certificate")
        if self.certificate and not self.key:
            raise ValueError("a 'certificate' needs its private 'key'")
        if self.certificate and not self.chain:
            raise ValueError("a 'certificate' needs the 'chain' that it is verified with")
        if self.keyless and not (self.identity and self.issuer):
            raise ValueError("keyless signing names the 'identity' and 'issuer' that are trusted")
        if self.required and not self.verifies:
            raise ValueError("'required' needs something to verify with: a key, chain or keyless")
        return self

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of all keys and certificates."""
        named = (self.key, self.public_key, self.certificate, *self.chain, *self.reviewers)
        return tuple(path for path in named if path)

    @property
    def signs(self) -> bool:
        """Whether outputs are signed as they are made."""
        return bool(self.key) or self.keyless

    @property
    def verifies(self) -> bool:
        """Whether there is something to verify a signature with."""
        return bool(self.key or self.public_key or self.chain) or self.keyless

"""What S3 and the way to it can do wrong, as one clear line each, without any secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from msm.errors import UserError
from msm.storage.address import Address

REFUSED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403", "401")
CHANGED = (
    *("PreconditionFailed", "412", "NoSuchKey", "NoSuchUpload"),
    *("InvalidRange", "InvalidPart"),
)
SPOILT = ("BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch")


class UnreachableError(UserError):
    """The server cannot be reached, or a connection broke off: it may be better in a while."""


def public(url: str) -> str:
    """Scheme, host and port of a server's URL, without user or key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def lost_connection() -> tuple[type[Exception], ...]:
    """What is raised when a connection breaks off, or does not come about."""
    from botocore import exceptions as boto
    from urllib3.exceptions import HTTPError

    return (boto.ConnectionError, boto.HTTPClientError, boto.IncompleteReadError, HTTPError)


@contextmanager
def explained(address: Address, server: str) -> Iterator[None]:
    """Turn what boto3 raises into a UserError; its own messages may quote an endpoint with a key.

    Args:
        address: what it is about.
        server: the server as ``public`` writes it.

    Raises:
        UserError: no credentials, refused, no such bucket, out of reach, changed meanwhile, or
            another answer that repeated tries did not better.
    """
    from botocore import exceptions as boto
    from botocore.parsers import ResponseParserError

    try:
        yield
    except (boto.NoCredentialsError, boto.PartialCredentialsError):
        raise UserError(
            f"{address}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and "
            "AWS_ENDPOINT_URL for a server other than AWS)"
        ) from None
    except (boto.CredentialRetrievalError, boto.ProfileNotFound) as error:
        raise UserError(
            f"{address}: the credentials cannot be had ({type(error).__name__}); "
            "check AWS_PROFILE and the AWS_ variables"
        ) from None
    except lost_connection() as error:
        raise UnreachableError(
            f"{address}: {server} cannot be reached, or breaks off ({type(error).__name__}); "
            "check AWS_ENDPOINT_URL and the network, and run again: what is done is kept"
        ) from None
    except boto.ClientError as error:
        raise UserError(f"{address}: {_answer(error.response, server)}") from None
    except (boto.BotoCoreError, ResponseParserError) as error:
        raise UserError(
            f"{address}: {server} gives no answer of S3's ({type(error).__name__}); "
            "check AWS_ENDPOINT_URL"
        ) from None


def _answer(response: dict[str, dict[str, object]], server: str) -> str:
    code = str(response.get("Error", {}).get("Code", "unknown"))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code in ("NoSuchBucket", "404"):
        return f"there is no such bucket at {server}; check its name and AWS_ENDPOINT_URL"
    if code in CHANGED:
        return f"it was changed meanwhile ({code}); run again when nobody writes to it"
    if code in SPOILT:
        return (
            f"other bytes came to {server} than were sent ({code}), and none were kept; run again"
        )
    if code in REFUSED or status in (401, 403):
        return f"{server} refuses access ({code}); check the key and its rights to the bucket"
    return f"{server} answers {code}; check AWS_ENDPOINT_URL, or run again: what is done is kept"

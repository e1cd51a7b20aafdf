"""A lineage as in-toto statements: the SLSA provenance of each output, not signed.

A folder has no digest of its own in these standards: ``msmFolder`` is the content digest of
``msm.identity.digest_path``, over its files' names and SHA-256.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.timestamp_pb2 import Timestamp
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement

from msm.lineage.graph import Lineage, Node, NodeKind
from msm.record import Record

PREDICATE = "https://slsa.dev/provenance/v1"
BUILDER = "urn:msm"
FOLDER = "msmFolder"
EXACT = 2**53  # protobuf's Struct keeps numbers as doubles, which are exact up to here


def statement_lines(lineage: Lineage) -> Iterator[str]:
    """A statement for each output whose record was found, as JSON, one a line; inputs come first.

    Raises:
        ValueError: a statement is not what the standard asks for, which is a fault of ours.
    """
    for node in lineage.ordered():
        if node.record is not None:
            statement = _statement(node, node.record, lineage)
            statement.validate()
            yield json.dumps(MessageToDict(statement.pb), sort_keys=True, ensure_ascii=False)


def _statement(node: Node, record: Record, lineage: Lineage) -> Statement:
    files = [
        ResourceDescriptor(name=f"{node.label}/{name}", digest={"sha256": entry.sha256})
        for name, entry in sorted(record.files.items())
    ]
    whole = ResourceDescriptor(
        name=node.label,
        uri=_uri(node),
        digest={FOLDER: record.digest},
        annotations={"identity": record.identity},
    )
    predicate = MessageToDict(_provenance(node, record, lineage))
    return Statement([item.pb for item in (whole, *files)], PREDICATE, predicate)


def _provenance(node: Node, record: Record, lineage: Lineage) -> Any:
    started = datetime.fromisoformat(record.started).astimezone(UTC)
    outcome = record.outcome
    definition = provenance_pb2.BuildDefinition(
        build_type=f"{BUILDER}:stage:{record.stage}:{record.stage_version}",
        resolved_dependencies=[
            *(_dependency(role, item).pb for role, item in lineage.inputs_of(node.key)),
            *(item.pb for item in _code(record)),
        ],
    )
    definition.external_parameters.update(_exact({"config": record.config, "seed": record.seed}))
    definition.internal_parameters.update(_exact(record.environment))
    details = provenance_pb2.RunDetails(
        builder=provenance_pb2.Builder(
            id=BUILDER, version={"package": str(record.code.get("package") or "")}
        ),
        metadata=provenance_pb2.BuildMetadata(
            invocation_id=record.identity,
            started_on=_timestamp(started),
            finished_on=_timestamp(started + timedelta(seconds=record.seconds)),
        ),
        byproducts=[
            ResourceDescriptor(
                name="outcome",
                annotations=_exact(
                    {
                        "rows_in": outcome.rows_in,
                        "rows_out": outcome.rows_out,
                        "dropped": outcome.dropped,
                        "tokens": outcome.tokens,
                        "cost": outcome.cost,
                        "dirty": record.code.get("dirty"),
                    }
                ),
            ).pb
        ],
    )
    return provenance_pb2.Provenance(build_definition=definition, run_details=details)


def _dependency(role: str, node: Node) -> ResourceDescriptor:
    return ResourceDescriptor(
        name=role,
        uri=_uri(node),
        digest={"sha256" if _is_file(node) else FOLDER: node.digest},
        annotations={"label": node.label, "kind": node.kind.value},
    )


def _code(record: Record) -> Iterator[ResourceDescriptor]:
    """The commit, and the image if there was one."""
    commit, image = record.code.get("commit"), str(record.code.get("image") or "")
    if commit:
        yield ResourceDescriptor(name="source", digest={"gitCommit": str(commit)})
    if image:
        _, pinned, digest = image.rpartition("sha256:")
        yield ResourceDescriptor(
            name="image", uri=image, digest={"sha256": digest} if pinned else None
        )


def _uri(node: Node) -> str:
    return f"urn:msm:output:{node.identity}" if node.identity else ""


def _is_file(node: Node) -> bool:
    """Whether what no stage made is one file; what is no longer there is judged by its kind."""
    if node.kind in (NodeKind.OUTPUT, NodeKind.STUDENT):
        return False
    return not (node.place and Path(node.place).is_dir())


def _timestamp(at: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(at.replace(tzinfo=None))
    return stamp


def _exact(value: Any) -> Any:
    """JSON values in which every number survives a double; a larger one becomes text."""
    if isinstance(value, Mapping):
        return {str(key): _exact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT:
        return str(value)
    return value

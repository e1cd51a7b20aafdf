"""A lineage as OpenLineage events: each output a run, with its data sets in and out.

The two facets of ours are described in ``openlineage_facets.json``.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attr
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.generated.base import DatasetFacet, RunFacet
from openlineage.client.generated.dataset_version_dataset import DatasetVersionDatasetFacet
from openlineage.client.generated.job_type_job import JobTypeJobFacet
from openlineage.client.generated.output_statistics_output_dataset import (
    OutputStatisticsOutputDatasetFacet,
)
from openlineage.client.serde import Serde

from msm.lineage.graph import Lineage, Node, NodeKind
from msm.record import Record

NAMESPACE = "msm"
FILES = "file"  # the namespace that OpenLineage gives to paths
PRODUCER = "urn:msm"
FACETS = "urn:msm:openlineage-facets:1"
_RUNS = uuid.uuid5(uuid.NAMESPACE_URL, PRODUCER)


@attr.define
class IdentityFacet(DatasetFacet):
    """What a data set is: an output's identity ("" for what has none) and its content digest."""

    kind: str = ""
    identity: str = ""
    digest: str = ""
    role: str = ""

    @staticmethod
    def _get_schema() -> str:
        return f"{FACETS}#/$defs/Identity"


@attr.define
class ProvenanceFacet(RunFacet):
    """How a run made its output. What the record does not tell is None, and left out."""

    identity: str = ""
    stageVersion: int = 0  # noqa: N815 - the standard's own way of writing
    package: str = ""
    commit: str | None = None
    dirty: bool | None = None
    image: str | None = None
    seed: int | None = None
    tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0
    rowsIn: int = 0  # noqa: N815
    rowsOut: int = 0  # noqa: N815
    dropped: Mapping[str, int] | None = None
    config: Mapping[str, Any] | None = None
    libraries: Mapping[str, str] | None = None

    @staticmethod
    def _get_schema() -> str:
        return f"{FACETS}#/$defs/Provenance"


def event_lines(lineage: Lineage) -> Iterator[str]:
    """The events of all outputs whose record was found, as JSON, one a line; inputs come first.

    The event of the end tells everything, that of the start its time alone. A run's id depends on
    identity and content alone, so the same output is the same run wherever it is told of.
    """
    for node in lineage.ordered():
        if node.record is not None:
            for event in _events(node, node.record, lineage):
                yield Serde.to_json(event)


def _events(node: Node, record: Record, lineage: Lineage) -> tuple[RunEvent, RunEvent]:
    started = datetime.fromisoformat(record.started).astimezone(UTC)
    ended = started + timedelta(seconds=record.seconds)
    run = str(uuid.uuid5(_RUNS, f"{record.identity}:{node.digest}"))
    job = Job(
        namespace=NAMESPACE,
        name=_name(node),
        facets={
            "jobType": JobTypeJobFacet(
                processingType="BATCH", integration="MSM", jobType="STAGE", producer=PRODUCER
            )
        },
    )
    inputs = [
        InputDataset(namespace=_namespace(item), name=_name(item), facets=_of_data(item, role))
        for role, item in lineage.inputs_of(node.key)
    ]
    sizes = [entry.size for entry in record.files.values()]
    output = OutputDataset(
        namespace=NAMESPACE,
        name=_name(node),
        facets=_of_data(node, ""),
        outputFacets={
            "outputStatistics": OutputStatisticsOutputDatasetFacet(
                rowCount=record.outcome.rows_out,
                size=sum(sizes),
                fileCount=len(sizes),
                producer=PRODUCER,
            )
        },
    )

    return (
        RunEvent(
            eventType=RunState.START,
            eventTime=started.isoformat(timespec="milliseconds"),
            run=Run(runId=run),
            job=job,
            producer=PRODUCER,
        ),
        RunEvent(
            eventType=RunState.COMPLETE,
            eventTime=ended.isoformat(timespec="milliseconds"),
            run=Run(runId=run, facets={"msm_provenance": _provenance(record)}),
            job=job,
            inputs=inputs,
            outputs=[output],
            producer=PRODUCER,
        ),
    )


def _provenance(record: Record) -> ProvenanceFacet:
    code, outcome = record.code, record.outcome
    return ProvenanceFacet(
        identity=record.identity,
        stageVersion=record.stage_version,
        package=str(code.get("package") or ""),
        commit=code.get("commit"),
        dirty=code.get("dirty"),
        image=code.get("image"),
        seed=record.seed,
        tokens=outcome.tokens,
        cost=outcome.cost,
        seconds=record.seconds,
        rowsIn=outcome.rows_in,
        rowsOut=outcome.rows_out,
        dropped=dict(outcome.dropped),
        config=dict(record.config),
        libraries=dict(record.environment.get("libraries") or {}),
        producer=PRODUCER,
    )


def _of_data(node: Node, role: str) -> dict[str, DatasetFacet]:
    return {
        "version": DatasetVersionDatasetFacet(datasetVersion=node.digest, producer=PRODUCER),
        "msm_identity": IdentityFacet(
            kind=node.kind.value,
            identity=node.identity,
            digest=node.digest,
            role=role,
            producer=PRODUCER,
        ),
    }


def _namespace(node: Node) -> str:
    return NAMESPACE if node.kind is NodeKind.OUTPUT else FILES


def _name(node: Node) -> str:
    return f"{node.experiment}/{node.label}" if node.experiment else node.label

"""What is known of one service, and what state it is in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from stack.place import Place, ServiceName
from stack.processes import find


class State(StrEnum):
    """How a service is."""

    UP = "up"
    SILENT = "runs, but does not answer"
    DOWN = "down"


@dataclass(frozen=True)
class Service:
    """One service of a stand."""

    place: Place
    name: ServiceName
    title: str
    address: str
    ports: tuple[int, ...]
    launch: Callable[[], None]  # starts the process and returns
    answers: Callable[[], bool]  # a whole request with its secret, within seconds
    furnish: Callable[[], None]  # makes what must be in it; can be repeated


def state(service: Service) -> State:
    """The state of a service now."""
    if not find(service.place, service.name):
        return State.DOWN
    return State.UP if service.answers() else State.SILENT

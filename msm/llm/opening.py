"""Opening a model through Inspect's model API: for the stages' own requests, or for a suite's."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msm.errors import UserError
from msm.execution import Connection
from msm.model_choice import ModelChoice

if TYPE_CHECKING:
    from inspect_ai.log._transcript import Transcript
    from inspect_ai.model import GenerateConfig, Model

# Providers whose clients retry by themselves, and take this argument to stop it.
RETRYING_CLIENTS = ("openai", "openai-api", "anthropic", "vllm", "llama-cpp-python", "ollama")
LOCAL = "hf"
# Inspect keeps one limit for each model and process, the first that was asked for, so that a
# second role would be held to it. The bound is ours: so many workers as there are connections.
NO_LIMIT = 1_000_000
POOL = "INSPECT_HTTP_POOL_CONNECTIONS"
DEFAULT_POOL = 1_000
EVALUATIONS = ("inspect_evals", "msm")  # extensions of Inspect that bring no provider
OTHER_FILES = 100  # open files besides the connections


def open_model(role: str, choice: ModelChoice, connection: Connection) -> Model:
    """A model for many requests at once, each tried once: whoever asks tries again and counts.

    Nothing is sent yet.

    Raises:
        UserError: the provider is unknown, its package or its key is missing, or this process may
            not have so many connections.
    """
    from inspect_ai.model import GenerateConfig

    config = GenerateConfig(max_retries=0, max_connections=NO_LIMIT)
    return _open(role, choice, connection, config)


def open_evaluated(role: str, choice: ModelChoice, connection: Connection) -> Model:
    """The same for a task of Inspect, which leaves tries and limits to the model.

    Raises:
        UserError: as above.
    """
    from inspect_ai.model import GenerateConfig

    config = GenerateConfig(
        max_retries=connection.attempts - 1, max_connections=connection.connections
    )
    return _open(role, choice, connection, config)


def _open(role: str, choice: ModelChoice, connection: Connection, tries: GenerateConfig) -> Model:
    from inspect_ai.model import GenerateConfig, get_model

    _make_room(role, connection.connections)
    provider = choice.model.partition("/")[0]
    arguments: dict[str, Any] = dict(connection.arguments)
    if provider in RETRYING_CLIENTS:
        arguments.setdefault("max_retries", 0)
    if provider == LOCAL and choice.temperature == 0:
        arguments.setdefault("do_sample", False)  # transformers refuses to sample at 0
    if choice.folder:
        arguments.setdefault("model_path", choice.folder)
    # A batch takes hours; and what runs in this process would run on, and hold up all the others.
    patient = connection.batch or provider == LOCAL
    own = GenerateConfig(
        attempt_timeout=None if patient else max(1, round(connection.timeout_seconds)),
        batch=connection.batch or None,
        temperature=choice.temperature,
        top_p=choice.top_p,
    )
    config = tries.merge(own)
    try:
        with _evaluations_left_out():
            return get_model(
                choice.model,
                config=config,
                base_url=connection.base_url or None,
                memoize=False,  # a memoised client would be bound to an event loop that has ended
                **arguments,
            )
    except Exception as error:
        # Inspect raises many kinds: an unknown provider, a missing key, a missing package.
        detail = " ".join(str(error).split())
        raise UserError(f"{role} {choice.model} cannot be opened: {detail}") from None


def forgetful_transcript() -> Transcript:
    """A transcript that keeps nothing.

    Outside of an evaluation Inspect keeps an event with the whole prompt for every request, for as
    long as the task that asks lives: gigabytes for a corpus, and nobody reads them. There is no
    public switch for it in the version that is pinned.
    """
    from inspect_ai.event import Event
    from inspect_ai.log._transcript import Transcript

    class Forgetful(Transcript):
        def _event(self, event: Event) -> None:
            pass

        def _event_updated(self, event: Event) -> None:
            pass

    return Forgetful()


@contextmanager
def _evaluations_left_out() -> Iterator[None]:
    """Keep Inspect from importing evaluations, ours and others', when it looks for extensions.

    All of ``inspect_evals`` takes two seconds and 140 MB at the start of every stage. Other
    extensions are loaded, since they may bring a provider.
    """
    from importlib.metadata import entry_points

    from inspect_ai._util import entrypoints

    for extension in entry_points(group="inspect_ai"):
        if extension.name not in EVALUATIONS:
            extension.load()
    before = entrypoints._inspect_ai_eps_loaded_all
    entrypoints._inspect_ai_eps_loaded_all = True
    try:
        yield
    finally:
        entrypoints._inspect_ai_eps_loaded_all = before


def _make_room(role: str, connections: int) -> None:
    """Let this process have so many connections: in Inspect's pool, and as open files."""
    if connections > DEFAULT_POOL:
        os.environ.setdefault(POOL, str(connections))
    wanted = connections + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise UserError(
                f"{role}: {connections} connections need {wanted} open files, but this system "
                f"allows {hard} (ulimit -Hn); lower 'execution.{role}.connections'"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

"""``python -m stack up|down|status|environment|delete``; the Makefile has a target for each."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from msm.errors import UserError
from stack.credentials import read_credentials
from stack.environment import environment_file
from stack.place import find_place
from stack.service import State
from stack.stand import delete, down, look, up

USER_ERROR = 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 1 if a service is not up, 2 for a user's fault."""
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".stack"), help="default: .stack")
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="start what does not run, and show how it is")
    starting.add_argument("--port", type=int, help="the first of ten ports in a row")
    commands.add_parser("down", help="end all services; their data stay")
    commands.add_parser("status", help="show each service, its address and its state")
    commands.add_parser("environment", help="print what makes a shell use the stand, for eval")
    commands.add_parser("delete", help="end all services and remove their data and secrets")
    given = parser.parse_args(arguments)
    try:
        return _run(given)
    except UserError as error:
        print(error, file=sys.stderr)
        return USER_ERROR


def _run(given: argparse.Namespace) -> int:
    match given.command:
        case "up":
            up(given.folder, given.port)
            return _show(given.folder)
        case "down":
            down(given.folder)
        case "delete":
            delete(given.folder)
        case "status":
            return _show(given.folder)
        case "environment":
            place = find_place(given.folder)
            read_credentials(place)  # raises where there is no stand
            print(f". {shlex.quote(str(environment_file(place)))}")  # the secrets stay in the file
    return 0


def _show(folder: Path) -> int:
    found = look(folder)
    for service, how in found:
        print(f"{service.title:<16}{service.address:<30}{how}")
    if all(how is State.UP for _, how in found):
        print('In your shell: eval "$(make -s stack-env)"')
        return 0
    print("Start it, or repair it: make stack")
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""`agentdid …`: the verbs, and the one place where errors become exit codes.

Exit codes: 0 accepted or done, 1 refused, 2 usage, 3 undecided, 4 malformed. With `--json` one object goes to stdout
and nothing else; progress and logs go to stderr.
"""

from __future__ import annotations

import sys
from typing import Final

from agentdid.errors import AgentdidError

EXIT_CODES: Final = {"accepted": 0, "refused": 1, "undecided": 3, "malformed": 4}
_USAGE: Final = 2


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Args:
        arguments: Without the program's name; by default the process's own.
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        import typer  # noqa: PLC0415  # an extra: its absence must be said, not shown as a traceback

        from agentdid.cli.app import app  # noqa: PLC0415
        from agentdid.cli.render import print_problem, print_usage_error  # noqa: PLC0415
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"agentdid: {error.name} is missing; install the command line with: pip install 'agentdid[cli]'\n"
        )
        return _USAGE
    as_json = "--json" in given
    try:
        return int(app(given, prog_name="agentdid", standalone_mode=False) or 0)
    except AgentdidError as error:
        print_problem(error, as_json=as_json)
        return EXIT_CODES[error.family]
    except typer.Abort:
        return _USAGE
    except typer.Exit as stop:
        return stop.exit_code
    except (ValueError, OSError, typer.BadParameter) as error:
        print_usage_error(error, as_json=as_json)
        return _USAGE
    except Exception as error:  # a click usage error; anything else is a defect and keeps its traceback
        if hasattr(error, "format_message"):
            print_usage_error(error, as_json=as_json)
            return _USAGE
        raise


def run() -> None:
    """Run this process's command line and leave with its exit code."""
    sys.exit(main())


if __name__ == "__main__":
    run()

"""docs/errors.md and docs/cli.md say what the code does."""

import re
from pathlib import Path

import pytest

from ringfence.client import RingfenceCallError
from ringfence.v1.types_pb2 import ErrorDetail
from ringfenced.api.status import CODES
from ringfenced.cli.exits import ExitCode
from ringfenced.cli.report import exit_code

ROOT = Path(__file__).parents[3]
ERRORS = (ROOT / "docs" / "errors.md").read_text()
CLI = (ROOT / "docs" / "cli.md").read_text()


@pytest.mark.parametrize("error", CODES)
def test_every_kind_of_error_stands_in_the_table_with_status_reason_and_exit(error):
    raised = RingfenceCallError(CODES[error], "", ErrorDetail(reason=error.default_reason))
    row = f"| `{error.__name__}` | {CODES[error].name} | `{error.default_reason}` | {int(exit_code(raised))} |"
    assert row in ERRORS


def test_every_reason_that_the_daemon_gives_is_documented():
    """A new reason needs a row in docs/errors.md: callers' programs build on it."""
    given = set()
    for path in (ROOT / "daemon" / "ringfenced").rglob("*.py"):
        if "cli" not in path.parts:
            given |= set(re.findall(r"""\b(?:default_)?reason\s*=\s*"([a-z]+(?:_[a-z]+)*)"[,)\n]""", path.read_text()))
    assert given
    assert not {reason for reason in given if f"`{reason}`" not in ERRORS}


def test_every_exit_code_is_documented():
    assert all(f"\n| {int(code)} | " in CLI for code in ExitCode)

"""The program itself: quick answers, help, and what a user without any set-up is told."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from ringfenced.cli.app import app

PROGRAM = "from ringfenced.cli import main; main()"


def test_version_is_answered_without_the_heavy_imports():
    code = f"import sys; sys.argv[1:] = ['--version']; {PROGRAM}"
    code += "; print(sorted({'grpc', 'typer', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "ringfence 0.1.0\n[]\n"


def test_the_program_runs_and_asks_for_tls_13_before_grpc_looks():
    code = f"import sys, os; sys.argv[1:] = ['models']\ntry:\n  {PROGRAM}\nexcept SystemExit as end: print(end.code)"
    code += "\nprint(os.environ['GRPC_SSL_CIPHER_SUITES'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "ECDHE-PSK-CHACHA20-POLY1305"]
    assert "who asks is not said" in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["generate", "-h"], ["plan", "-h"], ["status", "-h"]])
def test_help_has_examples(arguments):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert "xample" in result.stdout


def test_help_documents_every_exit_code():
    assert all(f" {code} " in CliRunner().invoke(app, ["--help"]).stdout for code in range(9))


def test_the_version_option_says_the_same():
    assert CliRunner().invoke(app, ["--version"]).stdout == "ringfence 0.1.0\n"


def test_a_command_does_not_wait_for_what_only_others_need():
    """Configurations and policies take most of a second to load."""
    code = "import sys, ringfenced.cli.app; print(sorted({'ringfenced.config', 'cedarpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

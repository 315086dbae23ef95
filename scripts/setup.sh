#!/usr/bin/env bash
# Sets up .venv from the lock files. What is there already is reused: each step leaves a stamp named after what it was done
# for, so nothing is done twice and a changed lock file is installed again. Run by `make`; PYTHON chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
stamps=.venv/stamps

say() { echo "setup: $*" >&2; }
fail() {
    say "$@"
    exit 1
}

# digest FILE ...: one short name for the contents of all of them.
digest() { cat "$@" | sha256sum | cut -c1-16; }

# once NAME KEY COMMAND ...: runs the command unless it was done for this key.
once() {
    local name=$1 stamp="$stamps/$1-$2"
    if [[ -e $stamp ]]; then return; fi
    shift 2
    "$@"
    mkdir -p "$stamps"
    rm -f "$stamps/$name"-*
    touch "$stamp"
}

make_venv() {
    command -v "$python" >/dev/null || fail "$python was not found: apt-get install python3 python3-venv"
    local version
    version=$("$python" --version) || fail "$python does not run"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$python is $version; Ringfence needs Python 3.11 or newer: make PYTHON=python3.12, for instance"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || fail "$python has no venv: apt-get install python3-venv"
    # An environment that works is never thrown away; one that was interrupted or lost its interpreter is made anew.
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        say "making .venv with $version"
        "$python" -m venv --clear .venv
    fi
}

install_locked() {
    say "installing the locked packages (about a minute)"
    # The lock file is the whole closure; left to itself, pip looks for newer versions of what is asked for with extras.
    pip --no-deps --require-hashes --requirement requirements/dev.lock
}

install_llama() {
    local wheel
    wheel=$(.venv/bin/python scripts/wheel_cache.py)
    say "installing $(basename "$wheel")"
    pip --no-deps --no-index --force-reinstall "$wheel"
}

install_project() {
    say "installing Ringfence itself, editable"
    pip --no-deps --no-index --no-build-isolation --editable .
}

# Quiet twice: of a machine's own pip settings, the warnings would be repeated for each package; errors are still shown.
pip() { .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-input "$@"; }

# Two set-ups of one clone would step on each other.
exec 9>.venv.lock
flock --nonblock 9 || {
    say "another set-up of this clone is running; waiting for it"
    flock 9
}

if [[ ! -x .venv/bin/python || ! -e $stamps/venv-1 ]]; then make_venv; fi
once venv 1 true
once locked "$(digest requirements/dev.lock)" install_locked
once llama "$(.venv/bin/python scripts/wheel_cache.py --key)" install_llama
once project "$(digest pyproject.toml)" install_project

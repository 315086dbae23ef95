#!/usr/bin/env bash
# Sets up .venv-peers: Presidio and spaCy, which Ringfence is measured beside (bench/peers). Apart from .venv, so that
# nothing of them is ever loaded by Ringfence. What is there for the same lock file is reused. Run by `make`.
set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
stamp=.venv-peers/stamp-$(sha256sum requirements/peers.lock | cut -c1-16)

mkdir -p .venv-peers
echo '*' >.venv-peers/.gitignore
exec 9>.venv-peers/lock # two set-ups of one clone would step on each other
flock 9
if [[ -e $stamp ]]; then exit 0; fi
echo "peers: installing Presidio and spaCy into .venv-peers (a minute)" >&2
if ! .venv-peers/bin/python -m pip --version >/dev/null 2>&1; then "$python" -m venv .venv-peers; fi
.venv-peers/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-input --require-hashes \
    --requirement requirements/peers.lock
rm -f .venv-peers/stamp-*
touch "$stamp"

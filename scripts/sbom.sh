#!/usr/bin/env bash
# Writes dist/sbom/SET.cdx.json: what each process is made of (CycloneDX 1.6), with the hashes of every file, from requirements/*.lock.
# Two runs on one commit write the same bytes. The tool lives in .venv-sbom, apart from .venv.
set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
stamp=.venv-sbom/stamp-$(sha256sum requirements/sbom.lock | cut -c1-16)

mkdir -p .venv-sbom dist/sbom
echo '*' >.venv-sbom/.gitignore
exec 9>.venv-sbom/lock # two set-ups of one clone would step on each other
flock 9
if [[ ! -e $stamp ]]; then
    echo "sbom: installing cyclonedx-bom into .venv-sbom (half a minute)" >&2
    "$python" -m venv --clear .venv-sbom
    echo '*' >.venv-sbom/.gitignore
    .venv-sbom/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-input --no-deps --require-hashes \
        --requirement requirements/sbom.lock
    touch "$stamp"
fi
for set in agent agent-all daemon; do
    locks=("requirements/$set.lock")
    if [[ $set == daemon ]]; then locks+=(requirements/llama.lock); fi
    cat "${locks[@]}" | .venv-sbom/bin/cyclonedx-py requirements --output-reproducible --spec-version 1.6 --of JSON \
        --pyproject pyproject.toml --mc-type application --output-file "dist/sbom/$set.cdx.json" -
    echo "dist/sbom/$set.cdx.json"
done

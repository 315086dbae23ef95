#!/usr/bin/env bash
# Collects dist/wheelhouse: all that a machine without a network needs to install Ringfence, every file with its hash.
#
#   make wheelhouse                     for the Python that runs here, on a machine like this one
#   make wheelhouse PYTHON=python3.13   for another that is here; its platform is this machine's
#
# 1. collect: the wheels of requirements/*.lock, checked against their hashes; llama-cpp-python as source, with what
#    compiles it; Ringfence's own wheel.
# 2. seal: the two scripts that install from it, requirements/ringfence.lock, which pins the own wheel, and SHA256SUMS over all.
# 3. try: the agent's set is installed from it into a fresh environment, without an index, and started; it lays its units down.
#
# images/ builds from it, and docs/deploy.md installs from it. Nothing of this machine's own .venv is used.
set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
house=dist/wheelhouse
sets=(agent agent-all daemon llama-build build) # wheels; llama is source
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() { echo "wheelhouse: $*" >&2; }
pip() { "$work/tools/bin/python" -m pip --quiet --disable-pip-version-check --no-input "$@"; }

# 1. collect
say "collecting for $("$python" --version) on $(uname -sm) (a minute)"
rm -rf "$house"
mkdir -p "$house/requirements"
"$python" -m venv "$work/tools"
for set in "${sets[@]}"; do
    pip download --no-deps --require-hashes --only-binary :all: --dest "$house" --requirement "requirements/$set.lock"
    cp "requirements/$set.lock" "$house/requirements/"
done
# `pip download` would build a source distribution to learn its name; the lock file says it, and the hash what it is.
pip install --no-index --find-links "$house" --no-deps --require-hashes --requirement requirements/build.lock
pip install --no-index --find-links "$house" --no-deps --require-hashes --requirement requirements/llama-build.lock
pip download --no-deps --require-hashes --no-binary :all: --no-build-isolation --dest "$house" \
    --requirement requirements/llama.lock
cp requirements/llama.lock "$house/requirements/"
# Two builds of one commit are the same, byte for byte.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) pip wheel --no-deps --no-index --no-build-isolation --wheel-dir "$house" .

# 2. seal
cp images/install.sh images/llama.sh "$house/"
wheel=$(basename "$house"/ringfence-*.whl)
version=$(cut -d- -f2 <<<"$wheel")
echo "ringfence==$version --hash=sha256:$(sha256sum "$house/$wheel" | cut -d' ' -f1)" >"$house/requirements/ringfence.lock"
(cd "$house" && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)

# 3. try
"$python" -m venv "$work/agent"
"$work/agent/bin/python" -m pip --quiet --disable-pip-version-check --no-input install --no-index --no-deps \
    --require-hashes --find-links "$house" \
    --requirement "$house/requirements/agent.lock" --requirement "$house/requirements/ringfence.lock"
"$work/agent/bin/python" -m pip --disable-pip-version-check check >&2
"$work/agent/bin/ringfence-agent" --help >/dev/null
"$work/agent/bin/ringfence" install --root "$work/root" >/dev/null
say "$(find "$house" -name '*.whl' | wc -l) wheels and $(find "$house" -name '*.tar.gz' | wc -l) source archive," \
    "$(du -sh "$house" | cut -f1), in $house; the agent's set installs from it"

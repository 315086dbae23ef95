#!/bin/sh
# Installs a set of the wheelhouse (agent, agent-all, daemon) into /opt/ringfence: no index, every file by its hash, and
# without pip in it. What lies in llama/ is installed too. A second set into the same folder is added to what is there. Run
# beside the folder wheelhouse, in an image or on a machine:
#
#   wheelhouse/install.sh agent [FOLDER]
set -eu

set_name=$1
folder=${2:-/opt/ringfence}

(cd wheelhouse && sha256sum --quiet --check SHA256SUMS)
python3 -m venv --without-pip "$folder"
python3 -m venv tools
pip() { tools/bin/python -m pip --python "$folder/bin/python" --quiet --disable-pip-version-check --no-input "$@"; }
pip install --no-index --no-deps --require-hashes --find-links wheelhouse \
    --requirement "wheelhouse/requirements/$set_name.lock" --requirement wheelhouse/requirements/ringfence.lock
if [ -d llama ]; then
    # Compiled a step before: its source had the hash, the wheel has one only now.
    pip install --no-index --no-deps llama/*.whl
fi
tools/bin/python -m pip --python "$folder/bin/python" --disable-pip-version-check check # and it says what is missing
rm -rf tools
"$folder/bin/python" -m compileall -q "$folder/lib"
# Read-only for everybody, whatever the umask was; root's alone to change.
chmod -R a+rX,go-w "$folder"

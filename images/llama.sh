#!/bin/sh
# Compiles llama-cpp-python from the wheelhouse's source with its pinned tools, as CMAKE_ARGS says, into llama/; and gathers
# in libraries/ what it needs that a slim base has not: the compiler's own libraries, and CUDA's. The driver's come from the node.
set -eu

(cd wheelhouse && sha256sum --quiet --check SHA256SUMS)
python3 -m venv tools
PATH="$PWD/tools/bin:$PATH"
export PATH
pip() { python -m pip --quiet --disable-pip-version-check --no-input "$@"; }
pip install --no-index --no-deps --require-hashes --find-links wheelhouse \
    --requirement wheelhouse/requirements/llama-build.lock
pip wheel --no-index --no-deps --require-hashes --no-build-isolation --no-binary :all: --no-cache-dir \
    --find-links wheelhouse --wheel-dir llama --requirement wheelhouse/requirements/llama.lock

mkdir unpacked libraries
python -m zipfile -e llama/*.whl unpacked
find unpacked -name '*.so*' -exec ldd {} + |
    awk '/=> \// && /lib(gomp|stdc\+\+|gcc_s|cudart|cublas|cublasLt|nccl)\.so/ { print $3 }' | sort -u |
    while read -r library; do cp -L "$library" libraries/; done
rm -rf unpacked

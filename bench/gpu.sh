#!/usr/bin/env bash
# What runs where a GPU is at hand: bench/gpu.sh [PART...]
#
#   machine   the GPU, its driver, and the versions that matter
#   nvml      our device facts beside nvidia-smi's (bench/gpu_nvml.py)
#   devices   tests/ringfenced/devices on the real library
#   contract  the engine contract's tests and the llama.cpp engine's, all layers on the GPU
#   llama     the llama.cpp engine on the GPU beside none, and llama.cpp alone (bench/gpu_parts/llama.py)
#   large     the same with 8 billion parameters, on the GPU alone
#   fit       the memory plan against what loading really took (bench/gpu_parts/plan.py)
#   serve     our vLLM engine beside `vllm serve`, CUDA graphs without torch.compile (bench/gpu_parts/serve.py)
#   compiled  the same with vLLM's defaults
#   vllm      the engine contract's tests on vLLM
#
# Without arguments: all of them. Each part has a time limit, its output goes to $OUT/PART.txt (default build/gpu), and
# one that fails does not stop the others; $OUT/summary.txt has a line for each. WORKERS is how many tests run at the
# same time (pytest-xdist); LLAMA_ARGUMENTS and SERVE_ARGUMENTS go to those benchmarks. PYTHON is the interpreter (default
# .venv/bin/python where there is one, else python3): it needs llama-cpp-python built with -DGGML_CUDA=ON, vLLM for the
# last three parts, and the project's own dependencies. A part whose files or packages are missing says so and fails.
set -u
cd "$(dirname "$0")/.."
OUT=${OUT:-build/gpu}
if [ -z "${PYTHON:-}" ]; then
    PYTHON=python3
    [ -x .venv/bin/python ] && PYTHON=$PWD/.venv/bin/python
fi
mkdir -p "$OUT"
for folder in bench tests agent daemon proto; do
    PYTHONPATH=$PWD/$folder${PYTHONPATH:+:$PYTHONPATH}
done
export PYTHONPATH
export PYTHONUNBUFFERED=1
export VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1
export VLLM_HOST_IP=127.0.0.1 GLOO_SOCKET_IFNAME=lo

# part NAME SECONDS COMMAND...
part() {
    local name=$1 limit=$2 began status
    shift 2
    began=$(date +%s.%N)
    timeout --kill-after=5 "$limit" "$@" >"$OUT/$name.txt" 2>&1
    status=$?
    printf '%-9s exit status %3d  %6.1f s  %s\n' "$name" "$status" \
        "$("$PYTHON" -c "import sys, time; print(time.time() - float(sys.argv[1]))" "$began")" \
        "$(grep -av '^[[:space:]]*$' "$OUT/$name.txt" | tail -n 1 | cut -c1-140)" | tee -a "$OUT/summary.txt"
}

tests() {
    # conftest.py of tests/ itself asks for the whole daemon; these tests do not need it.
    "$PYTHON" -m pytest -q -p no:cacheprovider -p no:randomly -W default --confcutdir="$1" "${@:2}"
}

machine() {
    nvidia-smi
    nvidia-smi -q -d MEMORY,ECC,POWER,CLOCK,PERFORMANCE | head -n 120
    "$PYTHON" - <<'PYTHON'
import platform, sys
from importlib.metadata import PackageNotFoundError, version

print(platform.platform(), sys.version)
for name in ("llama-cpp-python", "vllm", "torch", "triton", "transformers", "numpy", "protobuf", "grpcio", "nvidia-ml-py"):
    try:
        print(name, version(name))
    except PackageNotFoundError:
        print(name, "is not there")
try:
    import llama_cpp
except (ImportError, RuntimeError, OSError) as error:
    print("llama_cpp cannot be imported:", error)
else:
    print(llama_cpp.llama_print_system_info().decode(), "offload:", llama_cpp.llama_supports_gpu_offload())
PYTHON
}

export -f machine tests
export PYTHON

run() {
    case $1 in
        machine) part machine 60 bash -c machine ;;
        nvml) part nvml 60 "$PYTHON" bench/gpu_nvml.py ;;
        devices) part devices 120 bash -c 'tests tests/ringfenced/devices tests/ringfenced/devices' ;;
        contract) part contract 200 bash -c 'tests tests/ringfenced/engines -p gpu_parts.offload ${WORKERS:+-n $WORKERS} \
            -k "not scripted" tests/ringfenced/engines/test_contract.py tests/ringfenced/engines/test_llama.py' ;;
        llama) part llama 240 "$PYTHON" -m gpu_parts.llama ${LLAMA_ARGUMENTS:-} ;;
        large) part large 150 "$PYTHON" -m gpu_parts.llama --preset llama-8b --weights q8_0 --layers -1 ;;
        fit) part fit 90 "$PYTHON" -m gpu_parts.plan ;;
        serve) part serve 240 "$PYTHON" -m gpu_parts.serve ${SERVE_ARGUMENTS:-} ;;
        compiled) part compiled 240 "$PYTHON" -m gpu_parts.serve --compiled ${SERVE_ARGUMENTS:-} ;;
        vllm) part vllm 240 bash -c 'RINGFENCE_TEST_VLLM=$("$PYTHON" -c "import sys; print(sys.executable)") \
            tests tests/ringfenced/engines -m vllm tests/ringfenced/engines/vllm' ;;
        *) echo "no such part: $1" >&2; return 2 ;;
    esac
}

: >"$OUT/summary.txt"
[ $# -gt 0 ] || set -- machine nvml devices contract llama large fit serve compiled vllm
for name in "$@"; do
    run "$name"
done

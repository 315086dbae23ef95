#!/usr/bin/env bash
# Generates the Python stubs of the contract, with types.
#
#   scripts/proto.sh           writes them beside the .proto files
#   scripts/proto.sh --check   compares the committed ones with what would be written; changes nothing
#
# grpcio-tools writes its own protobuf version into the stubs as the least that may run them, so requirements/dev.lock
# holds the oldest one that we support.
set -euo pipefail
cd "$(dirname "$0")/.."
shopt -s nullglob globstar

protos=(proto/ringfence/v1/**/*.proto)
if ((${#protos[@]} == 0)); then
    echo "proto: there is no .proto file yet"
    exit 0
fi

# generate FOLDER
generate() {
    .venv/bin/python -m grpc_tools.protoc -I proto \
        --plugin=protoc-gen-mypy=.venv/bin/protoc-gen-mypy \
        --plugin=protoc-gen-mypy_grpc=.venv/bin/protoc-gen-mypy_grpc \
        --python_out="$1" --grpc_python_out="$1" --mypy_out=quiet:"$1" --mypy_grpc_out=quiet:"$1" "${protos[@]}"
}

if [[ "${1:-}" != --check ]]; then
    rm -f proto/ringfence/v1/**/*_pb2{,_grpc}.py{,i}
    generate proto
    exit 0
fi

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
generate "$fresh"
if ! diff --recursive --brief --exclude='*.proto' --exclude=__pycache__ --exclude=__init__.py --exclude=py.typed \
    proto/ringfence/v1 "$fresh/ringfence/v1"; then
    echo "proto: the committed stubs are not what the .proto files say: run make proto and commit" >&2
    exit 1
fi
echo "proto: the committed stubs are what the .proto files say"

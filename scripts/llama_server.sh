#!/usr/bin/env bash
# Builds llama.cpp's own C++ server from the source that llama-cpp-python carries, the very version that the engine uses, as
# a peer for `make bench-engines`. Prints the binary's path; progress and errors go to standard error. Kept in the user's
# cache, one for each version of the lock file; some 10 minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."

key=$(sha256sum <requirements/llama.lock | cut -c1-12)
folder="${XDG_CACHE_HOME:-$HOME/.cache}/ringfence/peers/llama-server-$key"

say() { echo "llama-server: $*" >&2; }
mkdir -p "$folder"
exec 9>"$folder/lock"
flock 9 # of several that ask, one builds
if [[ -x $folder/llama-server ]]; then
    echo "$folder/llama-server"
    exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say "fetching the source"
.venv/bin/python -m venv "$work/venv" >&2
"$work/venv/bin/pip" install --quiet --require-hashes --requirement requirements/llama-build.lock >&2
"$work/venv/bin/pip" download --quiet --no-deps --no-binary :all: --no-build-isolation --require-hashes \
    --requirement requirements/llama.lock --dest "$work" >&2
tar --extract --gzip --file "$work"/llama_cpp_python-*.tar.gz --directory "$work"

say "compiling"
export PATH="$work/venv/bin:$PATH"
# As the engine's library is compiled: for this machine's own instructions.
cmake -S "$work"/llama_cpp_python-*/vendor/llama.cpp -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DGGML_NATIVE=ON -DBUILD_SHARED_LIBS=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF \
    -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_APP=OFF >"$work/configure.log" 2>&1 ||
    { tail -20 "$work/configure.log" >&2; exit 1; }
nice -n 10 cmake --build "$work/build" --target llama-server >"$work/compile.log" 2>&1 ||
    { tail -30 "$work/compile.log" >&2; exit 1; }

install -m 755 "$work/build/bin/llama-server" "$folder/llama-server.new"
mv "$folder/llama-server.new" "$folder/llama-server"
echo "$folder/llama-server"

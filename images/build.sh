#!/usr/bin/env bash
# Builds the images: images/build.sh TAG [daemon] [daemon-cuda] [agent], all three if none is named.
#
#   BUILDER=docker        or podman, or buildah
#   BASES=images/bases    a file of a site's own, with the bases that it trusts
#
# Run `make wheelhouse sbom` before, with the Python of the base (in a container of it, or PYTHON=…). The build is given no network;
# bases must be there or be pulled by digest. It prints each image's digest: that goes into the chart's `images`.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    echo "images: $*" >&2
    exit 1
}

tag=${1:?"images/build.sh TAG [daemon] [daemon-cuda] [agent]"}
shift
images=("$@")
if ((${#images[@]} == 0)); then images=(daemon daemon-cuda agent); fi
builder=${BUILDER:-docker}
# shellcheck source=images/bases
source "${BASES:-images/bases}"

# base NAME: its value, which must be a digest.
base() {
    [[ "${!1-}" =~ @sha256:[0-9a-f]{64}$ ]] ||
        fail "$1 is '${!1-}'; name an image by its digest (name@sha256:…) in ${BASES:-images/bases}"
    echo "${!1}"
}

[[ -e dist/wheelhouse/SHA256SUMS ]] || fail "there is no dist/wheelhouse; make wheelhouse"
[[ -e dist/sbom/daemon.cdx.json ]] || fail "there is no dist/sbom; make sbom"
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
cp -r dist/wheelhouse dist/sbom images/install.sh images/llama.sh "$context/"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml | head -1)
common=(--network none --build-arg "REVISION=$(git rev-parse HEAD)" --build-arg "VERSION=$version")
portable=$(sed -n 's/^ARG CMAKE_ARGS="\(.*\)"$/\1/p' images/daemon.Dockerfile)
# Assigned before they are used: a command's failure inside a list would go unnoticed.
python_base=$(base BASE_PYTHON)
for image in "${images[@]}"; do
    arguments=("${common[@]}" --build-arg "BASE_PYTHON=$python_base")
    case $image in
    daemon | daemon-cuda)
        name=ringfenced${image#daemon}
        compiler=$(base BASE_COMPILER)
        cuda=$compiler
        if [[ $image == daemon-cuda ]]; then
            cuda=$(base BASE_CUDA)
            arguments+=(--build-arg "CMAKE_ARGS=$portable -DGGML_CUDA=ON")
        fi
        arguments+=(--build-arg "BASE_COMPILER=$compiler" --build-arg "BASE_CUDA=$cuda")
        ;;
    agent)
        name=ringfence-agent
        arguments+=(--build-arg "SET=${SET:-agent}")
        ;;
    *) fail "there is no image $image: daemon, daemon-cuda, agent" ;;
    esac
    "$builder" build "${arguments[@]}" --file "images/${image%-cuda}.Dockerfile" --tag "ringfence/$name:$tag" "$context"
    echo "images: built ringfence/$name:$tag; push it to your registry, and put the digest that it gets there into images"
done

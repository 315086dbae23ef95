#!/usr/bin/env bash
# Lints the contract and refuses changes that would break callers (buf, from npm, pinned in scripts/buf: the packages that
# hold its binary, without the one that only chooses among them).
#
# Compared with, the first that there is:
#   1. PROTO_BASE, a commit, for a deliberate break before the first release;
#   2. the newest release tag before HEAD: what was released stays, what was not may still change;
#   3. where this work left main;
#   4. the commit before HEAD (a clean clone of main).
# A base without a contract, as in the first commits, leaves nothing to break.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! compgen -G 'proto/ringfence/v1/*.proto' >/dev/null; then
    echo "buf: there is no .proto file yet"
    exit 0
fi

# unavailable REASON: people without Node.js can work all the same, because CI checks; so CI must.
unavailable() {
    echo "buf: $1" >&2
    if [[ -n "${CI:-}" ]]; then exit 1; fi
    echo "buf: skipped here; CI runs it" >&2
    exit 0
}

buf() { scripts/buf/node_modules/@bufbuild/buf-linux-*/bin/buf "$@"; }

install_buf() {
    command -v npm >/dev/null || unavailable "Node.js and npm are missing: apt-get install nodejs npm"
    npm ci --prefix scripts/buf --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null ||
        unavailable "npm could not install buf"
    cp scripts/buf/package-lock.json scripts/buf/node_modules/installed.json
}

base() {
    local ref found
    if [[ -n "${PROTO_BASE:-}" ]]; then
        git rev-parse --verify "$PROTO_BASE^{commit}"
        return
    fi
    if git describe --tags --abbrev=0 --match 'v[0-9]*' HEAD^ 2>/dev/null; then return; fi
    for ref in origin/main main; do
        found=$(git merge-base HEAD "$ref" 2>/dev/null) || continue
        if [[ $found != "$(git rev-parse HEAD)" ]]; then
            echo "$found"
            return
        fi
    done
    git rev-parse --verify --quiet HEAD^ || true
}

cmp --silent scripts/buf/package-lock.json scripts/buf/node_modules/installed.json || install_buf

buf lint
echo "buf: the contract passes lint"

base=$(base)
if [[ -z $base ]] || ! git ls-tree -r --name-only "$base" -- proto | grep -q '\.proto$'; then
    echo "buf: no earlier contract to compare with"
    exit 0
fi
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
git archive "$base" proto | tar -x -C "$before"
cp buf.yaml "$before" # today's rules, for both sides
buf breaking --against "$before"
echo "buf: nothing that callers had at $(git rev-parse --short "$base") is broken"

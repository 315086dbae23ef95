#!/usr/bin/env bash
# Sets up what Ringfence is measured beside (bench/peers): Presidio and spaCy in .venv-peers, apart from .venv, so that
# nothing of them is ever loaded by Ringfence; and the spaCy pipeline, trained once for 12 minutes on the development
# data (DATA, default ../shared/data/deid; without it, or with TRAIN=0, there is none). What is there is reused.
set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
data="${DATA:-../shared/data/deid}"
model="$HOME/.cache/ringfence/peers/spacy-ner" # as in bench/peers/presidio.py
stamp=.venv-peers/stamp-$(sha256sum requirements/peers.lock | cut -c1-16)

mkdir -p .venv-peers
echo '*' >.venv-peers/.gitignore
exec 9>.venv-peers/lock # two set-ups of one clone would step on each other
flock 9
if [[ ! -e $stamp ]]; then
    echo "peers: installing Presidio and spaCy into .venv-peers (a minute)" >&2
    if ! .venv-peers/bin/python -m pip --version >/dev/null 2>&1; then "$python" -m venv .venv-peers; fi
    .venv-peers/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-input --require-hashes \
        --requirement requirements/peers.lock
    rm -f .venv-peers/stamp-*
    touch "$stamp"
fi
if [[ ! -e $model/facts.json && -d $data && "${TRAIN:-1}" != 0 ]]; then
    echo "peers: training the spaCy pipeline on $data (12 minutes on one core, once)" >&2
    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 BLIS_NUM_THREADS=1 \
        .venv-peers/bin/python bench/peers/train_spacy.py --data "$data" >&2
fi

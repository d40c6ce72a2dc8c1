#!/usr/bin/env bash
# The latency of the packed scorer on one CUDA device, in under ten minutes, on a machine that has PyTorch 2.10 or newer
# and transformers and nothing else: no installation, no network.
#
#     bash benchmarks/matcher/gpu.sh [FOLDER]      FOLDER: the real 1.5B model as transformers saves it, if it is there
#     DRY_RUN=1 bash benchmarks/matcher/gpu.sh     the same steps on the CPU with toy sizes, half a minute
#
# PYTHON names another interpreter. vLLM is measured beside it where it can be imported. On a machine with torch 2.11
# that is vLLM 0.24.0: put its wheels into a folder where there is a network (`pip download vllm==0.24.0 -d wheels`), then
#     python -m venv --system-site-packages .venv-gpu && .venv-gpu/bin/pip install --no-index -f wheels vllm==0.24.0
#     PYTHON=.venv-gpu/bin/python bash benchmarks/matcher/gpu.sh
set -euo pipefail
# Before anything is loaded; a path is the caller's, who may be in another folder.
if [ $# -gt 0 ]; then
  [ -d "$1" ] || { echo "there is no folder \`$1\`" >&2; exit 2; }
  set -- "$(cd "$1" && pwd)" "${@:2}"
fi
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PYTHONPATH="src${PYTHONPATH:+:$PYTHONPATH}" PYTORCH_CUDA_ALLOC_CONF="${PYTORCH_CUDA_ALLOC_CONF:-expandable_segments:True}"
exec "${PYTHON:-python3}" benchmarks/matcher/gpu.py ${DRY_RUN:+--dry-run} "$@"

#!/bin/sh
# Builds server.c on the library in the TensorFlow wheel: build_server.sh OUT
# Environment: PYTHON (default python3), CC (default cc).
set -eu
tensorflow=$("${PYTHON:-python3}" -c 'import importlib.util, pathlib
print(pathlib.Path(importlib.util.find_spec("tensorflow").origin).parent)')
"${CC:-cc}" -std=gnu11 -O2 -Wall -I"$tensorflow/include" "$(dirname "$0")/server.c" -o "$1" \
  -L"$tensorflow" -l:libtensorflow_cc.so.2 -l:libtensorflow_framework.so.2 -Wl,-rpath,"$tensorflow" -lpthread

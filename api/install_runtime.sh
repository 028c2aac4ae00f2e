#!/bin/sh
# Install what the lock $1 names into the folder $2, and leave out what serving never opens.
# Used by the Dockerfile, and by `make bench` to measure the size.
set -eu
lock=$1
target=$2

python3 -m pip install -q --disable-pip-version-check --no-cache-dir --no-compile \
    --require-hashes --only-binary=:all: --target="$target" -r "$lock"

cd "$target"
# For programs in C; Python's module has the same code linked in. 35 MB.
rm -f onnxruntime/capi/libonnxruntime.so.*
# For making and converting models.
rm -rf onnxruntime/backend onnxruntime/datasets onnxruntime/quantization \
    onnxruntime/tools onnxruntime/transformers
# For building extensions in C and Fortran; SciPy imports the second.
rm -rf numpy/distutils
[ -e scipy ] || rm -rf numpy/f2py
find . -type d \( -name tests -o -name include \) -prune -exec rm -rf {} +
find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.a' \) -delete

# On a read-only root nothing can be compiled later, and each start would take a second longer.
# By hash and unchecked, or the time of the build would be in every file.
python3 -m compileall -q --invalidation-mode unchecked-hash .

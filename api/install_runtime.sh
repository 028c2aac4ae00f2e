#!/bin/sh
# Install what serving needs into the folder $1, and leave out what it never opens.
# Used by the Dockerfile, and by `make bench` to measure the size.
set -eu
target=$1
here=$(dirname "$0")

python3 -m pip install -q --disable-pip-version-check --no-cache-dir --no-compile \
    --require-hashes --only-binary=:all: --target="$target" -r "$here/requirements.txt"

cd "$target"
# For programs in C; Python's module has the same code linked in. 35 MB.
rm -f onnxruntime/capi/libonnxruntime.so.*
# For making and converting models.
rm -rf onnxruntime/backend onnxruntime/datasets onnxruntime/quantization \
    onnxruntime/tools onnxruntime/transformers
# For building extensions in C and Fortran.
rm -rf numpy/distutils numpy/f2py
find . -type d \( -name tests -o -name include \) -prune -exec rm -rf {} +
find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.a' \) -delete

# On a read-only root nothing can be compiled later, and each start would take a second longer.
# By hash and unchecked, or the time of the build would be in every file.
python3 -m compileall -q --invalidation-mode unchecked-hash .

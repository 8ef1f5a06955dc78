#!/bin/sh
# step.sh FOLDER POSITION CACHES FILE...: the tokens of FOLDER/tokens.npy, int32, come at
# POSITION and after it; FOLDER/caches.npy holds the CACHES caches, one after another,
# and gets the new rows. Leaves FOLDER/logits.npy. The parameters are in FILE...
set -eu
cd "$1"
position=$2
caches=$3
shift 3
run() {
  iree-run-module --device=local-task --module=model.vmfb "$@"
}
for file; do
  set -- "$@" --parameters=model="$file"
  shift
done
updated="--output=@updated.npy"
while [ "$caches" -gt 1 ]; do
  updated="$updated --output=+updated.npy"
  caches=$((caches - 1))
done
# shellcheck disable=SC2086 # one word per cache
run "$@" --function=forward --input=@tokens.npy --input="$position" --input="*caches.npy" \
  --output=@hidden.npy $updated
run "$@" --function=head --input=@hidden.npy --output=@logits.npy
mv updated.npy caches.npy

#!/bin/bash
# Runs in the serving image: upstream's templates to a model repository. /fills has `MODEL NAME:VALUE,...` in each line.
set -euo pipefail
: "${MODELS:=/models}" "${FILLS:=/fills}"
readonly REPOSITORY="$MODELS/$FOLDER/repository"

rm -rf "$REPOSITORY" "$REPOSITORY.new"
cp --recursive "$MODEL_TEMPLATES" "$REPOSITORY.new"
while read -r model values; do
  python3 "$FILL_TEMPLATE" --in_place "$REPOSITORY.new/$model/config.pbtxt" "$values"
  # what stays open is read as not set, if it is text; elsewhere the server does not start
  # shellcheck disable=SC2016 # the dollar stands in the file
  if grep --line-number '^[^#"]*\${' "$REPOSITORY.new/$model/config.pbtxt"; then
    echo "error: the config.pbtxt of $model has places that nothing fills in; does this image fit the release?" >&2
    exit 1
  fi
done <"$FILLS"
cp "$FILLS" "$REPOSITORY.new/filled-with"
mv "$REPOSITORY.new" "$REPOSITORY"

#!/bin/bash
# Runs in the serving image: weights to checkpoint, checkpoint to engine.
set -euo pipefail
: "${MODELS:=/models}" "${WEIGHTS:=/weights}" "${BUILD:=/build}"

# newer releases have the same script in another folder
convert="$(find "$EXAMPLES" -path "*/$CONVERTER/convert_checkpoint.py" -print -quit)"
[[ -n $convert ]] || { echo "error: there is no $CONVERTER/convert_checkpoint.py below $EXAMPLES" >&2; exit 1; }

echo "converting"
python3 "$convert" --model_dir "$WEIGHTS" --output_dir "$BUILD/checkpoint" --dtype "$DTYPE" --tp_size "$TENSOR_PARALLEL"

echo "building"
trtllm-build --checkpoint_dir "$BUILD/checkpoint" --output_dir "$MODELS/$FOLDER/engine" \
  --gemm_plugin "$GEMM_PLUGIN" \
  --max_batch_size "$MAX_BATCH_SIZE" --max_input_len "$MAX_INPUT_TOKENS" --max_seq_len "$MAX_SEQUENCE_TOKENS" \
  --max_num_tokens "$MAX_BATCH_TOKENS" --workers "$TENSOR_PARALLEL"

#!/bin/sh
# Runs one worker of a training, and starts it again until the run is complete:
#   sh docs/many_machines/supervise.sh --run_dir=/shared/run --workers=node-1:7000,node-2:7000 --worker=0
# Status 75 asks for a new start; above 130, a signal ended the worker (137: killed, 143: asked to end).
# Ctrl-C (130), a wrong option (2), or an error (1) ends the loop.
while true; do
  python train.py --start_or_resume "$@"
  status=$?
  if [ "$status" -ne 75 ] && [ "$status" -le 130 ]; then
    exit "$status"
  fi
  sleep "${PAUSE_SECONDS:-2}"
done

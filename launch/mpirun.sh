#!/usr/bin/env bash
# Starts ppr on several ranks: launch/mpirun.sh RANKS COMMAND [FLAGS...]
#
#   launch/mpirun.sh 4 pretrain --dataset=data.h5 --output=runs/pretrain
#
# SIGTERM, SIGUSR1 and SIGUSR2 to this script ask the ranks for a checkpoint and an end with exit code 85.
#
#   PPR                 the binary (default: build/release/ppr beside this script)
#   PPR_HOSTFILE        hosts and slots, one host a line, for more than one machine
#   PPR_MPIRUN_OPTIONS  more options for mpirun; --quiet keeps it from commenting on exit codes, and on killed ranks
set -euo pipefail

if [ $# -lt 2 ]; then
  sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
  exit 64
fi
ranks=$1
shift
ppr="${PPR:-$(dirname "$0")/../build/release/ppr}"
if [ ! -x "$ppr" ]; then
  echo "mpirun.sh: expected the ppr binary at $ppr, found none: run scripts/build, or set PPR" >&2
  exit 64
fi

# Open MPI refuses to run as root, as in a container, unless told twice.
if [ "$(id -u)" = 0 ]; then export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1; fi

# A rank sizes its own thread pool, so it must see all cores of its share: no binding. Ranks may outnumber cores.
options=(-np "$ranks" --bind-to none --oversubscribe)
if [ -n "${PPR_HOSTFILE:-}" ]; then options+=(--hostfile "$PPR_HOSTFILE"); fi

# shellcheck disable=SC2086 # several options on purpose
mpirun "${options[@]}" ${PPR_MPIRUN_OPTIONS:-} "$ppr" "$@" &
mpirun=$!

# mpirun answers SIGTERM by killing the ranks two seconds later; SIGUSR1 it hands on at once and kills nothing.
signalled=0
trap 'signalled=1; kill -USR1 "$mpirun" 2>/dev/null || true' TERM USR1 USR2

# A trap interrupts wait, which has to be called again; 127 says that the end was seen already.
code=0
while true; do
  signalled=0
  answer=0
  wait "$mpirun" || answer=$?
  if [ "$answer" != 127 ]; then code=$answer; fi
  if [ "$signalled" = 0 ]; then break; fi
done
exit "$code"

#!/usr/bin/env bash
# deflate.sh [CASE-GLOB...]
#
# Runs Autobahn's fuzzing client against the `echo` example with permessage-deflate, first without and then
# with context takeover: sections 12 and 13, all 216 cases, or the given cases. Every case must be OK. Everything else is
# as in echo.sh.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- '12.*' '13.*'

export FEATURES=deflate EXCLUDE='' ALLOW=OK ALLOW_CLOSE=OK
for FORM in deflate deflate=takeover; do
  AGENT=$FORM OUT=$HERE/out/$FORM SERVER_ARGS=--$FORM "$HERE/echo.sh" "$@"
done

#!/usr/bin/env bash
# echo.sh [CASE-GLOB...]
#
# Runs Autobahn's fuzzing client against the `echo` example, built in release: sections 1 to 10, or the given cases.
# A NON-STRICT result is a failure, and so is a missing Close frame on a connection that had to be failed.
# The tool is installed in tool/, and the report is written to $OUT (default: out/ in this directory). Arguments, exit
# code and the rest of the environment are those of run.sh. $FEATURES and $SERVER_ARGS are added for the server.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
cd "$HERE/../.."

WSTEST=$("$HERE/install.sh" "$HERE/tool")
cargo build --release --example echo --features "${FEATURES:-}"
OUT=${OUT:-$HERE/out}
mkdir -p "$OUT"
LOG=$OUT/server.log
: >"$LOG" # it is read below, perhaps before the server has opened it
COMMAND=("${CARGO_TARGET_DIR:-target}/release/examples/echo" --port 0 --any-origin --max-message-size $((32 << 20)))
# shellcheck disable=SC2086 # so many arguments
"${COMMAND[@]}" ${SERVER_ARGS:-} >"$LOG" 2>&1 &
SERVER=$!
trap 'kill $SERVER 2>/dev/null || true' EXIT
for _ in {1..100}; do
  URL=$(sed -n 's/^listening on //p' "$LOG")
  [ -z "$URL" ] && kill -0 $SERVER 2>/dev/null || break
  sleep 0.1
done
[ -n "$URL" ] || { echo "the server did not start:" >&2; cat "$LOG" >&2; exit 1; }

export WSTEST AGENT="${AGENT:-tower-websocket}" EXCLUDE="${EXCLUDE-12.* 13.*}" STRICT_CLOSE=1
export ALLOW="${ALLOW:-OK,INFORMATIONAL}"
"$HERE/run.sh" "$URL" "$OUT" "$@"

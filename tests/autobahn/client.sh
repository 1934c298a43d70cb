#!/usr/bin/env bash
# client.sh [CASE-GLOB...]
#
# Runs the `autobahn` example, built in release, against Autobahn's fuzzing server: sections 1 to 10, or the given cases.
# A NON-STRICT result is a failure, and so is a missing Close frame on a connection that had to be failed.
# The tool is installed in tool/, and the report is written to $OUT (default: out/client in this directory). Environment:
#   FEATURES, CLIENT_ARGS  features and arguments of the client, in addition to its own
#   AGENT                  name in the report
#   EXCLUDE                case globs to leave out (default: '12.* 13.*')
#   LIMIT                  seconds the whole run may take (default 3600)
# The exit code and the rules for passing are those of run.sh.
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
cd "$HERE/../.."
[ $# -gt 0 ] || set -- '*'

WSTEST=$("$HERE/install.sh" "$HERE/tool")
cargo build --release --example autobahn --features "${FEATURES:-}"
CLIENT=$(cd "${CARGO_TARGET_DIR:-target}/release/examples" && pwd)/autobahn
OUT=${OUT:-$HERE/out/client}
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
rm -rf "$OUT/report" "$OUT/wstest.log" "$OUT/wall"
# A free port that the system does not give to other programs.
PORT=$(python3 - <<'P'
import os, socket
for port in range(20000 + os.getpid() % 10000, 32000):
    try:
        socket.socket().bind(("127.0.0.1", port))
    except OSError:
        continue
    print(port)
    break
P
)
URL=ws://127.0.0.1:$PORT EXCLUDE=${EXCLUDE-12.* 13.*} python3 - "$@" >"$OUT/spec.json" <<'P'
import json, os, sys
e = os.environ
json.dump({"outdir": "./report", "url": e["URL"], "options": {}, "cases": sys.argv[1:],
           "exclude-cases": e["EXCLUDE"].split(), "exclude-agent-cases": {}}, sys.stdout, indent=1)
P

cd "$OUT"
PYTHONUNBUFFERED=1 "$WSTEST" -m fuzzingserver -s spec.json --webport=0 >wstest.log 2>&1 &
SERVER=$!
trap 'kill $SERVER 2>/dev/null || true' EXIT
for attempt in {1..600}; do
  ! (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null || break
  kill -0 $SERVER 2>/dev/null && [ "$attempt" -lt 600 ] ||
    { echo "the fuzzing server did not start:" >&2; cat wstest.log >&2; exit 1; }
  sleep 0.1
done
START=$(date +%s.%N)
# shellcheck disable=SC2086 # so many arguments
timeout "${LIMIT:-3600}" "$CLIENT" "127.0.0.1:$PORT" --agent "${AGENT:-tower-websocket-client}" ${CLIENT_ARGS:-} ||
  echo "the client: exit $? (124: over the limit of ${LIMIT:-3600} s)" >&2
python3 -c "print('%.1f' % ($(date +%s.%N) - $START))" >wall
export ALLOW="${ALLOW:-OK,INFORMATIONAL}" STRICT_CLOSE=1
python3 "$HERE/summary.py" "$OUT"

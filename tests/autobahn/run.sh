#!/usr/bin/env bash
# run.sh URL OUTDIR [CASE-GLOB…]
#
# Runs the Autobahn fuzzing client against the echo server at URL and prints a summary by behavior.
# CASE-GLOB: as in a wstest spec, e.g. '1.*' 7.1.3 '12.1.*'. The default is '*', all 517 cases.
# Writes spec.json, wstest.log, wall (seconds) and report/ (index.html, index.json, a file for each case) to OUTDIR.
# Environment:
#   WSTEST   wstest to run (default: tool/venv/bin/wstest in this directory, else the one on PATH)
#   AGENT    name in the report (default: server)
#   EXCLUDE  case globs to leave out, space-separated, e.g. '9.* 12.* 13.*'
#   LIMIT    seconds the whole run may take (default 3600)
#   ALLOW, ALLOW_CLOSE, STRICT_CLOSE  the rules for passing; see summary.py
# Exit code: 0 if all pass; 1 if a case is FAILED, WRONG CODE, UNCLEAN …; 2 for wrong usage; 3 if the run is incomplete.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,15s/^# \{0,1\}//p' "$0" >&2; exit 2; }
HERE=$(cd "$(dirname "$0")" && pwd)
URL=$1; mkdir -p "$2"; OUT=$(cd "$2" && pwd); shift 2
[ $# -gt 0 ] || set -- '*'
[ -n "${WSTEST:-}" ] || { WSTEST=$HERE/tool/venv/bin/wstest; [ -x "$WSTEST" ] || WSTEST=$(command -v wstest); }
rm -rf "$OUT/report" "$OUT/wstest.log" "$OUT/wall"
URL=$URL AGENT=${AGENT:-server} EXCLUDE=${EXCLUDE:-} python3 - "$@" >"$OUT/spec.json" <<'P'
import json, os, sys
e = os.environ
json.dump({"outdir": "./report", "options": {}, "servers": [{"agent": e["AGENT"], "url": e["URL"]}],
           "cases": sys.argv[1:], "exclude-cases": e["EXCLUDE"].split(), "exclude-agent-cases": {}},
          sys.stdout, indent=1)
P
T0=$(date +%s.%N); RC=0
(cd "$OUT" && PYTHONUNBUFFERED=1 timeout "${LIMIT:-3600}" "$WSTEST" -m fuzzingclient -s spec.json >wstest.log 2>&1) || RC=$?
python3 -c "print('%.1f' % ($(date +%s.%N) - $T0))" >"$OUT/wall"
[ $RC = 0 ] || echo "wstest: exit $RC (124: over the limit of ${LIMIT:-3600} s)" >&2
exec python3 "$HERE/summary.py" "$OUT"

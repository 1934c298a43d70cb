#!/usr/bin/env python3
"""summary.py OUTDIR… - summarizes the results that run.sh has written to OUTDIR.

Exits with 0 if every case's behavior is in $ALLOW (default OK,NON-STRICT,INFORMATIONAL,UNIMPLEMENTED) and its
behaviorClose is in $ALLOW_CLOSE (default OK,INFORMATIONAL), with 3 if a case of the spec has no result, else with 1.

Autobahn allows a server that must fail the connection to drop TCP without a Close frame. The line `must fail` counts
both. STRICT_CLOSE=1 makes a missing Close frame (1002 or 1007) a failure too.
"""
import ast, collections, json, os, re, sys

ALLOW = os.environ.get("ALLOW", "OK,NON-STRICT,INFORMATIONAL,UNIMPLEMENTED").split(",")
ALLOW_CLOSE = os.environ.get("ALLOW_CLOSE", "OK,INFORMATIONAL").split(",")


def key(case):
    return [int(n) for n in case.split(".")]


def ranges(cases):
    """['1.1.1', '1.1.2', '1.1.3', '2.1'] -> '1.1.1-3 2.1'"""
    out = []  # [prefix, first, last]
    for c in sorted(cases, key=key):
        prefix, _, n = c.rpartition(".")
        if out and out[-1][0] == prefix and out[-1][2] + 1 == int(n):
            out[-1][2] = int(n)
        else:
            out.append([prefix, int(n), int(n)])
    return " ".join("%s.%d" % (p, a) + ("-%d" % b if b > a else "") for p, a, b in out)


def tally(values):
    return "  ".join("%s %d" % kv for kv in collections.Counter(values).most_common())


def summarise(out):
    log = open(os.path.join(out, "wstest.log"), errors="replace").read()
    m = re.search(r"^Cases = (\[.*\])$", log, re.M)
    wanted = ast.literal_eval(m.group(1)) if m else []
    try:
        index = json.load(open(os.path.join(out, "report", "index.json")))
    except (OSError, ValueError):
        index = {}
    agent, cases = next(iter(index.items()), ("-", {}))
    wall = open(os.path.join(out, "wall")).read().strip()
    print("%s: %d of %d cases, %s s" % (agent, len(cases), len(wanted), wall))
    print("behavior       " + tally(c["behavior"] for c in cases.values()))
    print("behaviorClose  " + tally(c["behaviorClose"] for c in cases.values()))
    secs = collections.OrderedDict()
    for c in sorted(cases, key=key):
        n = ".".join(c.split(".")[:2]) if c.split(".")[0] in ("9", "12", "13") else c.split(".")[0]
        secs[n] = secs.get(n, 0) + cases[c]["duration"] / 1000
    print("seconds        " + "  ".join("%s: %.1f" % kv for kv in secs.items()))
    groups = collections.OrderedDict()
    bad = 0
    must_fail = []  # close code received (or None) in the cases whose every right close code is 1002 or 1007
    for c in sorted(cases, key=key):
        b, bc = cases[c]["behavior"], cases[c]["behaviorClose"]
        fails = b not in ALLOW or bc not in ALLOW_CLOSE
        d = json.load(open(os.path.join(out, "report", cases[c]["reportfile"])))
        why = [d["result"]] if b != "OK" else []
        codes = d["expectedClose"].get("closeCode", [])
        if b != "UNIMPLEMENTED" and codes and set(codes) <= {1002, 1007}:
            must_fail.append(d["remoteCloseCode"])
            if d["remoteCloseCode"] is None and os.environ.get("STRICT_CLOSE"):
                fails = True
                why.append("no Close frame, expected code " + " or ".join(map(str, codes)))
        bad += fails
        if b == bc == "OK" and not fails:
            continue
        if b == "UNIMPLEMENTED":
            why = ["permessage-deflate offer not accepted"]
        if bc != "OK":
            why.append("close: " + d["resultClose"] + (" (got %s)" % d["remoteCloseCode"] if bc == "WRONG CODE" else ""))
        groups.setdefault((fails, b, bc, "; ".join(why)), []).append(c)
    print("must fail      " + tally("no Close frame" if c is None else "Close %d" % c for c in must_fail))
    for (fails, b, bc, why), cs in sorted(groups.items(), key=lambda g: not g[0][0]):
        print("%s %s / close %s: %s\n      %s" % ("FAIL" if fails else "note", b, bc, ranges(cs), why))
    missing = [c for c in wanted if c not in cases]
    if missing or not wanted:
        print("MISSING (no result): " + (ranges(missing) or "everything; see wstest.log"))
        print("\n".join(log.splitlines()[-3:]))
    verdict = 3 if missing or not wanted else 1 if bad else 0
    print("verdict: " + {0: "pass", 1: "FAIL (%d cases)" % bad, 3: "INCOMPLETE"}[verdict])
    return verdict


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(max(summarise(o) for o in sys.argv[1:]))

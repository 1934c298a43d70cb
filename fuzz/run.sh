#!/usr/bin/env bash
# Fuzzes each target, or one, on its corpus and for some seconds more: fuzz/run.sh [SECONDS [TARGET]]
# (default: 30). Findings are written to fuzz/artifacts, new inputs to fuzz/grown. With the same
# SEED, libFuzzer tries the same inputs again; by default they differ. Needs a C++ compiler besides
# Rust, because libFuzzer is built from source.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "${CARGO_TARGET_DIR:=$root/target}/fuzz"
CARGO_TARGET_DIR=$(cd "$CARGO_TARGET_DIR/fuzz" && pwd)
export CARGO_TARGET_DIR
cd "$root/fuzz"
SECONDS_EACH=${1:-30}
TARGETS=${2:-handshake headers extensions frames inflate connection client}
HOST=$(rustc -vV | sed -n 's/^host: //p')
export RUST_BACKTRACE=${RUST_BACKTRACE:-1}

# The flags that cargo-fuzz passes to rustc, without the sanitizer: the crate has no unsafe code.
coverage='-Cpasses=sancov-module -Ccodegen-units=1 -Cllvm-args=-simplifycfg-branch-fold-threshold=0'
for option in level=4 inline-8bit-counters pc-table trace-compares; do
  coverage+=" -Cllvm-args=-sanitizer-coverage-$option"
done
# The explicit target keeps these flags from build scripts.
RUSTFLAGS="${RUSTFLAGS:-} $coverage" cargo build --quiet --locked --release --target "$HOST" --bins

failed=
for target in $TARGETS; do
  mkdir -p "grown/$target" artifacts
  log="$CARGO_TARGET_DIR/$target.log"
  options=(-max_total_time="$SECONDS_EACH" -max_len=4096 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1
    -seed="${SEED:-0}" -artifact_prefix="artifacts/$target-")
  if [ -e "dictionaries/$target" ]; then options+=(-dict="dictionaries/$target"); fi
  start=$SECONDS
  if timeout $((SECONDS_EACH + 120)) "$CARGO_TARGET_DIR/$HOST/release/$target" "${options[@]}" \
    "grown/$target" "corpus/$target" >"$log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    printf '%s: %s executions in %s s, no finding\n' "$target" "$runs" $((SECONDS - start))
  else
    grep -a -A 2 -E 'panicked at|ERROR: libFuzzer|Test unit written' "$log" || tail -n 20 "$log"
    printf 'FINDING in %s: all of it is in %s\n' "$target" "$log"
    failed=1
  fi
done
[ -z "$failed" ]

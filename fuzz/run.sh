#!/usr/bin/env bash
# Fuzzes each target on its corpus and for so many seconds more, or just one: fuzz/run.sh [SECONDS [TARGET]]
# (default: 30). What is found is in fuzz/artifacts; what is new to the corpus is kept in fuzz/grown. It takes a C++
# compiler beside Rust: libFuzzer is built from source.
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

# What cargo-fuzz would give rustc, less the sanitizer: there is no unsafe code in the crate for it to watch.
coverage='-Cpasses=sancov-module -Ccodegen-units=1 -Cllvm-args=-simplifycfg-branch-fold-threshold=0'
for option in level=4 inline-8bit-counters pc-table trace-compares; do
  coverage+=" -Cllvm-args=-sanitizer-coverage-$option"
done
# Not for build scripts: that is why the host is named as a target.
RUSTFLAGS="${RUSTFLAGS:-} $coverage" cargo build --quiet --locked --release --target "$HOST" --bins

failed=
for target in $TARGETS; do
  mkdir -p "grown/$target" artifacts
  log="$CARGO_TARGET_DIR/$target.log"
  options=(-max_total_time="$SECONDS_EACH" -max_len=4096 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1
    -artifact_prefix="artifacts/$target-")
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

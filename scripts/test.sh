#!/usr/bin/env bash
# Runs every tier of tests and ends with one line: N passed, M failed, K skipped. Needs root (network namespaces).
#
#   scripts/test.sh                all tiers
#   scripts/test.sh unit netns     only these
#
# A tier's output is shown when it fails, and always kept in the directory that is named at the end of a failing run.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
TIERS=(check unit conformance sim native fuzz package netns browser)

for tier in "$@"; do
  case " ${TIERS[*]} " in
    *" $tier "*) ;;
    *)
      echo "usage: scripts/test.sh [TIER...]; there are: ${TIERS[*]}" >&2
      [ "$tier" = --help ] || [ "$tier" = -h ] || exit 2
      exit 0
      ;;
  esac
done

[ "$(id -u)" = 0 ] || {
  echo 'test: the tests make network namespaces; run as root: sudo scripts/test.sh' >&2
  exit 1
}
bash scripts/setup.sh test || exit 1

logs=$(mktemp -d /tmp/covey-test.XXXXXX)
passed=0 failed=0 skipped=0 unexpected=0

# Adds one tier's counts and says its line. $1 tier, $2 passed, $3 failed, $4 skipped, $5 seconds
count() {
  passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
  printf '%-12s %5d passed, %d failed, %d skipped  (%d s)\n' "$1" "$2" "$3" "$4" "$5"
  [ "$3" = 0 ] || sed 's/^/    | /' "$logs/$1.log" | tail -n 120
}

# One test: the command's exit code. $1 is a tier, the rest a command.
single() {
  local tier=$1 begun=$SECONDS
  shift
  if "$@" >>"$logs/$tier.log" 2>&1; then count "$tier" 1 0 0 $((SECONDS - begun)); else count "$tier" 0 1 0 $((SECONDS - begun)); fi
}

# The fuzzers: each that ran its time and found nothing says so on a line of its own.
fuzzed() {
  local begun=$SECONDS status=0 ok
  make --no-print-directory -C test/fuzz check >"$logs/fuzz.log" 2>&1 || status=$?
  ok=$(grep -c 'nothing found' "$logs/fuzz.log")
  if [ "$status" = 0 ] && [ "$ok" != 0 ]; then count fuzz "$ok" 0 0 $((SECONDS - begun)); else count fuzz "$ok" 1 0 $((SECONDS - begun)); fi
}

# The counts of a program whose last line with a count says "N passed" and perhaps "M failed", "K skipped".
counted() {
  local tier=$1 begun=$SECONDS status=0 line
  shift
  "$@" >"$logs/$tier.log" 2>&1 || status=$?
  line=$(grep -E '[0-9]+ passed' "$logs/$tier.log" | tail -n 1)
  local ok bad left
  ok=$(number_before passed "$line") bad=$(number_before failed "$line") left=$(number_before skipped "$line")
  # Died without a count, or failed without naming a failed test: that is one failure.
  if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
  if [ "$status" = 0 ] && [ "$ok" = 0 ]; then bad=1; fi
  count "$tier" "$ok" "$bad" "$left" $((SECONDS - begun))
}

number_before() {
  local number
  number=$(grep -oE "[0-9]+ $1" <<<"$2" | head -n 1 | grep -oE '^[0-9]+')
  echo "${number:-0}"
}

# A tier of vitest files, counted from its JSON report. Skipped tests are named; scripts/vitest-counts.mjs judges them.
vitest_tier() {
  local tier=$1 begun=$SECONDS
  shift
  local report=$logs/$tier.json counts ok bad left odd
  npx vitest run --dir "test/$tier" --passWithNoTests=false --reporter=default --reporter=json --outputFile.json="$report" "$@" \
    >"$logs/$tier.log" 2>&1 </dev/null
  counts=$(node scripts/vitest-counts.mjs "$report" "$?" 2>>"$logs/$tier.log") || counts='0 1 0 0'
  read -r ok bad left odd <<<"$(head -n 1 <<<"$counts")"
  count "$tier" "$ok" "$bad" "$left" $((SECONDS - begun))
  tail -n +2 <<<"$counts"
  unexpected=$((unexpected + odd))
}

has_tests() { [ -n "$(find "test/$1" -name '*.test.ts' -print -quit 2>/dev/null)" ]; }

run_tier() {
  case $1 in
    check)
      single types npx tsc -p tsconfig.json
      single types-web npx tsc -p src/console/web/tsconfig.json
      single lint npx biome check .
      single shell shellcheck scripts/*.sh scripts/package/*.sh scripts/package/p*{inst,rm} bench/farm/*.sh
      ;;
    native)
      counted native make --no-print-directory -C test/native check
      counted native-io make --no-print-directory -C test/native/io check
      ;;
    fuzz) fuzzed ;;
    netns)
      # One file after the other: two cores do not carry two farms whose timing is measured.
      vitest_tier netns --no-file-parallelism --testTimeout=60000 --hookTimeout=60000
      ;;
    # Farms again, and beside each a browser.
    browser) vitest_tier browser --no-file-parallelism --testTimeout=60000 --hookTimeout=90000 ;;
    # One at a time: they build one tree, and install into one root.
    package) vitest_tier package --no-file-parallelism --testTimeout=400000 --hookTimeout=400000 ;;
    unit | conformance | sim)
      if has_tests "$1"; then vitest_tier "$1" --testTimeout=120000; fi
      ;;
  esac
}

for tier in "${@:-${TIERS[@]}}"; do run_tier "$tier"; done
if [ "$failed" = 0 ] && [ "$unexpected" = 0 ]; then
  rm -rf "$logs"
else
  [ "$unexpected" = 0 ] || echo "$unexpected tests were skipped without a reason that this machine gives"
  echo "logs: $logs"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$unexpected" = 0 ]

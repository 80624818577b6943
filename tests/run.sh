#!/bin/sh
# Runs every test, tells those that took long, and ends with the counting line.
cd "$(dirname "$0")/.." || exit 1
LONG=15 # seconds
passed=0 failed=0 skipped=0 began=$(date +%s)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# took NAME SINCE
took() {
	seconds=$(($(date +%s) - $2))
	[ $seconds -lt $LONG ] || echo "  $1 took $seconds s"
}
for t in build/unit/*_test; do
	[ -x "$t" ] || continue
	since=$(date +%s)
	timeout 300 "$t" >"$log" 2>&1
	status=$?
	# cmocka lists failed ones twice, and ends with lines of counts.
	wrong=$(sed -n 's/^\[  FAILED  \] \([A-Za-z_][A-Za-z0-9_]*\).*/\1/p' "$log" | sort -u)
	bad=$(echo "$wrong" | grep -c .)
	left=$(sed -n 's/^\[  SKIPPED \] \([A-Za-z_][A-Za-z0-9_]*\).*/\1/p' "$log" | sort -u)
	[ -z "$left" ] || echo "$left" | sed "s|^|SKIPPED ${t##*/}: |"
	if [ $status -ge 124 ] || { [ $status -ne 0 ] && [ "$bad" -eq 0 ]; }; then
		bad=$((bad + 1)) # it crashed or hung
	fi
	passed=$((passed + $(grep -c '^\[       OK \]' "$log"))) failed=$((failed + bad)) skipped=$((skipped + $(echo "$left" | grep -c .)))
	[ "$bad" -eq 0 ] || { echo "FAILED: $t (status $status)"; grep -E 'FAILED|error:|Error' "$log" | head -n 30; }
	took "$t" "$since"
done
for t in tests/*_test.py; do
	[ -e "$t" ] || continue
	since=$(date +%s)
	timeout 900 python3 tests/run_one.py "$t" >"$log" 2>&1
	status=$?
	grep '^SKIPPED' "$log"
	# shellcheck disable=SC2046 # three numbers
	set -- $(sed -n 's/^COUNT \([0-9]*\) \([0-9]*\) \([0-9]*\)$/\1 \2 \3/p' "$log")
	[ $# -eq 3 ] || set -- 0 1 0
	[ $status -eq 0 ] || [ "$2" -gt 0 ] || set -- "$1" 1 "$3"
	passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
	[ "$2" -eq 0 ] || { echo "FAILED: $t"; tail -n 60 "$log"; }
	took "$t" "$since"
done
took "all tests together" "$began"
printf '%d passed, %d failed' $passed $failed
[ $skipped -gt 0 ] && printf ', %d skipped' $skipped
echo
[ $failed -eq 0 ] && [ $passed -gt 0 ]

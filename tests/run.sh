#!/bin/sh
# Runs every test and ends with the counting line.
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0 skipped=0
count() { # a cmocka run's output on standard input
	while read -r line; do
		case $line in
		*"[       OK ]"*) passed=$((passed + 1)) ;;
		*"[  FAILED  ]"*) case $line in *" test(s)"*) ;; *) failed=$((failed + 1)); echo "$line" ;; esac ;;
		*"[  SKIPPED ]"*) case $line in *" test(s)"*) ;; *) skipped=$((skipped + 1)); echo "$line" ;; esac ;;
		esac
	done
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for t in build/unit/*_test; do
	[ -x "$t" ] || continue
	timeout 300 "$t" >"$log" 2>&1
	status=$?
	before=$failed
	count <"$log"
	if [ $status -ne 0 ] && [ $failed -eq $before ]; then
		failed=$((failed + 1))
		echo "FAILED: $t (status $status)"
		tail -n 20 "$log"
	fi
done
for t in tests/*_test.py; do
	[ -e "$t" ] || continue
	if timeout 600 python3 "$t" >"$log" 2>&1; then
		n=$(sed -n 's/^Ran \([0-9]*\) test.*/\1/p' "$log"); s=$(sed -n 's/.*skipped=\([0-9]*\).*/\1/p' "$log")
		passed=$((passed + ${n:-1} - ${s:-0})); skipped=$((skipped + ${s:-0}))
		grep -i 'skipped' "$log" | head -5
	else
		n=$(sed -n 's/^Ran \([0-9]*\) test.*/\1/p' "$log")
		f=$(sed -n 's/^FAILED (\(.*\))/\1/p' "$log" | tr ',' '\n' | sed -n 's/.*\(failures\|errors\)=\([0-9]*\).*/\2/p' | paste -sd+ | sed 's/^$/1/')
		f=$((${f:-1})); passed=$((passed + ${n:-1} - f)); failed=$((failed + f))
		echo "FAILED: $t"; tail -n 30 "$log"
	fi
done
printf '%d passed, %d failed' $passed $failed
[ $skipped -gt 0 ] && printf ', %d skipped' $skipped
echo
[ $failed -eq 0 ] && [ $passed -gt 0 ]

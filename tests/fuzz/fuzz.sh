#!/bin/sh
# fuzz.sh BUILD SECONDS TARGET...: fuzzes each target from its seeds and from what was found once (tests/fuzz/regressions); what it found stays in BUILD/fuzz/found. Status 1: something was found.
build=$1 seconds=$2
shift 2
python3 tests/fuzz/make_seeds.py samples rules "$build/fuzz/seeds" || exit 1
status=0
mkdir -p "$build/fuzz/found"
export ASAN_OPTIONS=abort_on_error=0:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
for target; do
	corpus=$build/fuzz/corpus/$target seeds=$build/fuzz/seeds/$target log=$build/fuzz/$target.log
	mkdir -p "$corpus" "$seeds"
	for once in "tests/fuzz/regressions/$target"/*; do
		[ ! -e "$once" ] || cp "$once" "$seeds"
	done
	if "$build/fuzz/$target" -help=1 2>&1 </dev/null | grep -q libFuzzer; then
		"$build/fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
			-artifact_prefix="$build/fuzz/found/$target-" "$corpus" "$seeds" >"$log" 2>&1
	else
		"$build/fuzz/$target" "$seconds" "$seeds" >"$log" 2>&1
	fi
	result=$?
	runs=$(sed -n 's/.*number_of_executed_units: *//p; s/^Done \([0-9]*\) runs$/\1/p' "$log")
	if [ $result -eq 0 ]; then
		echo "fuzz $target: ok, ${runs:-0} runs"
	else
		echo "fuzz $target: FAILED, see $log"
		grep -E 'ERROR|SUMMARY|runtime error|Test unit written' "$log" | head -5
		status=1
	fi
done
exit $status

#!/bin/sh
# Stands in for hak_bench; the name of the preloaded "library" says how a run goes.
if [ "$1" = --list ]; then
    cat <<'END'
[{"name": "alpha", "group": "g", "threads": [1, 2], "unit": "Mops/s", "better": "higher"},
 {"name": "beta", "group": "h", "threads": [1], "unit": "ms", "better": "lower",
  "cases": [{"title": "small", "arguments": "slots=4", "quick": true},
            {"title": "big", "arguments": "slots=8", "quick": false}]}]
END
    exit
fi
library=$LD_PRELOAD
unset LD_PRELOAD
name=${library##*/}
cpus=$(sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status)
echo "$1 ${name:-libc} cpus=$cpus $*" >>"$STUB_LOG"
case $name in
crash.so) kill -SEGV $$ ;;
hang.so) exec sleep 60 ;;
wrong.so | "") library=/lib/libc.so.6 ;;
esac
cat <<END
{"workload": "$1", "threads": 1, "value": 1.5, "unit": "ms", "better": "lower", "seconds": 0.01,
 "operations": 1000, "peak_rss_kib": 1024, "end_rss_kib": 512, "minor_faults": 3,
 "voluntary_switches": 1, "involuntary_switches": 2, "malloc": "$library",
 "latency_ns": {"p50": 1, "p99": 2, "p999": 3, "p9999": 4, "max": 5}}
END

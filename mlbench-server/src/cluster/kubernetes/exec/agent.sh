#!/bin/sh
# Starts a command on another worker of the run, as rsh does: mpirun calls it for its daemons. It asks the server, which
# starts the command there, and ends when the command was started. POSIX sh, with ln, rm and sleep.
#
# Usage: agent HOST COMMAND…
dir=${0%/*}
fail() {
    printf 'mlbench: %s\n' "$1" >&2
    exit 1
}
[ $# -ge 2 ] || fail 'agent: no host or no command'
host=$1
shift
case $host in
-*) fail "agent: it takes no option $host" ;;
'' | *[!A-Za-z0-9._:-]*) fail 'agent: the host is no name and no address' ;;
esac
command=$*
[ ${#command} -le 65536 ] || fail "agent: the command for $host has more than 65536 characters"
# Complete under another name first, because the server reads it at once. `ln` takes no name twice.
printf '%s\n%s\n' "$host" "$command" >"$dir/asking.$$" || fail "agent: cannot write the request for $host"
number=1
until ln "$dir/asking.$$" "$dir/request.$number" 2>/dev/null; do
    [ -e "$dir/request.$number" ] || fail "agent: cannot write the request for $host"
    number=$((number + 1))
    [ "$number" -le 4096 ] || fail 'agent: too many commands were started on other workers'
done
rm -f "$dir/asking.$$"
read -r up idle </proc/uptime
end=$((${up%%.*} + SECONDS_TO_START))
until [ -e "$dir/reply.$number" ]; do
    read -r up idle </proc/uptime
    if [ "${up%%.*}" -ge "$end" ]; then
        # Nothing is to be started for a command that has given up.
        printf '1\n\n' >"$dir/asking.$$" && ln "$dir/asking.$$" "$dir/reply.$number" 2>/dev/null
        fail "agent: the server started nothing on $host for SECONDS_TO_START s"
    fi
    sleep 0.1 2>/dev/null || sleep 1
done
{
    read -r code
    while read -r line; do [ -z "$line" ] || printf 'mlbench: %s\n' "$line" >&2; done
} <"$dir/reply.$number"
exit "$code"

# The supervisor of a rank: the same for workers on this machine and in pods. POSIX sh; needs setsid, ln, mv, rm, ls,
# cat, dd, head, tail, tr, sed and sleep, which the smallest images have.
#
# How to call it. Run `sh` without arguments and write to its standard input: this file, then one line per variable of
# the command's environment, then one verb, then `exit`:
#
#     export RANK='0'
#     mlbench_launch '/supervisor/run-3/rank-0' '<job id>/0' 'python' 'train.py'
#     exit
#
# Every value stands in single quotes, a quote within it as '\'' (NUL cannot be had). So nothing travels in argv, where
# `ps` and audit logs show it; nothing is executed of an input that was cut, as a verb stands at its end; and an `exit`
# ends the shell where the other side cannot close the input.
#
#   mlbench_prepare DIR          makes the rank's directory, for its owner only
#   mlbench_launch DIR ID ARG…   starts ARG… with the exported environment and MLBENCH_WORKER_ID=ID, detached, once
#                                however often it is called. DIR must exist: a launch that comes after the release of
#                                its run starts nothing. Status 3: did not come up in time, call again
#   mlbench_follow DIR OUT ERR LIMIT PATIENCE
#                                what was written after byte OUT of stdout and byte ERR of stderr, at most LIMIT bytes
#                                of each, after at most PATIENCE seconds: one line `mlbench STATE CODE NOUT NERR`, then
#                                NOUT bytes, then NERR bytes. STATE is `running` (CODE is `-`); `ended` with the exit
#                                code as CODE; or, without an exit code, `killed` (the supervisor is gone), `rebooted`
#                                or `missing` (nothing was launched here). Read on until NOUT and NERR are 0: only
#                                then is everything known
#   mlbench_signal DIR ID TERM|KILL
#                                signals everything that belongs to the rank except its supervisor, which records the
#                                exit code; prints how many processes are left
#   mlbench_release DIR ID       kills what is left, then the supervisor, and removes DIR; prints how many processes
#                                are left (then DIR is still there: call again)
#
# Files in DIR: stdout, stderr; identity (`BOOT_ID PID START_TIME` of the supervisor, there before the command starts);
# usage (/proc/PID/stat and io of the supervisor when its command had ended: what all waited-for children used);
# exit_code (128+n for signal n and a newline), written last. What belongs to a rank is the supervisor's session and every process
# with MLBENCH_WORKER_ID=ID in its environment.

mlbench_prepare() {
    mkdir -p "${1%/*}" && { [ -d "$1" ] || mkdir -m 700 "$1"; }
} </dev/null

mlbench_launch() {
    mlbench_dir=$1
    [ -f "$mlbench_dir/identity" ] && return 0
    if [ ! -d "$mlbench_dir" ]; then
        echo "the directory of the rank is not there" >&2
        return 1
    fi
    cat >"$mlbench_dir/supervise.$$" <<'SUPERVISE' || return 1
dir=$1
shift
# Caught, not ignored: children start with the default again. The command runs in the foreground because a shell makes
# background commands ignore SIGINT and SIGQUIT, for good.
trap : HUP INT QUIT TERM USR1 USR2 ALRM
read -r boot </proc/sys/kernel/random/boot_id
read -r stat </proc/$$/stat
start_time() { shift 19; start=$1; }
start_time ${stat##*) }
# The link is the lock: it fails when another supervisor was first, and appears complete or not at all.
echo "$boot $$ $start" >"$dir/identity.$$" && ln "$dir/identity.$$" "$dir/identity"
lost_the_race=$?
rm -f "$dir/identity.$$"
[ $lost_the_race = 0 ] || exit 0
(
    command -v "$1" >/dev/null || { echo "mlbench: $1: command not found" >&2; exit 127; }
    exec "$@"
) </dev/null >>"$dir/stdout" 2>>"$dir/stderr"
code=$?
# From here on without another process, which a SIGKILL to all that belongs to the rank would reach.
copy() { while read -r line; do echo "$line"; done; }
{ copy </proc/$$/stat; copy </proc/$$/io; } >"$dir/usage"
# One short write, complete with its newline or not there. A full disk must not cost it.
until echo "$code" >"$dir/exit_code"; do
    [ -d "$dir" ] || exit 0
    sleep 1
done
SUPERVISE
    mv -f "$mlbench_dir/supervise.$$" "$mlbench_dir/supervise" || return 1
    MLBENCH_WORKER_ID=$2
    export MLBENCH_WORKER_ID
    shift 2
    # setsid forks when it leads a process group, and only then. The first makes its shell a leader, so the second
    # always forks and the caller goes on at once, without `&` and its ignored signals. The trap is for shells that
    # ignore SIGQUIT themselves.
    setsid sh -c 'trap : QUIT; exec setsid sh "$@" </dev/null >/dev/null 2>&1' \
        sh "$mlbench_dir/supervise" "$mlbench_dir" "$@" || return 1
    mlbench_tries=0
    until [ -f "$mlbench_dir/identity" ]; do
        mlbench_tries=$((mlbench_tries + 1))
        if [ "$mlbench_tries" -gt 200 ]; then
            echo "the supervisor did not come up in time" >&2
            return 3
        fi
        mlbench_nap
    done
} </dev/null

mlbench_nap() {
    sleep 0.05 2>/dev/null || sleep 1
}

mlbench_fields() {
    p_state=$1 p_session=$4
    shift 19
    p_start=$1
}

# State, session and start time of process $1, from behind its name, which may contain anything.
mlbench_stat() {
    { read -r p_line <"/proc/$1/stat"; } 2>/dev/null || return 1
    mlbench_fields ${p_line##*) }
}

# Sets s_pid to the supervisor of directory $1 if it runs, else to nothing, and s_state to how it is.
mlbench_supervisor() {
    s_pid='' s_state=missing
    { read -r s_boot s_was s_start <"$1/identity"; } 2>/dev/null || return 0
    read -r s_now </proc/sys/kernel/random/boot_id
    s_state=rebooted
    [ "$s_boot" = "$s_now" ] || return 0
    s_state=killed
    mlbench_stat "$s_was" || return 0
    [ "$p_start" = "$s_start" ] || return 0
    case $p_state in Z | X) return 0 ;; esac
    s_pid=$s_was s_state=running
}

# Sets f_size to the bytes of file $1 without reading it.
mlbench_size() {
    f_size=$(ls -ln "$1" 2>/dev/null) || f_size=''
    mlbench_fifth $f_size
}

mlbench_fifth() {
    f_size=${5:-0}
}

# $2 bytes of file $1 from byte $3 on: whole blocks are skipped by seeking, the rest by reading.
mlbench_bytes() {
    [ "$2" -gt 0 ] || return 0
    dd if="$1" bs=4096 skip=$(($3 / 4096)) count=$(($2 / 4096 + 2)) 2>/dev/null |
        tail -c +$(($3 % 4096 + 1)) | head -c "$2"
}

# Naps longer every time, to 0.4 s: whoever waits must not take the CPU from what is measured.
mlbench_wait() {
    case $f_nap in
    1) f_seconds=0.05 ;;
    2) f_seconds=0.1 ;;
    4) f_seconds=0.2 ;;
    *) f_seconds=0.4 ;;
    esac
    sleep $f_seconds 2>/dev/null || sleep 1
    [ $f_nap -ge 8 ] || f_nap=$((f_nap * 2))
}

mlbench_follow() {
    # In twentieths of a second.
    f_tries=$(($5 * 20))
    f_nap=1
    while :; do
        mlbench_supervisor "$1"
        f_code=-
        # Looked for after the supervisor, and sizes after it: what is reported as ended is complete. `read` fails
        # without a newline.
        if { read -r f_code <"$1/exit_code"; } 2>/dev/null; then
            s_state=ended
        else
            f_code=-
        fi
        mlbench_size "$1/stdout"
        f_out=$((f_size - $2))
        mlbench_size "$1/stderr"
        f_err=$((f_size - $3))
        [ "$f_out" -gt 0 ] || f_out=0
        [ "$f_err" -gt 0 ] || f_err=0
        f_tries=$((f_tries - f_nap))
        [ "$s_state" = running ] && [ $((f_out + f_err)) -eq 0 ] && [ "$f_tries" -gt 0 ] || break
        mlbench_wait
    done
    [ "$f_out" -le "$4" ] || f_out=$4
    [ "$f_err" -le "$4" ] || f_err=$4
    echo "mlbench $s_state $f_code $f_out $f_err"
    mlbench_bytes "$1/stdout" "$f_out" "$2"
    mlbench_bytes "$1/stderr" "$f_err" "$3"
} </dev/null

# Prints the pids of the processes with id $1 in their environment. `tail` heads each of several files with its name;
# not all greps read on behind a NUL.
mlbench_bearers() {
    tail -c +1 /proc/[0-9]*/environ 2>/dev/null | tr '\000' '\n' | LC_ALL=C sed -n \
        -e '/^==> .proc.[0-9]*.environ <==$/{' -e 's/[^0-9]//g' -e h -e d -e '}' \
        -e "\\,^MLBENCH_WORKER_ID=$1\$,{" -e g -e p -e '}'
}

# Sets m_pids to what belongs to the rank of directory $1 and id $2, without its supervisor.
mlbench_members() {
    mlbench_supervisor "$1"
    m_bearers=" $(echo $(mlbench_bearers "$2")) "
    m_pids=''
    for m_dir in /proc/[0-9]*; do
        m_pid=${m_dir#/proc/}
        [ "$m_pid" != "$s_pid" ] && [ "$m_pid" != $$ ] && mlbench_stat "$m_pid" || continue
        case $p_state in Z | X) continue ;; esac
        # The session's number says something only while its leader, the supervisor, is known to be there.
        case $m_bearers in
        *" $m_pid "*) m_pids="$m_pids $m_pid" ;;
        *) [ -n "$s_pid" ] && [ "$p_session" = "$s_pid" ] && m_pids="$m_pids $m_pid" ;;
        esac
    done
}

mlbench_count() {
    m_count=$#
}

mlbench_kill() {
    k_tries=0
    k_sent=' '
    while [ "$k_tries" -lt 40 ]; do
        mlbench_members "$1" "$2"
        k_new=''
        for k_pid in $m_pids; do
            case $k_sent in *" $k_pid "*) [ "$3" = KILL ] || continue ;; esac
            kill -s "$3" "$k_pid" 2>/dev/null
            k_new=yes
            k_sent="$k_sent$k_pid "
        done
        [ -n "$k_new" ] || break
        k_tries=$((k_tries + 1))
        mlbench_nap
    done
    mlbench_members "$1" "$2"
    mlbench_count $m_pids
}

mlbench_signal() {
    mlbench_kill "$1" "$2" "$3"
    echo "$m_count"
} </dev/null

mlbench_release() {
    mlbench_kill "$1" "$2" KILL
    if [ "$m_count" -eq 0 ]; then
        [ -z "$s_pid" ] || kill -s KILL "$s_pid" 2>/dev/null
        rm -rf "$1" || return 1
        # A launch that was on its way when the directory went.
        mlbench_kill "$1" "$2" KILL
    fi
    echo "$m_count"
} </dev/null

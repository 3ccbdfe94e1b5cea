# Starts and supervises one rank, on the server's machine and in pods alike. POSIX sh. Requires setsid, ln, mv, rm, ls,
# cat, dd, head, tail, tr, sed and sleep, which even the smallest images contain.
#
# Usage: run `sh` without arguments, and write to its standard input this file, one line per environment variable of the
# command, one function call, and `exit`:
#
#     export RANK='0'
#     mlbench_launch '/supervisor/run-3/rank-0' '<job id>/0' 'python' 'train.py'
#     exit
#
# Put every value in single quotes, and write a quote within it as '\''. A value cannot contain NUL. The values stay out
# of argv, where `ps` and audit logs would show them. The shell executes nothing of a truncated input, because the call
# comes last. `exit` ends the shell even when the other side cannot close the input.
#
#   mlbench_prepare DIR          Creates the directory of the rank, for its owner only.
#   mlbench_launch DIR ID ARG…   Starts ARG… with the exported environment and MLBENCH_WORKER_ID=ID, detached. Repeated
#                                calls start it once. Fails when DIR does not exist, so that a launch after the release
#                                of the run starts nothing. Status 3: the supervisor did not start in time, call again.
#   mlbench_follow DIR OUT ERR LIMIT TIMEOUT
#                                Prints the output after byte OUT of stdout and byte ERR of stderr, at most LIMIT bytes
#                                of each, after at most TIMEOUT seconds: one line `mlbench STATE CODE NOUT NERR`, then
#                                NOUT bytes, then NERR bytes. STATE is `running` (CODE is `-`), `ended` with the exit
#                                code as CODE, or, without an exit code, `killed` (the supervisor is not running),
#                                `rebooted` or `missing` (no launch here). Read on until NOUT and NERR are 0.
#   mlbench_signal DIR ID TERM|KILL
#                                Signals all processes of the rank except its supervisor, which records the exit code.
#                                Prints the number of processes left.
#   mlbench_release DIR ID       Kills the remaining processes, then the supervisor, and deletes DIR. Prints the number
#                                of processes left: if any, DIR still exists, call again.
#
# Files in DIR:
#   stdout, stderr  The output of the command.
#   identity        `BOOT_ID PID START_TIME` of the supervisor, written before the command starts.
#   usage           The supervisor's /proc/PID/stat and io after the end of its command, including waited-for children.
#   exit_code       The exit code (128+N for signal N) and a newline, written last.
#
# The processes of a rank are the session of its supervisor and all processes with MLBENCH_WORKER_ID=ID in their
# environment.

mlbench_prepare() {
    mkdir -p "${1%/*}" && { [ -d "$1" ] || mkdir -m 700 "$1"; }
} </dev/null

mlbench_launch() {
    mlbench_dir=$1
    [ -f "$mlbench_dir/identity" ] && return 0
    if [ ! -d "$mlbench_dir" ]; then
        echo "the directory of the rank does not exist" >&2
        return 1
    fi
    cat >"$mlbench_dir/supervise.$$" <<'SUPERVISE' || return 1
dir=$1
shift
# Catches these signals instead of ignoring them, so that children start with the default handling. The command runs in
# the foreground, because a shell makes background commands ignore SIGINT and SIGQUIT permanently.
trap : HUP INT QUIT TERM USR1 USR2 ALRM
read -r boot </proc/sys/kernel/random/boot_id
read -r stat </proc/$$/stat
start_time() { shift 19; start=$1; }
start_time ${stat##*) }
# The link is the lock: it is atomic, and fails when another supervisor was first.
echo "$boot $$ $start" >"$dir/identity.$$" && ln "$dir/identity.$$" "$dir/identity"
lost_the_race=$?
rm -f "$dir/identity.$$"
[ $lost_the_race = 0 ] || exit 0
(
    command -v "$1" >/dev/null || { echo "mlbench: $1: command not found" >&2; exit 127; }
    exec "$@"
) </dev/null >>"$dir/stdout" 2>>"$dir/stderr"
code=$?
# Starts no process from here on, because a SIGKILL to all processes of the rank would hit it.
copy() { while read -r line; do echo "$line"; done; }
{ copy </proc/$$/stat; copy </proc/$$/io; } >"$dir/usage"
# One short write is complete or absent. Retries while the disk is full.
until echo "$code" >"$dir/exit_code"; do
    [ -d "$dir" ] || exit 0
    sleep 1
done
SUPERVISE
    mv -f "$mlbench_dir/supervise.$$" "$mlbench_dir/supervise" || return 1
    MLBENCH_WORKER_ID=$2
    export MLBENCH_WORKER_ID
    shift 2
    # setsid forks only when it leads a process group. The first one makes its shell a leader, so the second one always
    # forks and the caller continues immediately, without `&` and its ignored signals. The trap is for shells that
    # ignore SIGQUIT themselves.
    setsid sh -c 'trap : QUIT; exec setsid sh "$@" </dev/null >/dev/null 2>&1' \
        sh "$mlbench_dir/supervise" "$mlbench_dir" "$@" || return 1
    mlbench_tries=0
    until [ -f "$mlbench_dir/identity" ]; do
        mlbench_tries=$((mlbench_tries + 1))
        if [ "$mlbench_tries" -gt 200 ]; then
            echo "the supervisor did not start in time" >&2
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

# Reads state, session and start time of process $1 after its name, which may contain anything.
mlbench_stat() {
    { read -r p_line <"/proc/$1/stat"; } 2>/dev/null || return 1
    mlbench_fields ${p_line##*) }
}

# Sets s_pid to the supervisor of directory $1, empty if it is not running, and s_state to its state.
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

# Sets f_size to the size of file $1 without reading it.
mlbench_size() {
    f_size=$(ls -ln "$1" 2>/dev/null) || f_size=''
    mlbench_fifth $f_size
}

mlbench_fifth() {
    f_size=${5:-0}
}

# Prints $2 bytes of file $1 from byte $3 on: skips whole blocks by seeking, the rest by reading.
mlbench_bytes() {
    [ "$2" -gt 0 ] || return 0
    dd if="$1" bs=4096 skip=$(($3 / 4096)) count=$(($2 / 4096 + 2)) 2>/dev/null |
        tail -c +$(($3 % 4096 + 1)) | head -c "$2"
}

# Sleeps longer every time, up to 0.4 s, so that waiting does not take CPU from what is measured.
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
    # Counts twentieths of a second.
    f_tries=$(($5 * 20))
    f_nap=1
    while :; do
        mlbench_supervisor "$1"
        f_code=-
        # The order supervisor, exit code, sizes guarantees that the output of an ended rank is complete. `read` fails
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

# Prints the pids of the processes with worker id $1 in their environment. `tail` prints the name of each file before
# its content. Uses sed because not every grep continues after a NUL.
mlbench_marked() {
    tail -c +1 /proc/[0-9]*/environ 2>/dev/null | tr '\000' '\n' | LC_ALL=C sed -n \
        -e '/^==> .proc.[0-9]*.environ <==$/{' -e 's/[^0-9]//g' -e h -e d -e '}' \
        -e "\\,^MLBENCH_WORKER_ID=$1\$,{" -e g -e p -e '}'
}

# Sets m_pids to the processes of the rank with directory $1 and id $2, without its supervisor.
mlbench_members() {
    mlbench_supervisor "$1"
    m_marked=" $(echo $(mlbench_marked "$2")) "
    m_pids=''
    for m_dir in /proc/[0-9]*; do
        m_pid=${m_dir#/proc/}
        [ "$m_pid" != "$s_pid" ] && [ "$m_pid" != $$ ] && mlbench_stat "$m_pid" || continue
        case $p_state in Z | X) continue ;; esac
        # A session id may be reused after its leader has ended, so it counts only while the supervisor is running.
        case $m_marked in
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
        # Kills a launch that was in progress when the directory was deleted.
        mlbench_kill "$1" "$2" KILL
    fi
    echo "$m_count"
} </dev/null

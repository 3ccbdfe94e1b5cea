# Starts and supervises one rank in a pod. POSIX sh. Requires setsid, ln, mv, rm, ls, cat, dd, head, tail, tr, sed and
# sleep, which even the smallest images contain. Where there is mkfifo, the command writes into pipes.
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
#                                Keeps mlbench_limit MiB of each stream, if that variable is set before.
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
#   stdout, stderr  The output of the command. Copied from pipes by one `cat` each, so no program can truncate it, or
#                   written by the command itself where the image has no mkfifo.
#   stdout.cut      16 bytes, reserved before the command starts: why output is missing, `limit` or `disk`, if any is.
#   stdout.base     The offset of the first byte of the file, after a command has truncated it.
#   dates           When output came: lines `UPTIME:BYTES_OF_STDOUT:BYTES_OF_STDERR` with the sizes at that time.
#   ended           The uptime of the machine when the command ended.
#   identity        `BOOT_ID PID START_TIME` of the supervisor, written before the command starts.
#   usage           The supervisor's /proc/PID/stat and io after the end of its command, including waited-for children.
#   exit_code       16 bytes, reserved before the command starts and written in place at its end, also on a full disk:
#                   the exit code (128+N for signal N) and a newline.
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
blank='               '
# The link is the lock: it is atomic, and fails when another supervisor was first. Without room for the exit code the
# command does not start, so that the next launch may.
echo "$blank" >"$dir/blank.$$" && echo "$boot $$ $start" >"$dir/identity.$$" && ln "$dir/identity.$$" "$dir/identity"
lost_the_race=$?
[ $lost_the_race != 0 ] || mv -f "$dir/blank.$$" "$dir/exit_code"
rm -f "$dir/identity.$$" "$dir/blank.$$"
[ $lost_the_race = 0 ] || exit 0
[ -f "$dir/exit_code" ] || exec rm -f "$dir/identity"
run() {
    unset mlbench_limit
    command -v "$1" >/dev/null || { echo "mlbench: $1: command not found" >&2; exit 127; }
    exec "$@"
}
# Copies standard input to standard output, the file $1, and throws away what exceeds the limit. Ends with the last writer. It is
# no process of the rank: it has a session and an environment of its own, so no signal to the rank reaches it.
copy='until (ulimit -f "$2" 2>/dev/null; exec cat); do
    # SIGXFSZ: the file has its full size. Otherwise the disk is full, and what was read last is lost.
    [ $? -ne 153 ] || { echo limit 1<>"$1.cut"; exec cat >/dev/null; }
    [ -d "${1%/*}" ] || exit
    echo disk 1<>"$1.cut"
    sleep 1
done'
copy_to() {
    unset MLBENCH_WORKER_ID
    exec setsid sh -c "$copy" sh "$dir/$1" $((${mlbench_limit:-256} * 2048 + 256))
}
# Sets `at` to the number of bytes written through the descriptor $1, which a copier shares.
position='position() {
    while read -r key value; do [ "$key" != pos: ] || at=$value; done <"/proc/$$/fdinfo/$1"
}
'
eval "$position"
# Notes when output comes, for a server that is away: every second, and more rarely after 1,000 notes. Starts no process
# where `read` has a timeout. Ends with the directory.
stamp="$position"'
clock=
if mkfifo "$1/clock" 2>/dev/null && exec 9<>"$1/clock"; then
    (read -r -t 1 line) </dev/null 2>/dev/null
    [ $? -gt 1 ] || clock=9
fi
seen=0:0 count=0
while [ -d "$1" ]; do
    position 5
    out=$at
    position 6
    if [ "$out:$at" != "$seen" ]; then
        seen=$out:$at
        [ -s "$1/dates" ] || count=0
        count=$((count + 1))
        read -r up idle </proc/uptime
        echo "$up:$seen" >>"$1/dates"
    fi
    nap=$((1 + count / 1000))
    if [ -n "$clock" ]; then read -r -t $nap line <&9; else sleep $nap; fi
done'
stamp_output() {
    unset MLBENCH_WORKER_ID
    [ ! -x /bin/bash ] || exec setsid /bin/bash --posix -c "$stamp" sh "$dir"
    exec setsid sh -c "$stamp" sh "$dir"
}
copiers='' stamper=''
# Opened for reading and writing, so that no side waits for the other one. `true` survives a failed redirection.
if mkfifo "$dir/stdout.pipe" "$dir/stderr.pipe" 2>/dev/null && true 3<>"$dir/stdout.pipe"; then
    exec 3<>"$dir/stdout.pipe" 4<>"$dir/stderr.pipe" 5>>"$dir/stdout" 6>>"$dir/stderr"
    echo "$blank" >"$dir/stdout.cut"
    echo "$blank" >"$dir/stderr.cut"
    copy_to stdout <"$dir/stdout.pipe" >&5 3>&- 4>&- 5>&- 6>&- &
    copiers=$!
    copy_to stderr <"$dir/stderr.pipe" >&6 3>&- 4>&- 5>&- 6>&- &
    copiers="$copiers $!"
    stamp_output </dev/null 3>&- 4>&- &
    stamper=$!
    (run "$@") </dev/null >"$dir/stdout.pipe" 2>"$dir/stderr.pipe" 3>&- 4>&- 5>&- 6>&-
    code=$?
    exec 3>&- 4>&-
else
    (run "$@") </dev/null >>"$dir/stdout" 2>>"$dir/stderr"
    code=$?
fi
read -r ended idle </proc/uptime
# The copiers end when they have copied everything, unless an orphan still has the pipes.
tries=0
for copier in $copiers; do
    while [ $tries -lt 20 ] && kill -0 "$copier" 2>/dev/null; do
        tries=$((tries + 1))
        sleep 0.05 2>/dev/null || sleep 1
    done
done
# Starts no process from here on, because a SIGKILL to all processes of the rank would hit it.
if [ -n "$stamper" ]; then
    kill -s KILL "$stamper" 2>/dev/null
    position 5
    out=$at
    position 6
    echo "$ended:$out:$at" >>"$dir/dates"
fi
echo "$ended" >"$dir/ended"
print() { while read -r line; do echo "$line"; done; }
{ print </proc/$$/stat; print </proc/$$/io; } >"$dir/usage"
code="$blank$code"
echo "${code#"${code%???????????????}"}" 1<>"$dir/exit_code"
SUPERVISE
    mv -f "$mlbench_dir/supervise.$$" "$mlbench_dir/supervise" || return 1
    MLBENCH_WORKER_ID=$2
    # A Python program writes what it prints at once. Otherwise it loses up to 8 KiB when it is stopped.
    PYTHONUNBUFFERED=${PYTHONUNBUFFERED-1}
    export MLBENCH_WORKER_ID PYTHONUNBUFFERED
    [ -z "$mlbench_limit" ] || export mlbench_limit
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
    p_state=$1 p_parent=$2 p_session=$4
    shift 19
    p_start=$1
}

# Reads state, parent, session and start time of process $1 after its name, which may contain anything.
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

# Sets f_new to the number of bytes of stream $2 in directory $1 after offset $3, and f_at to their place in the file.
mlbench_new() {
    f_base=0
    [ ! -f "$1/$2.base" ] || read -r f_base <"$1/$2.base"
    mlbench_size "$1/$2"
    f_at=$(($3 - f_base))
    if [ "$f_at" -gt "$f_size" ] && [ "$3" -lt 9223372036854775807 ]; then
        # Possible only without pipes.
        f_at=0
        echo "$3" >"$1/$2.base"
        echo "mlbench: the command truncated its $2; reading it from the start" >>"$1/stderr"
    fi
    [ "$f_at" -ge 0 ] || f_at=0
    f_new=$((f_size - f_at))
    [ "$f_new" -ge 0 ] || f_new=0
}

# Makes mlbench_sleep start no process where `read` has a timeout: it waits for input that never comes.
mlbench_use_clock() {
    if [ -z "$BASH_VERSION" ]; then
        (read -r -t 1 z_line) </dev/null 2>/dev/null
        [ $? -le 1 ] || return 0
    fi
    exec 9<&0
    mlbench_clock=9
}

# Sleeps $1 seconds. Exits when the input of the clock ends, because then the output has no reader.
mlbench_sleep() {
    if [ -z "$mlbench_clock" ]; then
        sleep "$1" 2>/dev/null || sleep 1
        return 0
    fi
    read -r z_before z_idle </proc/uptime
    read -r -t "$1" z_line <&9 && return 0
    [ "$1" = 1 ] || return 0
    read -r z_after z_idle </proc/uptime
    # A timeout of a second leaves the same hundredth only at the end of the input.
    [ "$z_after" != "$z_before" ] || exit
}

# Sleeps longer every time, up to 1 s, so that waiting does not take CPU from what is measured: a process starts only for
# the sleep itself. Tests of files that are older than the last look start none.
mlbench_wait() {
    case $f_nap in
    1) f_seconds=0.05 ;;
    2) f_seconds=0.1 ;;
    4) f_seconds=0.2 ;;
    8) f_seconds=0.4 ;;
    *) f_seconds=1 ;;
    esac
    mlbench_sleep $f_seconds
    f_tries=$((f_tries - f_nap))
    [ $f_nap -ge 16 ] || f_nap=$((f_nap * 2))
}

# Returns whether the rank in directory $1 is running and has written nothing since the last look.
mlbench_is_quiet() {
    mlbench_supervisor "$1"
    [ "$s_state" = running ] && [ "$f_tries" -gt 0 ] && [ "$1/stdout" -ot "$1/looked" ] &&
        [ "$1/stderr" -ot "$1/looked" ] && [ "$1/exit_code" -ot "$1/looked" ]
}

mlbench_follow() {
    # Counts twentieths of a second.
    f_tries=$(($5 * 20))
    f_nap=1
    while :; do
        # A change in the same moment makes the file not older. `true` survives a failed redirection.
        { true >"$1/looked"; } 2>/dev/null
        mlbench_supervisor "$1"
        f_code=-
        # The order supervisor, exit code, sizes guarantees that the output of an ended rank is complete. `read` fails
        # without a newline.
        if { read -r f_code <"$1/exit_code" && [ -n "$f_code" ]; } 2>/dev/null; then
            s_state=ended
        else
            f_code=-
        fi
        mlbench_new "$1" stdout "$2"
        f_out=$f_new f_out_at=$f_at
        mlbench_new "$1" stderr "$3"
        f_err=$f_new f_err_at=$f_at
        [ "$s_state" = running ] && [ $((f_out + f_err)) -eq 0 ] && [ "$f_tries" -gt 0 ] || break
        mlbench_wait
        while mlbench_is_quiet "$1"; do mlbench_wait; done
    done
    [ "$f_out" -le "$4" ] || f_out=$4
    [ "$f_err" -le "$4" ] || f_err=$4
    echo "mlbench $s_state $f_code $f_out $f_err"
    mlbench_bytes "$1/stdout" "$f_out" "$f_out_at"
    mlbench_bytes "$1/stderr" "$f_err" "$f_err_at"
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

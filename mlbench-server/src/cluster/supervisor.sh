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
#                                Of each stream, mlbench_limit MiB (256 if that variable is not set) and a quarter
#                                more may wait for a reader.
#   mlbench_follow DIR OUT ERR LIMIT TIMEOUT
#                                Prints the output after byte OUT of stdout and byte ERR of stderr, at most LIMIT bytes
#                                of each, after at most TIMEOUT seconds: one line `mlbench STATE CODE NOUT NERR`, then
#                                NOUT bytes, then NERR bytes. STATE is `running` (CODE is `-`), `ended` with the exit
#                                code as CODE, or, without an exit code, `killed` (the supervisor is not running),
#                                `rebooted` or `missing` (no launch here). Read on until NOUT and NERR are 0.
#   mlbench_free DIR OUT ERR     Deletes the segments that a reader with these offsets has stored.
#   mlbench_signal DIR ID TERM|KILL
#                                Signals all processes of the rank except its supervisor, which records the exit code.
#                                Prints the number of processes left, or `supervisor` when only that is left after
#                                SIGKILL and has not stored the exit code, for a moment or as long as the disk is full.
#   mlbench_release DIR ID       Kills the remaining processes, then the supervisor, and deletes DIR. Prints the number
#                                of processes left: if any, DIR still exists, call again.
#
# Files in DIR:
#   prepared        The start time of the shell that has created DIR.
#   stdout.OFFSET   The output of the command from this byte on, and `stderr.OFFSET`. A shell for each stream copies it from
#                   a pipe, so no program can truncate it. Without mkfifo the command itself writes `stdout.0`.
#   stdout.at       The offset of the newest of these segments, and `begin` while there is no such file yet.
#   stdout.stop     Written by a reader that wants no more of the stream.
#   stdout.cut      16 bytes, reserved before the command starts: why output is missing, `limit` or `disk`, if any is.
#   stdout.base     The offset of the first byte of the file, after a command has truncated it.
#   dates           When output came: lines `UPTIME:BYTES_OF_STDOUT:BYTES_OF_STDERR` with the sizes at that time.
#   ended           The uptime of the machine when the command ended.
#   sizes           The bytes of both streams at its end, without what orphans of the command write later. Without mkfifo
#                   those of the files.
#   identity        `BOOT_ID PID START_TIME` of the supervisor, written before the command starts.
#   usage           The supervisor's /proc/PID/stat and io after the end of its command, including waited-for children.
#   exit_code       16 bytes, reserved before the command starts and written in place at its end, also on a full disk,
#                   until they are stored: the exit code (128+N for signal N) and a newline.
#
# The processes of a rank are the session of its supervisor and all processes with MLBENCH_WORKER_ID=ID in their
# environment.

mlbench_prepare() {
    mkdir -p "${1%/*}" && { [ -d "$1" ] || mkdir -m 700 "$1"; } || return 1
    { [ ! -e "$1/prepared" ] && mlbench_stat $$ && echo "$p_start" >"$1/prepared"; } 2>/dev/null || :
} </dev/null

mlbench_launch() {
    mlbench_dir=$1
    # A supervisor without room for the exit code has `identity` for a moment only.
    [ -f "$mlbench_dir/identity" ] && [ -f "$mlbench_dir/exit_code" ] && return 0
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
# Copies standard input into segments `$1.OFFSET` of at most $2 reads of 16 KiB, so that a reader can delete what it has
# stored. `dd` reads no byte that it does not write, and writes at once. Throws the rest away when more than $3 bytes wait
# for a reader, or the reader wants no more. Ends with the last writer. It is no process of the rank: it has a session and
# an environment of its own, so no signal to the rank reaches it.
copy='at=0
begin() {
    echo "$at begin" 1<>"$1.at"
    until { true >>"$1.$at"; } 2>/dev/null; do
        [ -d "${1%/*}" ] || exit
        sleep 1
    done
    exec 5>>"$1.$at"
    echo "$at      " 1<>"$1.at"
}
begin "$1"
while :; do
    dd bs=16384 count="$2" >&5 2>/dev/null
    failed=$?
    pos=0
    while read -r key value; do [ "$key" != pos: ] || pos=$value; done <"/proc/$$/fdinfo/5"
    if [ $failed != 0 ]; then
        [ -d "${1%/*}" ] || exit
        # The disk is full, and what was read last is lost.
        echo disk 1<>"$1.cut"
        sleep 1
    fi
    [ "$pos" -gt 0 ] || { [ $failed != 0 ] && continue || exit; }
    at=$((at + pos)) low=$at
    begin "$1"
    for file in "$1".[0-9]*; do [ "${file##*.}" -ge "$low" ] || low=${file##*.}; done
    [ $((at - low)) -gt "$3" ] || [ -e "$1.stop" ] || continue
    echo limit 1<>"$1.cut"
    exec cat >/dev/null
done'
copy_to() {
    unset MLBENCH_WORKER_ID
    mebibytes=${mlbench_limit:-256}
    reads=$((mebibytes < 64 ? mebibytes * 16 : 1024))
    exec setsid sh -c "$copy" sh "$dir/$1" $reads $((mebibytes * 1048576 + 131072)) >/dev/null 2>&1
}
# Sets `at` to the number of bytes of stream file $1 that copier $2 has written. An ended one leaves it in `$1.at`. Looks
# again when the copier has begun another segment meanwhile, because both parts must be of the same one.
position='position() {
    before=none segment=
    { read -r segment <"$1.at"; } 2>/dev/null
    until [ "$segment" = "$before" ]; do
        before=$segment segment= at=0
        [ "$before" != "${before% begin}" ] ||
            { while read -r key value; do [ "$key" != pos: ] || at=$value; done <"/proc/$2/fdinfo/5"; } 2>/dev/null
        { read -r segment <"$1.at"; } 2>/dev/null
    done
    at=$((${segment%% *} + at))
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
out=0 err=0 count=0
while [ -d "$1" ]; do
    seen=$out:$err
    # One that was killed shows too little.
    position "$1/stdout" "$2"
    [ "$at" -lt "$out" ] || out=$at
    position "$1/stderr" "$3"
    [ "$at" -lt "$err" ] || err=$at
    if [ "$out:$err" != "$seen" ]; then
        [ -s "$1/dates" ] || count=0
        count=$((count + 1))
        read -r up idle </proc/uptime
        echo "$up:$out:$err" >>"$1/dates"
    fi
    nap=$((1 + count / 1000))
    if [ -n "$clock" ]; then read -r -t $nap line <&9; else sleep $nap; fi
done'
stamp_output() {
    unset MLBENCH_WORKER_ID
    [ ! -x /bin/bash ] || exec setsid /bin/bash --posix -c "$stamp" sh "$dir" $copiers
    exec setsid sh -c "$stamp" sh "$dir" $copiers
}
copiers='' stamper=''
# Opened for reading and writing, so that no side waits for the other one. `true` survives a failed redirection.
# A command that has become another user may open /dev/stdout anew. The directory keeps everybody else away.
if mkfifo -m 666 "$dir/stdout.pipe" "$dir/stderr.pipe" 2>/dev/null && true 3<>"$dir/stdout.pipe"; then
    exec 3<>"$dir/stdout.pipe" 4<>"$dir/stderr.pipe"
    for stream in stdout stderr; do
        echo "$blank" >"$dir/$stream.cut"
        echo "$blank$blank" >"$dir/$stream.at"
        copy_to $stream <"$dir/$stream.pipe" 3>&- 4>&- &
        copiers="$copiers $!"
    done
    stamp_output </dev/null 3>&- 4>&- &
    stamper=$!
    (run "$@") </dev/null >"$dir/stdout.pipe" 2>"$dir/stderr.pipe" 3>&- 4>&-
    code=$?
    exec 3>&- 4>&-
else
    (umask 0 && : >>"$dir/stdout.0" 2>>"$dir/stderr.0")
    (run "$@") </dev/null >>"$dir/stdout.0" 2>>"$dir/stderr.0"
    code=$?
fi
read -r ended idle </proc/uptime
# Returns whether copier $1 waits for output. One that has some is not asleep, nor is the `dd` that it has started.
is_idle() {
    children=''
    { read -r children <"/proc/$1/task/$1/children"; } 2>/dev/null
    for pid in $1 $children; do
        state=''
        { read -r stat <"/proc/$pid/stat"; } 2>/dev/null && stat=${stat##*) } state=${stat%% *}
        [ "$state" = S ] || return 1
    done
}
# Returns whether the output limit has ended stream $1.
is_cut() {
    cut=''
    { read -r cut <"$dir/$1.cut"; } 2>/dev/null
    [ "$cut" = limit ]
}
# Returns whether copier $2 of stream $1 has copied what the command has printed, after it waited for output in $4 looks.
# Where an orphan still has the pipe, it goes on: what follows byte $3, more than a full pipe of 1 MiB, is not of the command.
is_done() {
    position "$dir/$1" "$2"
    [ "$at" -ge "$3" ] || [ "$4" -ge 20 ] || is_cut "$1" || ! kill -0 "$2" 2>/dev/null
}
# The copiers end when they have copied everything, however long that takes on a busy machine.
if [ -n "$copiers" ]; then
    out_copier=${copiers% *} out_copier=${out_copier# } err_copier=${copiers##* }
    position "$dir/stdout" "$out_copier"
    most_out=$((at + 1114112))
    position "$dir/stderr" "$err_copier"
    most_err=$((at + 1114112)) idle_out=0 idle_err=0 looks=0
    while [ $looks -lt 1200 ]; do
        ! is_done stdout "$out_copier" $most_out $idle_out || ! is_done stderr "$err_copier" $most_err $idle_err || break
        ! is_idle "$out_copier" || idle_out=$((idle_out + 1))
        ! is_idle "$err_copier" || idle_err=$((idle_err + 1))
        looks=$((looks + 1))
        sleep 0.05 2>/dev/null || sleep 1
    done
else
    # Again when a SIGKILL to all processes of the rank has hit `ls`.
    sizes=
    for stream in stdout stderr; do
        list=
        for try in 1 2 3; do
            [ -n "$list" ] || list=$(ls -ln "$dir/$stream.0" 2>/dev/null)
        done
        set -- $list
        sizes="$sizes $5"
    done
    set -- $sizes
    [ $# -lt 2 ] || echo "$1 $2" >"$dir/sizes"
fi
# Starts no process from here on, because a SIGKILL to all processes of the rank would hit it.
if [ -n "$stamper" ]; then
    kill -s KILL "$stamper" 2>/dev/null
    position "$dir/stdout" "$out_copier"
    out=$at
    position "$dir/stderr" "$err_copier"
    echo "$ended:$out:$at" >>"$dir/dates"
    echo "$out $at" >"$dir/sizes"
fi
echo "$ended" >"$dir/ended"
print() { while read -r line; do echo "$line"; done; }
{ print </proc/$$/stat; print </proc/$$/io; } >"$dir/usage"
code="$blank$code"
# Again and again, because some file systems need room to overwrite, and any may become read-only for a while. No event
# says that a disk has room, and the process that sleeps meanwhile is none of the rank.
while [ -d "$dir" ]; do
    { echo "${code#"${code%???????????????}"}" 1<>"$dir/exit_code"; } 2>/dev/null
    stored=''
    { read -r stored <"$dir/exit_code"; } 2>/dev/null
    [ -z "$stored" ] || break
    (unset MLBENCH_WORKER_ID && exec setsid sleep 1 >/dev/null 2>&1)
done
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
    until [ -f "$mlbench_dir/identity" ] && [ -f "$mlbench_dir/exit_code" ]; do
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
    p_state=$1 p_parent=$2 p_session=$4 p_terminal=$5
    shift 19
    p_start=$1
}

# Reads state, parent, session, terminal and start time of process $1 after its name, which may contain anything.
mlbench_stat() {
    { read -r p_line <"/proc/$1/stat"; } 2>/dev/null || return 1
    mlbench_fields ${p_line##*) }
}

# Sets s_pid to the supervisor of directory $1, empty if it is not running, s_state to its state, and s_session to its
# session, unless another process has its pid. The kernel reuses no pid that is a session id.
mlbench_supervisor() {
    s_pid='' s_session='' s_state=missing
    { read -r s_boot s_was s_start <"$1/identity"; } 2>/dev/null || return 0
    read -r s_now </proc/sys/kernel/random/boot_id
    s_state=rebooted
    [ "$s_boot" = "$s_now" ] || return 0
    s_state=killed
    s_session=$s_was
    mlbench_stat "$s_was" || return 0
    [ "$p_start" = "$s_start" ] || { s_session='' && return 0; }
    case $p_state in Z | X) return 0 ;; esac
    s_pid=$s_was s_state=running
}

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
        case $m_marked in
        *" $m_pid "*) m_pids="$m_pids $m_pid" ;;
        *)
            [ -n "$s_session" ] && [ "$p_session" = "$s_session" ] && [ "$p_start" -ge "$s_start" ] || continue
            m_pids="$m_pids $m_pid"
            ;;
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
        if [ "$k_tries" -eq 0 ]; then
            # In hundredths of a second, like the starts of processes.
            read -r k_now k_idle </proc/uptime
            k_began=${k_now%.*}${k_now#*.}
        fi
        k_new=''
        for k_pid in $m_pids; do
            if [ "$3" != KILL ]; then
                case $k_sent in *" $k_pid "*) continue ;; esac
                # Spares what a program that still runs has started since its signal: that may be the process that saves
                # its state.
                if [ "$k_tries" -gt 0 ]; then
                    mlbench_stat "$k_pid" || continue
                    case "$m_pids " in *" $p_parent "*) [ "$p_start" -lt "$k_began" ] || continue ;; esac
                fi
                k_sent="$k_sent$k_pid "
            fi
            kill -s "$3" "$k_pid" 2>/dev/null
            k_new=yes
        done
        # One that somebody has stopped would never record the exit code.
        [ "$3" != KILL ] || [ -z "$s_pid" ] || kill -s CONT "$s_pid" 2>/dev/null
        [ -n "$k_new" ] || break
        k_tries=$((k_tries + 1))
        mlbench_nap
    done
    mlbench_members "$1" "$2"
    mlbench_count $m_pids
}

mlbench_signal() {
    mlbench_kill "$1" "$2" "$3"
    k_code=''
    { read -r k_code <"$1/exit_code"; } 2>/dev/null
    if [ "$3" = KILL ] && [ "$m_count" -eq 0 ] && [ -n "$s_pid" ] && [ -z "$k_code" ]; then
        m_count=supervisor
    fi
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

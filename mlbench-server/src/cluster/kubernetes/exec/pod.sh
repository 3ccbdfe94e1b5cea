# Functions for scripts in a pod, read after supervisor.sh. VOLUME and STREAM_SECONDS are replaced.

# The directory for the files of runs: the volume for runs, or below /tmp in a static pod without one.
k_base=VOLUME
[ -d "$k_base" ] && [ -w "$k_base" ] || k_base=/tmp/mlbench
# Sets and creates the directory for temporary files of the run with job id $1, and deletes it at the release.
k_temporary() {
    [ -z "$TMPDIR" ] || return 0
    k_tmp=/tmp/mlbench-$1
    mkdir -m 700 "$k_tmp" 2>/dev/null || [ -O "$k_tmp" ] || return 0
    TMPDIR=$k_tmp
    export TMPDIR
}
# Sets k_killed to the processes of this container that the kernel killed for lack of memory (cgroup v2, then v1).
k_oom() {
    k_killed=0
    for k_file in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
        [ -r "$k_file" ] || continue
        while read -r k_key k_value; do
            [ "$k_key" != oom_kill ] || k_killed=$k_value
        done <"$k_file"
    done
}
# Sets k_list to the dates of the output after byte $1 of stdout and byte $2 of stderr, k_ended to that of the end, and
# k_up to the current one. Sets k_cuts to the streams with missing output and the reasons. Forgets dates of output that
# was read.
k_dates() {
    k_list='' k_ended='' k_count=0 k_cuts=''
    for k_stream in stdout stderr; do
        k_why=''
        { read -r k_why <"$k_dir/$k_stream.cut"; } 2>/dev/null
        [ -z "$k_why" ] || k_cuts="$k_cuts$k_stream:$k_why,"
    done
    if [ $((f_out + f_err)) -gt 0 ] && [ -s "$k_dir/dates" ]; then
        while IFS=: read -r k_at k_o k_e; do
            k_count=$((k_count + 1))
            [ "$k_o" -gt "$1" ] || [ "$k_e" -gt "$2" ] || continue
            k_list="$k_list $k_at:$k_o:$k_e"
        done <"$k_dir/dates"
        if [ "$k_count" -gt 64 ]; then
            for k_one in $k_list; do echo "$k_one"; done >"$k_dir/dates.new" && mv -f "$k_dir/dates.new" "$k_dir/dates"
        fi
    fi
    [ ! -r "$k_dir/ended" ] || read -r k_ended <"$k_dir/ended"
    read -r k_up k_idle </proc/uptime
}
# Prints the output of the rank in k_dir after byte $1 of stdout and byte $2 of stderr, in pieces of at most $3 bytes of
# each, at least one every $5 seconds, and the first within $4. Ends with the rank, after STREAM_SECONDS, or after $6 bytes,
# so that the next one, which knows what is stored, deletes it.
k_follow() {
    mlbench_free "$k_dir" "$1" "$2"
    k_out=$1 k_err=$2 k_seconds=$4 k_before=0 f_asked=0
    [ ! -r "$k_dir/oom" ] || read -r k_before <"$k_dir/oom"
    read -r k_up k_idle </proc/uptime
    k_end=$((${k_up%%.*} + STREAM_SECONDS))
    while :; do
        mlbench_follow "$k_dir" "$k_out" "$k_err" "$3" "$k_seconds"
        k_oom
        k_dates "$k_out" "$k_err"
        while mlbench_is_asked "$k_dir"; do f_asked=$((f_asked + 1)); done
        echo "mlbench-end $((k_killed - k_before)) $k_up ${k_ended:--} ${k_cuts:--} $f_asked$k_list" || exit
        k_out=$((k_out + f_out)) k_err=$((k_err + f_err)) k_seconds=$5
        [ "$s_state" = running ] || [ $((f_out + f_err)) -gt 0 ] || break
        [ "${k_up%%.*}" -lt "$k_end" ] && [ $((k_out - $1 + k_err - $2)) -lt "$6" ] || break
        # Gathers the lines of a rank that writes all the time.
        [ $((f_out + f_err)) -eq 0 ] || [ $((f_out + f_err)) -gt 65536 ] || [ "$s_state" != running ] || mlbench_sleep 1
    done
}
# Sets k_found to the processes that the rank in directory $1 has left without its mark: they are in the cgroup of this
# container, began after its directory, and are neither in the session of the first process nor in that of this script.
# What an exec has started descends from no process that is seen here. It belongs to the run, as when mpirun starts its
# daemons so, unless it has a terminal and with it a person. Finds nothing while another rank has a supervisor here, because
# a process may belong to either.
k_strays() {
    k_found=''
    { read -r k_since <"$1/prepared" && read -r k_own <"/proc/$$/cgroup"; } 2>/dev/null || return 0
    for k_other in "$k_base"/*/run-*/rank-* "$k_base"/*/run-*/rank-*/daemon-*; do
        case $k_other in "$1" | "$1"/*) continue ;; esac
        mlbench_supervisor "$k_other"
        [ -z "$s_pid" ] || return 0
    done
    mlbench_stat $$ || return 0
    k_self=$p_session
    mlbench_stat 1 || return 0
    k_first=$p_session
    mlbench_supervisor "$1"
    for k_proc in /proc/[0-9]*; do
        k_pid=${k_proc#/proc/}
        [ "$k_pid" != "$s_pid" ] && mlbench_stat "$k_pid" || continue
        [ "$p_start" -ge "$k_since" ] && [ "$p_session" != "$k_first" ] && [ "$p_session" != "$k_self" ] || continue
        case $p_state in Z | X) continue ;; esac
        { read -r k_of <"$k_proc/cgroup"; } 2>/dev/null && [ "$k_of" = "$k_own" ] || continue
        k_terminal=$p_terminal
        while [ "$p_parent" -gt 1 ] && mlbench_stat "$p_parent"; do :; done
        [ "$p_parent" -ne 1 ] && [ "$k_terminal" != 0 ] || k_found="$k_found $k_pid"
    done
}
# Kills them, and sets m_count to the number of those that are left.
k_kill_strays() {
    for k_try in 1 2 3 4 5 6 7 8; do
        k_strays "$1"
        [ -n "$k_found" ] || break
        kill -s KILL $k_found 2>/dev/null
        mlbench_nap
    done
    mlbench_count $k_found
}
# Whether a rank or a daemon of run directory $2 was started less than $1 seconds ago, in this boot.
k_younger() {
    read -r k_boot </proc/sys/kernel/random/boot_id
    read -r k_up k_idle </proc/uptime
    for k_dir in "$2"/rank-* "$2"/rank-*/daemon-*; do
        { read -r k_was k_pid k_start <"$k_dir/identity"; } 2>/dev/null || continue
        [ "$k_was" = "$k_boot" ] || continue
        # Linux counts the start of a process in hundredths of a second for every program.
        [ $((${k_up%%.*} - k_start / 100)) -ge "$1" ] || return 0
    done
    return 1
}

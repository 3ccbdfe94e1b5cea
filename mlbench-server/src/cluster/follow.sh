# Reads the output of one rank in a pod, after supervisor.sh, whose head documents the protocol and the files.

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

# Sets f_file to the segment of stream $2 in directory $1 with byte $3, f_start to its offset, and f_next to that of the
# next one, empty if it is the newest.
mlbench_segment() {
    f_start=-1 f_next=''
    for f_file in "$1/$2".[0-9]*; do
        f_name=${f_file##*.}
        if [ ! -e "$f_file" ]; then
            f_name=0
        elif [ "$f_name" -gt "$3" ]; then
            [ -n "$f_next" ] && [ "$f_next" -le "$f_name" ] || f_next=$f_name
        elif [ "$f_name" -gt "$f_start" ]; then
            f_start=$f_name
        fi
    done
    [ "$f_start" -ge 0 ] || f_start=0
    f_file=$1/$2.$f_start
}

# Sets f_new to the number of bytes of stream $2 in directory $1 after offset $3 that one segment has, f_file to its name,
# and f_at to their place in it. $4 is the number of bytes at the end of the command, if it has ended: an orphan may write
# without end.
mlbench_new() {
    f_base=0
    [ ! -f "$1/$2.base" ] || read -r f_base <"$1/$2.base"
    mlbench_segment "$1" "$2" "$3"
    if [ -n "$f_next" ]; then f_size=$((f_next - f_start)); else mlbench_size "$f_file"; fi
    f_at=$(($3 - f_start - f_base))
    f_end=$4
    # Possible only without pipes.
    if [ "$f_at" -gt "$f_size" ] && [ "$f_at" -gt "${f_end:-0}" ] && [ "$3" -lt 9223372036854775807 ] &&
        [ ! -f "$1/$2.at" ] && [ -f "$f_file" ]; then
        f_at=0 f_base=$3
        echo "$3" >"$1/$2.base"
        echo "mlbench: the command truncated its $2; reading it from the start" >>"$1/stderr.0"
        if [ -n "$f_end" ]; then
            mlbench_size "$1/stderr.0"
            f_last_err=$f_size
            echo "$f_last_out $f_last_err" >"$1/sizes"
            [ "$2" = stdout ] || f_end=$f_last_err
        fi
        mlbench_size "$f_file"
    fi
    [ "$f_at" -ge 0 ] || f_at=0
    f_new=$((f_size - f_at))
    [ -z "$f_end" ] || [ $((f_end + f_base - $3)) -ge "$f_new" ] || f_new=$((f_end + f_base - $3))
    [ "$f_new" -ge 0 ] || f_new=0
}

# Notes the sizes of both streams in directory $1, unless its supervisor has: processes that it has left may write without
# end.
mlbench_note_sizes() {
    [ ! -f "$1/sizes" ] || return 0
    mlbench_segment "$1" stdout 9223372036854775806
    mlbench_size "$f_file"
    f_last_out=$((f_start + f_size))
    mlbench_segment "$1" stderr 9223372036854775806
    mlbench_size "$f_file"
    echo "$f_last_out $((f_start + f_size))" >"$1/sizes"
}

# A reader may return to up to 256 KiB before its offset.
mlbench_free() {
    f_old=''
    for f_pair in "stdout:$2" "stderr:$3"; do
        f_stream=${f_pair%:*} f_read=${f_pair#*:}
        mlbench_segment "$1" "$f_stream" $((f_read - 262144))
        [ "$f_read" -lt 9223372036854775807 ] || true >"$1/$f_stream.stop"
        [ -f "$1/$f_stream.at" ] || continue
        for f_file in "$1/$f_stream".[0-9]*; do
            [ ! -e "$f_file" ] || [ "${f_file##*.}" -ge "$f_start" ] || f_old="$f_old $f_file"
        done
    done
    [ -z "$f_old" ] || rm -f $f_old
} </dev/null

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

# Returns whether the rank in directory $1 has asked for more than the f_asked daemons on other workers that are known.
mlbench_is_asked() {
    [ "${f_asked:-4096}" -lt 4096 ] && [ -e "$1/request.$((f_asked + 1))" ]
}

# Returns whether the rank in directory $1 is running and has written nothing since the last look.
mlbench_is_quiet() {
    mlbench_supervisor "$1"
    [ "$s_state" = running ] && [ "$f_tries" -gt 0 ] && [ "$1/exit_code" -ot "$1/looked" ] || return 1
    ! mlbench_is_asked "$1" || return 1
    for f_stream in stdout stderr; do
        f_start=0
        { read -r f_start f_begin <"$1/$f_stream.at"; } 2>/dev/null
        [ "$1/$f_stream.${f_start:-0}" -ot "$1/looked" ] || return 1
    done
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
        f_last_out='' f_last_err=''
        [ "$s_state" != killed ] || mlbench_note_sizes "$1"
        case $s_state in
        ended | killed) { read -r f_last_out f_last_err <"$1/sizes"; } 2>/dev/null ;;
        esac
        mlbench_new "$1" stdout "$2" "$f_last_out"
        f_out=$f_new f_out_at=$f_at f_out_file=$f_file
        mlbench_new "$1" stderr "$3" "$f_last_err"
        f_err=$f_new f_err_at=$f_at f_err_file=$f_file
        [ "$s_state" = running ] && [ $((f_out + f_err)) -eq 0 ] && [ "$f_tries" -gt 0 ] || break
        ! mlbench_is_asked "$1" || break
        mlbench_wait
        while mlbench_is_quiet "$1"; do mlbench_wait; done
    done
    [ "$f_out" -le "$4" ] || f_out=$4
    [ "$f_err" -le "$4" ] || f_err=$4
    echo "mlbench $s_state $f_code $f_out $f_err"
    mlbench_bytes "$f_out_file" "$f_out" "$f_out_at"
    mlbench_bytes "$f_err_file" "$f_err" "$f_err_at"
} </dev/null

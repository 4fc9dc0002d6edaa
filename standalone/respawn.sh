# sh respawn.sh COMMAND...: runs a command, and runs it again when it was killed. One that ends by
# itself has said why, and ends this too. INT and TERM are meant for the command as well: whoever
# sends them sends them to the process group.
trap 'ending=1' INT TERM
while :; do
    "$@" &
    child=$!
    wait $child
    status=$?
    while kill -0 $child 2>/dev/null; do  # a signal interrupts wait
        wait $child
        status=$?
    done
    if [ -n "$ending" ] || [ $status -le 128 ]; then exit $status; fi
    echo "error: killed by signal $((status - 128)), started again: $*" >&2
    sleep 0.5
done

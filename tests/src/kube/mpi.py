"""Sums the ranks of all processes. Argument "fail" lets rank 2 exit with code 3, and "wait" lets all wait for a signal."""

import os
import signal
import sys

from mpi4py import MPI

world = MPI.COMM_WORLD
rank = world.Get_rank()
total = world.allreduce(rank)
shown = {
    "RANK": os.environ.get("RANK"),
    "volume": os.environ.get("MLBENCH_VOLUME_SCRATCH"),
    "token": "yes" if os.environ.get("MLBENCH_TOKEN") else "no",
}
rest = "".join(f", {name} {value}" for name, value in shown.items())
line = f"rank {rank} of {world.Get_size()} on {os.uname().nodename}, sum {total}{rest}"
# One write, so that mpirun does not put the line of another process before its end.
os.write(1, f"{line}\n".encode())
if "fail" in sys.argv and rank == 2:
    os._exit(3)
if "wait" in sys.argv:
    signal.pause()

"""Trains a softmax regression on handwritten digits with mpi4py and NumPy, one process per worker.

    mlbench runs start --name digits --workers 2 --backend mpi --command 'python3 examples/mpi_digits.py'

mlbench starts `mpirun` on the first worker, and mpirun this program on all of them.
"""

import argparse
import time

import numpy
from mpi4py import MPI

import digits
import report


def options():
    parser = argparse.ArgumentParser(description="train on handwritten digits with MPI")
    parser.add_argument("--goal", type=float, default=95.0, help="validation accuracy in percent (default: 95)")
    parser.add_argument("--epochs", type=int, default=200, help="give up after this many epochs (default: 200)")
    return parser.parse_args()


def gradient(weights, pictures, labels):
    """Returns the mean loss of these pictures and its gradient."""
    scores = pictures @ weights
    scores -= scores.max(1, keepdims=True)
    chances = numpy.exp(scores)
    chances /= chances.sum(1, keepdims=True)
    rows = numpy.arange(len(labels))
    loss = -numpy.log(chances[rows, labels]).mean()
    chances[rows, labels] -= 1
    return loss, pictures.T @ chances / len(labels)


def with_bias(pictures):
    return numpy.hstack([pictures, numpy.ones((len(pictures), 1), pictures.dtype)])


def main():
    args = options()
    world = MPI.COMM_WORLD
    (train_x, train_y), (val_x, val_y) = digits.load()
    train_x, val_x = with_bias(train_x), with_bias(val_x)
    # Every rank gets as many pictures as the others, so that all take part in every sum.
    share = len(train_x) // world.size
    mine = slice(world.rank * share, (world.rank + 1) * share)
    train_x, train_y = train_x[mine], train_y[mine]
    weights = numpy.zeros((train_x.shape[1], 10), numpy.float32)
    batch = max(64 // world.size, 1)

    reached, seconds = False, 0.0
    for epoch in range(args.epochs):
        begin, total = time.perf_counter(), 0.0
        starts = range(0, share - batch + 1, batch)
        for start in starts:
            rows = slice(start, start + batch)
            loss, local = gradient(weights, train_x[rows], train_y[rows])
            mean = numpy.empty_like(local)
            world.Allreduce(local, mean, op=MPI.SUM)
            weights -= 0.5 * mean / world.size
            total += loss
        took = time.perf_counter() - begin  # Without evaluation and reports.
        seconds += took
        # All ranks have the same weights, so they agree without a message on when to stop.
        percent = 100 * float(((val_x @ weights).argmax(1) == val_y).mean())
        reached = percent >= args.goal
        if world.rank == 0:
            # Comparisons add up the time of the epochs until the accuracy reaches a goal.
            metrics = {"train_loss": total / len(starts), "CumulativeTrainTimeEpoch": took, "val_global_Prec@1": percent}
            report.post(epoch, metrics)
            print(f"epoch {epoch}: accuracy {percent:.2f} %", flush=True)
        if reached:
            break
    if world.rank == 0 and reached:
        print(f"reached {args.goal:g} % on {world.size} ranks after {seconds:.2f} s of training")
    if not reached:
        raise SystemExit(f"the accuracy stayed below {args.goal:g} % for {args.epochs} epochs")


if __name__ == "__main__":
    main()

"""Trains a small network on handwritten digits with PyTorch's DistributedDataParallel, one process per worker.

    mlbench runs start --name digits --workers 2 --command 'python3 examples/pytorch_digits.py'

mlbench sets RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, which `env://` reads. So does torchrun, which takes its own
place from the PET_* variables that mlbench sets: `--command 'torchrun --nproc_per_node 2 examples/pytorch_digits.py'`.
"""

import argparse
import time

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

import digits
import report


def options():
    parser = argparse.ArgumentParser(description="train on handwritten digits with PyTorch")
    parser.add_argument("--goal", type=float, default=95.0, help="validation accuracy in percent (default: 95)")
    parser.add_argument("--epochs", type=int, default=40, help="give up after this many epochs (default: 40)")
    parser.add_argument("--loaders", type=int, default=0, help="DataLoader processes of each rank (default: 0)")
    return parser.parse_args()


def accuracy(model, pictures, labels):
    """Returns the percentage of pictures that the model reads correctly."""
    with torch.no_grad():
        return 100 * (model(pictures).argmax(1) == labels).sum().item() / len(labels)


def main():
    args = options()
    distributed.init_process_group("gloo", init_method="env://")
    rank, world = distributed.get_rank(), distributed.get_world_size()
    torch.manual_seed(1)
    torch.set_num_threads(1)  # The ranks of one machine share its cores.

    (train_x, train_y), (val_x, val_y) = [list(map(torch.from_numpy, part)) for part in digits.load()]
    data = TensorDataset(train_x, train_y)
    sampler = DistributedSampler(data, seed=1)
    loader = DataLoader(
        data, batch_size=64 // world, sampler=sampler, num_workers=args.loaders, persistent_workers=args.loaders > 0
    )
    model = DistributedDataParallel(nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loss_of = nn.CrossEntropyLoss()

    reached, seconds = False, 0.0
    for epoch in range(args.epochs):
        sampler.set_epoch(epoch)
        begin, total = time.perf_counter(), 0.0
        for pictures, labels in loader:
            optimizer.zero_grad()
            loss = loss_of(model(pictures), labels)
            loss.backward()  # DistributedDataParallel averages the gradients of all ranks here.
            optimizer.step()
            total += loss.item()
        took = time.perf_counter() - begin  # Without evaluation and reports.
        seconds += took
        # All ranks have the same weights, so they agree without a message on when to stop.
        percent = accuracy(model.module, val_x, val_y)
        reached = percent >= args.goal
        if rank == 0:
            # Comparisons add up the time of the epochs until the accuracy reaches a goal.
            metrics = {"train_loss": total / len(loader), "CumulativeTrainTimeEpoch": took, "val_global_Prec@1": percent}
            report.post(epoch, metrics)
            print(f"epoch {epoch}: accuracy {percent:.2f} %", flush=True)
        if reached:
            break
    if rank == 0 and reached:
        print(f"reached {args.goal:g} % on {world} ranks after {seconds:.2f} s of training")
    distributed.destroy_process_group()
    if not reached:
        raise SystemExit(f"the accuracy stayed below {args.goal:g} % for {args.epochs} epochs")


if __name__ == "__main__":
    main()

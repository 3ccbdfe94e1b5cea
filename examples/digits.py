"""Handwritten digits of 8×8 pixels, shuffled once: pictures for training and others for validation."""

import gzip
import os

import numpy

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "digits.csv.gz")


def load():
    """Returns (pictures, digits) for training, and the same for validation."""
    with gzip.open(FILE, "rt") as file:
        table = numpy.loadtxt(file, delimiter=",", dtype=numpy.float32)
    # The seed is the same in every rank, so that all of them split the pictures alike.
    numpy.random.default_rng(1).shuffle(table)
    pictures, digits = table[:, :64] / 16, table[:, 64].astype(numpy.int64)
    split = len(table) * 4 // 5
    return (pictures[:split], digits[:split]), (pictures[split:], digits[split:])

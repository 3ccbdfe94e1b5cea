"""Writes event files with the packages of TensorBoard: write_events.py DIR."""

import os
import sys

import numpy
from tensorboard.compat.proto import event_pb2
from tensorboard.plugins.histogram import summary_v2 as histogram
from tensorboard.plugins.scalar import metadata
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util import tensor_util
from tensorboardX import SummaryWriter

START = 1533288089.5


def torch(directory):
    """The calls of torch.utils.tensorboard, whose twin tensorboardX is."""
    with SummaryWriter(directory) as writer:
        for step in range(20):
            writer.add_scalar("loss", 1 / (step + 1), step, walltime=START + step)
            writer.add_scalar("accuracy/top 1", step / 20, step, walltime=START + step)
        writer.add_scalar("nan", float("nan"), 0)
        writer.add_histogram("weights", numpy.arange(10.0), 5)
        writer.add_text("note", "hello", 0)
        writer.add_image("image", numpy.zeros((3, 4, 4), dtype=numpy.uint8), 0)
        writer.add_hparams({"lr": 0.1, "opt": "adam", "deep": True}, {"accuracy": 0.875}, name="tuned")


def tensors(directory):
    """Scalars as tensors of every type, as TensorFlow 2 writes them."""
    writer = EventFileWriter(directory)
    for name in ["float16", "float32", "float64", "int32", "int64", "uint8"]:
        for step in range(3):
            number = numpy.array(step + 0.5 if name.startswith("float") else step, dtype=name)
            event = event_pb2.Event(step=step, wall_time=START + step)
            value = event.summary.value.add(tag=name, tensor=tensor_util.make_tensor_proto(number))
            if step == 0:
                value.metadata.CopyFrom(metadata.create_summary_metadata("", ""))
            writer.add_event(event)
    event = event_pb2.Event(step=0, wall_time=START)
    event.summary.CopyFrom(histogram.histogram_pb("weights", numpy.arange(10.0), buckets=3))
    writer.add_event(event)
    writer.close()


torch(os.path.join(sys.argv[1], "torch"))
tensors(os.path.join(sys.argv[1], "tensorboard"))

"""Draws faces with TF Serving over gRPC; needs `pip install tensorflow-serving-api`.

python docs/serving/grpc_client.py "blue hair, smile" 7 "red hair" 9007199254740993
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

SERVER = os.environ.get("SERVER", "localhost:8500")
MODEL = os.environ.get("MODEL", "sutemo-64")


def draw(attributes: list[str], seeds: list[int]) -> tuple[list[bytes], list[str]]:
    """Returns a PNG file and an error for each face; an error is empty if the face was drawn."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = MODEL
    request.model_spec.version_label = "stable"
    request.model_spec.signature_name = "checked_png"
    request.inputs["attributes"].CopyFrom(tf.make_tensor_proto(attributes, tf.string))
    request.inputs["seed"].CopyFrom(tf.make_tensor_proto(seeds, tf.int64))
    if len(seeds) > 1:
        # A request for one face may leave out the truncation.
        request.inputs["truncation"].CopyFrom(tf.make_tensor_proto([1.0] * len(seeds), tf.float32))
    # The default limit of an answer is 4 MB.
    with grpc.insecure_channel(SERVER, [("grpc.max_receive_message_length", -1)]) as channel:
        outputs = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, 60).outputs
    errors = [error.decode() for error in outputs["error"].string_val]
    return list(outputs["png_bytes"].string_val), errors


def main() -> int:
    """Draws one face for each pair of arguments; returns the exit status."""
    attributes, seeds = sys.argv[1::2], [int(seed) for seed in sys.argv[2::2]]
    try:
        files, errors = draw(attributes, seeds)
    except grpc.RpcError as error:
        print(error.details(), file=sys.stderr)
        return 1
    for seed, file, error in zip(seeds, files, errors, strict=True):
        if error:
            print(f"seed {seed}: {error}", file=sys.stderr)
        else:
            Path(f"{seed}.png").write_bytes(file)
            print(f"{seed}.png")
    return 1 if any(errors) else 0


if __name__ == "__main__":
    sys.exit(main())

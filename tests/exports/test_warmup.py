"""The warm-up requests of an export, read with TF Serving's own messages."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.benchmark.synthetic import untrained_export
from anime_gan.exports import warmup
from anime_gan.exports.pack import pack

prediction_log_pb2 = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")

SIGNATURES = ("serving_default", "png", "latents", "checked", "checked_png", "checked_latents")


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return untrained_export(tmp_path_factory.mktemp("export"), "compact")


def requests(export):
    file = export / "assets.extra" / "tf_serving_warmup_requests"
    return [
        prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        for record in tf.data.TFRecordDataset(str(file))
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_each_signature_has_requests_that_succeed(export, tmp_path, packed):
    if packed:
        pack(export, tmp_path / "packed")
        export = tmp_path / "packed"
    signatures = tf.saved_model.load(str(export)).signatures
    found = requests(export)
    assert [request.model_spec.signature_name for request in found] == list(SIGNATURES)
    for request in found:
        inputs = {key: tf.constant(tf.make_ndarray(value)) for key, value in request.inputs.items()}
        answer = signatures[request.model_spec.signature_name](**inputs)
        assert {len(values) for values in answer.values()} == {1}
        assert not any(answer.get("error", tf.constant([])).numpy())


def test_a_request_has_the_bytes_that_tf_serving_writes():
    inputs = {"seed": tf.constant([2**53 + 1], tf.int64), "attributes": tf.constant(["微笑"])}
    read = prediction_log_pb2.PredictionLog.FromString(warmup.prediction_log("png", inputs))
    expected = prediction_log_pb2.PredictionLog()
    request = expected.predict_log.request
    request.model_spec.signature_name = "png"
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value.numpy()))
    assert read == expected
    np.testing.assert_array_equal(
        tf.make_ndarray(read.predict_log.request.inputs["seed"]), [9007199254740993]
    )

"""A stand-in for TF Serving: the same JSON over REST and the same messages over gRPC, for a SavedModel.

Its messages are defined here, independently of those that the clients use. It follows the
sources of TF Serving (`json_tensor.cc`, `predict_util.cc`) where clients can notice a difference.
"""

from __future__ import annotations

import base64
import http.server
import json
import re
import threading
from collections.abc import Mapping
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2
from tensorflow.core.protobuf import saved_model_pb2

TYPES = descriptor_pb2.FieldDescriptorProto
LABELS = {"stable": 1, "canary": 1}


class Refused(Exception):
    """A request that TF Serving answers with INVALID_ARGUMENT (400) or NOT_FOUND (404)."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Servable:
    """One model, as TF Serving runs it."""

    def __init__(self, export: Path) -> None:
        self.model = tf.saved_model.load(str(export))
        graphs = saved_model_pb2.SavedModel.FromString((export / "saved_model.pb").read_bytes()).meta_graphs
        self.signatures = graphs[0].signature_def

    def run(
        self, name: str, inputs: Mapping[str, np.ndarray], defaults: bool = False
    ) -> dict[str, np.ndarray]:
        """Runs a signature; `defaults` says whether inputs may be left out."""
        signature = self.signature(name)
        complete = {key: tf.make_ndarray(value) for key, value in signature.defaults.items()}
        given = (complete if defaults else {}) | dict(inputs)
        if set(given) != set(signature.inputs):
            raise Refused(f"input size does not match signature: {sorted(given)}")
        tensors = {
            key: tf.constant(value, tf.as_dtype(signature.inputs[key].dtype)) for key, value in given.items()
        }
        try:
            answer = self.model.signatures[name](**tensors)
        except (tf.errors.InvalidArgumentError, ValueError) as error:
            raise Refused(str(getattr(error, "message", error))) from error
        return {key: value.numpy() for key, value in answer.items()}

    def signature(self, name: str) -> Any:
        if name not in self.signatures:
            raise Refused(f'Serving signature name: "{name}" not found in signature def')
        return self.signatures[name]


def from_json(values: Any, dtype: int) -> np.ndarray:
    """Reads a tensor as `json_tensor.cc` does."""

    def leaf(value: Any) -> Any:
        if dtype == types_pb2.DT_STRING:
            if isinstance(value, dict) and list(value) == ["b64"]:
                return base64.b64decode(value["b64"])
            right = isinstance(value, str)
        elif dtype == types_pb2.DT_INT64:
            right = type(value) is int and -(2**63) <= value < 2**63
        else:
            # A whole number must fit into the 24 bits of a float.
            right = type(value) is float or (type(value) is int and abs(value) < 2**24)
        if not right:
            kind = types_pb2.DataType.Name(dtype)[3:].lower()
            raise Refused(f"JSON Value: {json.dumps(value)} is not of expected type: {kind}")
        return value.encode() if isinstance(value, str) else value

    def walk(value: Any) -> Any:
        return [walk(item) for item in value] if isinstance(value, list) else leaf(value)

    return np.array(walk(values), None if dtype != types_pb2.DT_STRING else object)


def to_json(key: str, values: np.ndarray) -> Any:
    """Writes an output; names that end in `_bytes` are encoded in base64."""

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(item) for item in value]
        if isinstance(value, bytes):
            if key.endswith("_bytes"):
                return {"b64": base64.b64encode(value).decode()}
            return value.decode()
        return value

    return walk(values.tolist())


def predict_json(servable: Servable, body: bytes) -> dict[str, Any]:
    request = json.loads(body)
    name = request.get("signature_name", "serving_default")
    signature = servable.signature(name)
    if ("instances" in request) == ("inputs" in request):
        raise Refused("Missing 'inputs' or 'instances' key")
    rows = request.get("instances")
    columns = request.get("inputs")
    if rows is not None:
        columns = {key: [row[key] for row in rows] for key in rows[0]}
    elif not isinstance(columns, dict):
        raise Refused("the inputs must be an object, because the signature has several")
    given = {}
    for key, values in columns.items():
        if key not in signature.inputs:
            raise Refused(f"JSON object: does not have named input: {key}")
        given[key] = from_json(values, signature.inputs[key].dtype)
    outputs = {key: to_json(key, value) for key, value in servable.run(name, given).items()}
    if rows is None:
        # An object only if there are several outputs.
        return {"outputs": outputs if len(outputs) > 1 else next(iter(outputs.values()))}
    merged = [dict(zip(outputs, row, strict=True)) for row in zip(*outputs.values(), strict=True)]
    return {"predictions": merged if len(outputs) > 1 else next(iter(outputs.values()))}


def messages() -> dict[str, Any]:
    """PredictRequest and PredictResponse in a pool of their own."""
    pool = descriptor_pool.DescriptorPool()
    for known in (types_pb2, tensor_shape_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    for dependency in tensor_pb2.DESCRIPTOR.dependencies:
        if dependency.name.endswith("resource_handle.proto"):
            pool.AddSerializedFile(dependency.serialized_pb)
    pool.AddSerializedFile(tensor_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(
        name="stand_in.proto",
        package="stand_in",
        syntax="proto3",
        dependency=["tensorflow/core/framework/tensor.proto"],
    )
    fields = {
        "ModelSpec": [("name", 1, ""), ("signature_name", 3, ""), ("version_label", 4, "")],
        "PredictRequest": [("model_spec", 1, ".stand_in.ModelSpec"), ("inputs", 2, "map")],
        "PredictResponse": [("outputs", 1, "map"), ("model_spec", 2, ".stand_in.ModelSpec")],
    }
    for name, members in fields.items():
        message = file.message_type.add(name=name)
        for field, number, kind in members:
            added = message.field.add(name=field, number=number, label=TYPES.LABEL_OPTIONAL)
            added.type = TYPES.TYPE_MESSAGE if kind else TYPES.TYPE_STRING
            if kind:
                added.type_name = kind
            if kind == "map":
                entry = message.nested_type.add(name=f"{field.capitalize()}Entry")
                entry.options.map_entry = True
                entry.field.add(name="key", number=1, type=TYPES.TYPE_STRING, label=TYPES.LABEL_OPTIONAL)
                entry.field.add(
                    name="value",
                    number=2,
                    type=TYPES.TYPE_MESSAGE,
                    type_name=".tensorflow.TensorProto",
                    label=TYPES.LABEL_OPTIONAL,
                )
                added.label = TYPES.LABEL_REPEATED
                added.type_name = f".stand_in.{name}.{entry.name}"
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"stand_in.{name}"))
        for name in fields
    }


class StandIn:
    """Both servers on free ports of this machine; a context manager.

    Attributes:
        rest: Address of the REST server.
        grpc: Address of the gRPC server.
        seeds: All seeds that arrived.
    """

    def __init__(self, models: Mapping[str, Path]) -> None:
        self.servables = {name: Servable(export) for name, export in models.items()}
        self.seeds: list[int] = []
        self._messages = messages()

    def __enter__(self) -> StandIn:
        self._grpc = grpc.server(futures.ThreadPoolExecutor(2))
        handler = grpc.unary_unary_rpc_method_handler(
            self._predict,
            self._messages["PredictRequest"].FromString,
            lambda answer: answer.SerializeToString(),
        )
        service = grpc.method_handlers_generic_handler(
            "tensorflow.serving.PredictionService", {"Predict": handler}
        )
        self._grpc.add_generic_rpc_handlers((service,))
        self.grpc = f"127.0.0.1:{self._grpc.add_insecure_port('127.0.0.1:0')}"
        self._grpc.start()
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.rest = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._grpc.stop(None).wait()

    def servable(self, name: str, label: str) -> Servable:
        if name not in self.servables or (label and label not in LABELS):
            raise Refused(f"Servable not found for request: Specific({name}, {label})", 404)
        return self.servables[name]

    def _predict(self, request: Any, context: grpc.ServicerContext) -> Any:
        spec = request.model_spec
        given = {
            key: tf.make_ndarray(tensor_pb2.TensorProto.FromString(value.SerializeToString()))
            for key, value in request.inputs.items()
        }
        self.seeds += [int(seed) for seed in given.get("seed", ())]
        try:
            servable = self.servable(spec.name, spec.version_label)
            outputs = servable.run(spec.signature_name or "serving_default", given, defaults=True)
        except Refused as error:
            code = grpc.StatusCode.NOT_FOUND if error.status == 404 else grpc.StatusCode.INVALID_ARGUMENT
            context.abort(code, str(error))
        response = self._messages["PredictResponse"](model_spec=spec)
        for key, value in outputs.items():
            # Like TF Serving, which fills the repeated fields, not `tensor_content`, for strings.
            response.outputs[key].ParseFromString(tf.make_tensor_proto(value).SerializeToString())
        return response

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                path = re.fullmatch(r"/v1/models/([\w-]+)(?:/labels/(\w+)|/versions/1)?:predict", self.path)
                try:
                    if path is None:
                        raise Refused(f"Malformed request: POST {self.path}")
                    answer = predict_json(server.servable(path[1], path[2] or ""), body)
                    server.seeds += json.loads(body).get("inputs", {}).get("seed", [])
                    self._answer(200, answer)
                except Refused as error:
                    self._answer(error.status, {"error": str(error)})

            def do_GET(self) -> None:
                path = re.fullmatch(r"/v1/models/([\w-]+)(?:/labels/(\w+))?", self.path)
                try:
                    if path is None:
                        raise Refused(f"Malformed request: GET {self.path}")
                    server.servable(path[1], path[2] or "")
                    state = {"version": "1", "state": "AVAILABLE"}
                    self._answer(200, {"model_version_status": [state]})
                except Refused as error:
                    self._answer(error.status, {"error": str(error)})

            def _answer(self, status: int, value: dict[str, Any]) -> None:
                data = json.dumps(value, indent=4).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: object) -> None:
                """Prints nothing."""

        return Handler

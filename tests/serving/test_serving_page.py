"""docs/serving.md and the files in docs/serving: what they show runs, and the settings are right."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from anime_gan.exports.read import PRETRAINED

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "docs" / "serving"
PAGE = (REPOSITORY / "docs" / "serving.md").read_text("utf-8")
TYPES = descriptor_pb2.FieldDescriptorProto


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def command_of(start: str) -> str:
    """The command of the page that starts like this."""
    lines = "\n".join(blocks("sh"))
    (found,) = re.findall(rf"^{re.escape(start)}(?:'[^']*'|[^'\n])*", lines, re.MULTILINE)
    return found


@pytest.fixture(scope="module")
def clone(served_export, tmp_path_factory) -> Path:
    """A folder that looks like a clone, in which the bundled model is the tests' small one."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "anime_gan/pretrained").mkdir(parents=True)
    (folder / "anime_gan/pretrained/sutemo-64").symlink_to(served_export.parent)
    (folder / "docs").symlink_to(REPOSITORY / "docs")
    return folder


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_python_examples_run_as_they_are(number, clone, monkeypatch, capsys):
    monkeypatch.chdir(clone)
    # In a clone, the module is the tests' own, which is imported already.
    names: dict[str, object] = {}
    exec(compile(blocks("python")[number], "docs/serving.md", "exec"), names)
    if "faces" in names:
        assert names["faces"].shape == (1, 64, 64, 3)
    if "answer" in names:
        assert capsys.readouterr().out == blocks("text")[0]


def test_the_curl_example(clone, server):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    shown = command_of("curl ").replace("localhost:8501", server.rest)
    done = subprocess.run(
        ["bash", "-c", shown], cwd=clone, capture_output=True, env={**os.environ, "no_proxy": "*"}, timeout=60
    )
    outputs = json.loads(done.stdout)["outputs"]
    assert tf.io.decode_png(base64.b64decode(outputs["png_bytes"][0]["b64"])).shape == (64, 64, 3)
    assert [error[:27] for error in outputs["error"]] == ["", "unknown attribute 'blu hair"]


@pytest.mark.parametrize("client", ["rest_client.py", "grpc_client.py", "rest_client.js", "grpc_client.js"])
def test_client_examples(client, server, tmp_path):
    program = "python" if client.endswith(".py") else "node"
    shown = command_of(f"{program} docs/serving/{client}")
    if program == "node" and shutil.which("node") is None:
        pytest.skip("Node.js is not installed")
    if client == "grpc_client.py":
        pytest.importorskip("tensorflow_serving.apis")
    if client == "grpc_client.js" and not (FOLDER / "node_modules/@grpc/grpc-js").is_dir():
        pytest.skip("needs `npm install` in docs/serving")
    # The path stays, so that Node.js finds the packages.
    shown = shown.replace("docs/serving/", f"{FOLDER}/").replace("python ", f"{sys.executable} ")
    address = server.grpc if client.startswith("grpc") else server.rest
    subprocess.run(
        ["bash", "-c", shown],
        cwd=tmp_path,
        check=True,
        env={**os.environ, "SERVER": address, "no_proxy": "*"},
        timeout=120,
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["7.png", "9007199254740993.png"]


def test_every_file_of_the_folder_is_shown():
    shown = {name.removeprefix("serving/") for name in re.findall(r"\]\((serving/[^)]+)\)", PAGE)}
    there = {path.name for path in FOLDER.iterdir()} - {"node_modules", "package.json", "package-lock.json"}
    assert shown == there


def test_the_table_shows_all_signatures(server):
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    signatures = server.servables["sutemo-64"].signatures
    assert {name for name, *_ in rows} == {name for name in signatures if not name.startswith("__")}
    for name, _, outputs in rows:
        assert set(re.findall(r"`(\w+)`", outputs)) == set(signatures[name].outputs)


def test_models_and_labels():
    config_pb2 = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    text = (FOLDER / "models.config").read_text("utf-8")
    models = text_format.Parse(text, config_pb2.ModelServerConfig()).model_config_list.config
    assert [model.name for model in models] == ["sutemo-64", "sutemo-128"]
    for model in models:
        versions = list(model.model_version_policy.specific.versions)
        assert set(model.version_labels) == {"stable", "canary"}
        assert set(model.version_labels.values()) <= set(versions)
        # The compose file mounts the folder of the bundled models there.
        folder = PRETRAINED / Path(model.base_path).relative_to("/models")
        assert all((folder / str(version) / "saved_model.pb").is_file() for version in versions)


def test_batching_settings():
    """The names are those of `BatchingParameters`; TF Serving has further requirements for the sizes."""
    settings = text_format.Parse((FOLDER / "batching.config").read_text("utf-8"), batching_parameters())
    sizes = list(settings.allowed_batch_sizes)
    assert sizes == sorted(set(sizes)) and sizes[-1] == settings.max_batch_size.value == 64
    assert all(larger <= 2 * smaller for smaller, larger in zip(sizes, sizes[1:], strict=False))
    assert settings.num_batch_threads.value >= 1 and settings.batch_timeout_micros.value > 0


def batching_parameters():
    """An empty message as in TF Serving's `session_bundle_config.proto`, which its package leaves out."""
    file = descriptor_pb2.FileDescriptorProto(name="batching.proto", package="batching", syntax="proto3")
    value = file.message_type.add(name="Int64Value")
    value.field.add(name="value", number=1, type=TYPES.TYPE_INT64, label=TYPES.LABEL_OPTIONAL)
    message = file.message_type.add(name="BatchingParameters")
    names = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads")
    for number, name in enumerate(names, start=1):
        message.field.add(
            name=name,
            number=number,
            type=TYPES.TYPE_MESSAGE,
            type_name=".batching.Int64Value",
            label=TYPES.LABEL_OPTIONAL,
        )
    message.field.add(name="allowed_batch_sizes", number=6, type=TYPES.TYPE_INT64, label=TYPES.LABEL_REPEATED)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("batching.BatchingParameters"))()


def test_monitoring_is_enabled():
    text = (FOLDER / "monitoring.config").read_text("utf-8")
    assert re.search(r"^prometheus_config \{\s+enable: true\s+path: \"(/[\w/]+)\"\s+\}", text, re.MULTILINE)


def test_compose_and_kubernetes_start_the_server_with_these_files(server):
    yaml = pytest.importorskip("yaml")
    compose = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))["services"]
    assert set(compose) == {"serving", "tensorboard"}
    for volume in compose["serving"]["volumes"]:
        assert (FOLDER / volume.split(":")[0]).is_dir()
    deployment, service = yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text("utf-8"))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    polling = "--model_config_file_poll_wait_seconds=60"
    assert container["command"] == [word for word in compose["serving"]["entrypoint"] if word != polling]
    assert container["image"] == compose["serving"]["image"]
    for word in container["command"]:
        if "=/config/" in word:
            assert (FOLDER / word.split("=/config/")[1]).is_file()
    assert {port["targetPort"] for port in service["spec"]["ports"]} == {
        port["name"] for port in container["ports"]
    }
    label = container["readinessProbe"]["httpGet"]["path"].rsplit("/", 1)[1]
    assert server.servable("sutemo-64", label)
    annotations = deployment["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/path"] in (FOLDER / "monitoring.config").read_text("utf-8")


def test_the_messages_of_the_proto_file_have_tf_servings_numbers():
    predict_pb2 = pytest.importorskip("tensorflow_serving.apis.predict_pb2")
    text = (FOLDER / "predict.proto").read_text("utf-8")
    request = predict_pb2.DESCRIPTOR.message_types_by_name["PredictRequest"]
    response = predict_pb2.DESCRIPTOR.message_types_by_name["PredictResponse"]
    tensor = request.fields_by_name["inputs"].message_type.fields_by_name["value"].message_type
    spec = request.fields_by_name["model_spec"].message_type
    for message in (request, response, tensor, spec):
        (body,) = re.findall(rf"^message {message.name} \{{\n(.*?)^\}}", text, re.MULTILINE | re.DOTALL)
        fields = re.findall(r"(\w+) = (\d+);", body)
        assert fields
        for name, number in fields:
            assert message.fields_by_name[name].number == int(number), name
    for name, number in re.findall(r"^  (DT_\w+) = (\d+);", text, re.MULTILINE):
        assert tensor.fields_by_name["dtype"].enum_type.values_by_name[name].number == int(number)

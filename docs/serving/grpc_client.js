// Draws faces with TF Serving over gRPC; run `npm install` in this folder first.
// node docs/serving/grpc_client.js "blue hair, smile" 7 "red hair" 9007199254740993
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const server = process.env.SERVER ?? "localhost:8500";
const model = process.env.MODEL ?? "sutemo-64";
const proto = fileURLToPath(new URL("predict.proto", import.meta.url));
// Seeds are sent as text: a number loses digits above 2^53.
const messages = protoLoader.loadSync(proto, { keepCase: true, longs: String, enums: String });
const { PredictionService } = grpc.loadPackageDefinition(messages).tensorflow.serving;

// Returns a PNG file and an error for each face.
export async function draw(attributes, seeds) {
  const tensor_shape = { dim: [{ size: seeds.length }] };
  const request = {
    model_spec: { name: model, version_label: "stable", signature_name: "checked_png" },
    inputs: {
      attributes: { dtype: "DT_STRING", tensor_shape, string_val: attributes.map((text) => Buffer.from(text)) },
      seed: { dtype: "DT_INT64", tensor_shape, int64_val: seeds },
    },
  };
  if (seeds.length > 1) {
    // A request for one face may leave out the truncation.
    request.inputs.truncation = { dtype: "DT_FLOAT", tensor_shape, float_val: seeds.map(() => 1) };
  }
  // The default limit of an answer is 4 MB.
  const options = { "grpc.max_receive_message_length": -1 };
  const client = new PredictionService(server, grpc.credentials.createInsecure(), options);
  try {
    const { outputs } = await new Promise((resolve, reject) =>
      client.Predict(request, (error, answer) => (error ? reject(new Error(error.details)) : resolve(answer))),
    );
    const errors = outputs.error.string_val.map(String);
    return outputs.png_bytes.string_val.map((file, row) => ({ file, error: errors[row] }));
  } finally {
    client.close();
  }
}

const words = process.argv.slice(2);
const seeds = words.filter((_, place) => place % 2 === 1);
try {
  const faces = await draw(words.filter((_, place) => place % 2 === 0), seeds);
  for (const [row, { file, error }] of faces.entries()) {
    if (error) {
      console.error(`seed ${seeds[row]}: ${error}`);
      process.exitCode = 1;
    } else {
      writeFileSync(`${seeds[row]}.png`, file);
      console.log(`${seeds[row]}.png`);
    }
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

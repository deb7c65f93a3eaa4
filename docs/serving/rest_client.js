// Draws faces with TF Serving over REST; needs only Node.js 18 or later.
// node docs/serving/rest_client.js "blue hair, smile" 7 "red hair" 9007199254740993
import { writeFileSync } from "node:fs";

const server = process.env.SERVER ?? "http://localhost:8501";
const model = process.env.MODEL ?? "sutemo-64";

// Returns a PNG file and an error for each face. Seeds are BigInt: a number loses digits above 2^53.
export async function draw(attributes, seeds) {
  // JSON.stringify does not accept BigInt, so the list of seeds is written as text.
  const body = `{
    "signature_name": "checked_png",
    "inputs": {
      "attributes": ${JSON.stringify(attributes)},
      "seed": [${seeds.join(",")}],
      "truncation": ${JSON.stringify(seeds.map(() => 1))}
    }
  }`;
  const url = `${server}/v1/models/${model}/labels/stable:predict`;
  const response = await fetch(url, { method: "POST", body });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  const { png_bytes: files, error: errors } = answer.outputs;
  return files.map((file, row) => ({ file: Buffer.from(file.b64, "base64"), error: errors[row] }));
}

const words = process.argv.slice(2);
const seeds = words.filter((_, place) => place % 2 === 1).map(BigInt);
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

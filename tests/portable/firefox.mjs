// The page without a server in Firefox: node firefox.mjs FOLDER_OF_PUPPETEER FIREFOX ADDRESS FOLDER
// Saves page.png and opened.png in FOLDER, which contains made.png, says "visited", and draws once more when
// standard input ends.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";

const [folder, executablePath, address, out] = process.argv.slice(2);
const { default: puppeteer } = createRequire(`${folder}/package.json`)("puppeteer-core");
// Port 1 answers nothing, so that only this machine can be reached.
const nowhere = { "network.proxy.type": 1, "network.proxy.http": "127.0.0.1", "network.proxy.http_port": 1 };
const extraPrefsFirefox = { ...nowhere, "network.proxy.ssl": "127.0.0.1", "network.proxy.ssl_port": 1 };
const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true, extraPrefsFirefox });
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(120_000);
  await page.setViewport({ width: 390, height: 844 });
  const errors = [];
  const requests = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("request", (request) => requests.push(request.url()));
  const save = async (name) => {
    const link = await page.waitForSelector("#face a[href^='blob:']");
    const bytes = await link.evaluate(async ({ href }) => [...new Uint8Array(await (await fetch(href)).arrayBuffer())]);
    await writeFile(`${out}/${name}`, Uint8Array.from(bytes));
  };
  const draw = async (words, seed) => {
    await page.$eval("#panel-faces", (panel) => panel.replaceChildren());
    await page.$eval("#more", (details) => (details.open = true));
    const fields = { "#words": words, "#number": "2", "#seed": seed };
    for (const [selector, value] of Object.entries(fields)) {
      await page.$eval(selector, (field, text) => (field.value = text), value);
    }
    await page.click("#request [type=submit]");
    await page.waitForFunction(() => document.querySelectorAll("#panel-faces .heading ~ * .face img").length === 2);
  };

  await page.goto(address);
  await page.waitForFunction(() => document.querySelectorAll("#panel-faces .face img").length === 16);
  assert.match(await page.$eval(".credits", (element) => element.textContent), /Sutemo/);
  await draw("blue hair smile", "9007199254740993");
  await page.click("#panel-faces .face");
  await save("page.png");
  await page.keyboard.press("Escape");

  await (await page.$("#file")).uploadFile(`${out}/made.png`);
  await page.waitForFunction(() => document.querySelector("#face .facts")?.textContent.includes("red eyes"));
  await save("opened.png");
  await page.keyboard.press("Escape");

  await page.select("#language", "ja");
  await page.waitForFunction(() => document.querySelector("#request-title").textContent.includes("どんな"));
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => null));
  console.log("visited");
  for await (const part of process.stdin) assert.equal(part.length, 0);
  await page.goto("about:blank");
  await page.goto(address);
  await page.waitForFunction(() => document.querySelectorAll("#panel-faces .face img").length === 16);
  await draw("red hair", "1");
  assert.deepEqual(errors, []);
  const here = (url) => [address, "blob:", "data:", "about:"].some((start) => url.startsWith(start));
  assert.deepEqual(requests.filter((url) => !here(url)), []);
} finally {
  await browser.close();
}

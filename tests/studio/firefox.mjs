// Clicks through the studio in Firefox: node firefox.mjs FOLDER_OF_PUPPETEER FIREFOX ADDRESS

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const [folder, executablePath, address] = process.argv.slice(2);
const { default: puppeteer } = createRequire(`${folder}/package.json`)("puppeteer-core");
const browser = await puppeteer.launch({ browser: "firefox", executablePath, headless: true });
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(60_000);
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  const text = (selector) => page.$eval(selector, (element) => element.textContent);
  const until = (selector, words) => {
    const has = ([wanted, part]) => document.querySelector(wanted)?.textContent.includes(part);
    return page.waitForFunction(has, {}, [selector, words]);
  };

  await page.goto(address);
  await page.waitForSelector("#panel-faces .face img");
  assert.equal((await page.$$("#panel-faces button.face")).length, 16);
  await page.type("#words", "long hair smile frog");
  await page.keyboard.press("Enter");
  await until("#panel-faces h2", "long hair");
  assert.match(await text("#alert"), /frog/);

  await page.click("#panel-faces button.face");
  await page.waitForSelector("[data-chip='hair_color=pink'] img[src]");
  await page.click("[data-chip='hair_color=pink']");
  await until("dialog .facts", "pink hair");
  assert.match(page.url(), /face\.set=pink\+hair/);
  await page.click("#neighbors");
  await page.waitForSelector(".results button.face");
  await page.click("#keep");
  await until("#kept-count", "1");

  await page.reload();
  await until("dialog .facts", "pink hair");
  await page.goBack();
  await page.waitForFunction(() => !document.querySelector("dialog .facts").textContent.includes("pink hair"));
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog").open);
  assert.deepEqual(errors, []);
} finally {
  await browser.close();
}

// Opens the page in headless Chromium, asks by a click, and wants an answer and no console error.
//
//   node check.js FOLDER [PICTURE.png]

import { page as build } from "./build.js";
import { launch } from "./chromium.js";
import { serve } from "./serve.js";

if (process.argv.length < 3) {
  console.error("usage: node check.js FOLDER [PICTURE.png]");
  process.exit(2);
}
await build(process.argv[2]);
const server = await serve(0);
const browser = await launch();
const errors = [];
try {
  const page = await browser.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("requestfailed", (request) => errors.push(`${request.url()}: ${request.failure()?.errorText}`));
  const own = `http://127.0.0.1:${server.address().port}/`;
  page.on("request", (request) => {
    const local = request.url().startsWith(own) || /^(data|blob):/.test(request.url());
    if (!local) errors.push(`asks another host: ${request.url()}`);
  });
  await page.goto(own);
  await page.waitForSelector("#status[data-state]", { timeout: 120_000 });
  const status = await page.$eval("#status", (e) => ({ text: e.textContent, state: e.dataset.state }));
  console.log(status.text);
  if (status.state === "good") {
    await page.click("button");
    const answered = () => document.getElementById("latency").textContent !== "";
    await page.waitForFunction(answered, { timeout: 60_000 });
    const [answer, latency] = await page.$$eval("#answer, #latency", (all) => all.map((e) => e.textContent));
    console.log(`clicked: ${answer} (${latency})`);
    if (!answer) errors.push("no answer");
  } else {
    errors.push("the page found no good student");
  }
  if (process.argv[3]) await page.screenshot({ path: process.argv[3] });
} finally {
  await browser.close();
  server.close();
}
errors.forEach((error) => console.error(error));
process.exitCode = errors.length === 0 ? 0 : 1;

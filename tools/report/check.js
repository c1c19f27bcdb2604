// Opens pages that `filtrate report` and `filtrate compare` write in headless Chromium, light and dark, wide and narrow: wants
// every chart drawn, no console error, nothing asked of any host, and presses every button.
//
//   node check.js [--pictures FOLDER] PAGE...

import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "../handoff/browser/chromium.js";

const files = process.argv.slice(2);
const pictures = files[0] === "--pictures" ? files.splice(0, 2)[1] : null;
if (files.length === 0) {
  console.error("usage: node check.js [--pictures FOLDER] PAGE...");
  process.exit(2);
}

/** What of the page is not as it should be, in words. */
function wrong() {
  const found = [];
  const charts = [...document.querySelectorAll(".chart")];
  if (charts.length === 0) found.push("no chart");
  for (const chart of charts) {
    const title = chart.parentElement.querySelector("h3").textContent || chart.closest("section").id;
    const canvas = chart.querySelector("canvas");
    const shapes = chart.querySelectorAll("svg path, svg polygon, svg rect, svg circle").length;
    if (chart.dataset.drawn !== "true") found.push(`${title}: not drawn`);
    else if (canvas) {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const colours = new Set();
      for (let i = 0; i < data.length; i += 4 * 97) colours.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
      if (colours.size < 4) found.push(`${title}: an empty picture`);
    } else if (shapes < 4) found.push(`${title}: only ${shapes} shapes`);
  }
  if (document.documentElement.scrollWidth > innerWidth + 1) found.push(`wider than the window: ${document.documentElement.scrollWidth} > ${innerWidth}`);
  if (/\b(NaN|undefined|Infinity)\b|\[object/.test(document.getElementById("page").innerText)) found.push("a value that is none is shown");
  return { found, charts: charts.length };
}

let failed = false;
const browser = await launch();
try {
  for (const file of files) {
    const url = pathToFileURL(resolve(file)).href;
    for (const [scheme, width] of [["light", 1280], ["dark", 1280], ["light", 390]]) {
      const errors = [];
      const page = await browser.newPage();
      page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
      page.on("pageerror", (error) => errors.push(String(error)));
      page.on("request", (request) => {
        if (request.url() !== url && !/^(data|blob):/.test(request.url())) errors.push(`asks for ${request.url()}`);
      });
      await page.setViewport({ width, height: 900 });
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await page.goto(url);
      await page.waitForSelector("html[data-ready]", { timeout: 60_000 }).catch(() => errors.push("the page does not get ready"));
      const drawn = () => [...document.querySelectorAll(".chart")].every((chart) => chart.dataset.drawn === "true");
      await page.waitForFunction(drawn, { timeout: 60_000 }).catch(() => {});
      const before = await page.evaluate(wrong);
      errors.push(...before.found);
      if (pictures) {
        const name = `${basename(dirname(resolve(file)))}-${basename(file, ".html")}-${scheme}-${width}.png`;
        await page.screenshot({ path: join(pictures, name), fullPage: true });
      }
      const pressed = await page.evaluate(() => {
        const buttons = [...document.querySelectorAll("button")];
        buttons.forEach((button) => button.click());
        return buttons.length;
      });
      await page.evaluate(() => new Promise((done) => setTimeout(done, 200)));
      await page.close();
      console.log(`${file}, ${scheme}, ${width} wide: ${before.charts} charts, ${pressed} buttons, ${errors.length} errors`);
      errors.forEach((error) => console.error(`  ${error}`));
      failed ||= errors.length > 0;
    }
  }
} finally {
  await browser.close();
}
process.exitCode = failed ? 1 : 0;

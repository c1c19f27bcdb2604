// A headless Chromium: the one that CHROMIUM names, else that of the npm package @sparticuz/chromium (Linux).

import { existsSync } from "node:fs";
import puppeteer from "puppeteer-core";

async function options() {
  const own = process.env.CHROMIUM;
  if (own) {
    if (!existsSync(own)) throw new Error(`CHROMIUM=${own}: no such file`);
    return { executablePath: own, args: ["--no-sandbox"] };
  }
  const { default: chromium } = await import("@sparticuz/chromium");
  return { executablePath: await chromium.executablePath(), args: chromium.args };
}

export async function launch() {
  return puppeteer.launch({ ...(await options()), headless: "shell" });
}

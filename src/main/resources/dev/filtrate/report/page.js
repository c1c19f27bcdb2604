"use strict";
// Draws the page from the JSON in #data. Texts of data files reach it as text only, never as markup.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const page = document.getElementById("page");
  const root = document.documentElement;
  const charts = []; // {element, option: () => object, chart}

  // ---- small helpers

  const el = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "class") made.className = value;
      else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else made.setAttribute(name, value);
    }
    made.append(...children.flat().filter((c) => c !== null && c !== undefined));
    return made;
  };
  const known = (x) => x !== null && x !== undefined && Number.isFinite(x);
  const fixed = (x, digits) => (known(x) ? x.toFixed(digits) : "–");
  const count = (x) => (known(x) ? x.toLocaleString("en-US") : "–");
  const short = (x) => {
    if (!known(x)) return "–";
    if (x !== 0 && (Math.abs(x) < 1e-3 || Math.abs(x) >= 1e6)) return Number(x.toPrecision(3)).toExponential();
    return String(+x.toPrecision(4));
  };
  const bytes = (x) => (x >= 1e9 ? `${(x / 1e9).toFixed(2)} GB` : x >= 1e6 ? `${(x / 1e6).toFixed(1)} MB` : `${Math.round(x / 1e3)} kB`);
  const time = (s) => {
    if (!known(s)) return "–";
    const t = Math.round(s);
    if (t < 60) return `${t} s`;
    if (t < 3600) return `${Math.floor(t / 60)} min ${String(t % 60).padStart(2, "0")} s`;
    return `${Math.floor(t / 3600)} h ${String(Math.floor((t % 3600) / 60)).padStart(2, "0")} min`;
  };
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  const deviation = (values) => {
    if (values.length < 2) return 0;
    const m = mean(values);
    return Math.sqrt(values.reduce((a, b) => a + (b - m) ** 2, 0) / (values.length - 1));
  };
  const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
  const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  // ---- theme: as the system has it until the button says otherwise

  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  const paint = () => {
    root.dataset.theme = chosen ?? (system.matches ? "dark" : "light");
    document.getElementById("theme").textContent = root.dataset.theme === "dark" ? "Light" : "Dark";
    charts.forEach(draw);
  };
  document.getElementById("theme").addEventListener("click", () => {
    chosen = root.dataset.theme === "dark" ? "light" : "dark";
    paint();
  });
  system.addEventListener("change", paint);

  // ---- colours: a stage or model has the same one everywhere

  const LIGHT = {
    teacher: "#5a6b82", finetuned: "#c98a00", kd: "#00896a", lwd: "#2f6fd0", ted: "#c8431a",
    "teacher/filters": "#9aa8ba", "student/filters": "#b0699b", optimized: "#2f6fd0", fp16: "#00896a", int8: "#b0699b",
  };
  const DARK = {
    teacher: "#a3b3c9", finetuned: "#f0b53c", kd: "#38c7a0", lwd: "#7aa9ff", ted: "#ff8457",
    "teacher/filters": "#6f7f95", "student/filters": "#dd97c8", optimized: "#7aa9ff", fp16: "#38c7a0", int8: "#dd97c8",
  };
  const OTHERS = ["#2f6fd0", "#c8431a", "#00896a", "#b0699b", "#c98a00", "#5a6b82", "#7a4fd0", "#4b9fc4"];
  const OTHERS_DARK = ["#7aa9ff", "#ff8457", "#38c7a0", "#dd97c8", "#f0b53c", "#a3b3c9", "#b79cff", "#7fd0f0"];
  const STAGE_OF = { teacher: "teacher/finetuned", finetuned: "student/finetuned" };
  const MODEL_OF = { "teacher/finetuned": "teacher", "student/finetuned": "finetuned" };
  const isDark = () => root.dataset.theme === "dark";
  const numbered = (i) => (isDark() ? OTHERS_DARK : OTHERS)[i % OTHERS.length];
  const color = (name) => (isDark() ? DARK : LIGHT)[MODEL_OF[name] ?? name] ?? numbered(6);
  const LABELS = { finetuned: "fine-tuned", kd: "KD", lwd: "LWD", ted: "TED" };
  const label = (name) => LABELS[name] ?? name;

  // ---- charts

  function draw(entry) {
    if (!window.echarts) return;
    entry.chart?.dispose();
    entry.chart = echarts.init(entry.element, null, { renderer: entry.renderer ?? "svg" });
    entry.chart.on("finished", () => (entry.element.dataset.drawn = "true"));
    entry.chart.setOption({
      animation: false,
      backgroundColor: "transparent",
      textStyle: { fontFamily: css("--sans"), color: css("--soft") },
      aria: { enabled: true },
      ...entry.option(),
    });
    if (entry.click) entry.chart.on("click", entry.click);
  }
  const redraw = (element) => charts.filter((c) => c.element === element).forEach(draw);

  /** A card with a chart; the option is made anew for every theme. */
  function chart(title, note, option, { kind = "", wide = false, renderer, before = null } = {}) {
    const element = el("div", { class: `chart ${kind}`.trim() });
    charts.push({ element, option, renderer });
    const card = el("div", { class: wide ? "card wide" : "card" }, el("h3", {}, title), note ? el("p", { class: "note" }, note) : null, before, element);
    return { card, element };
  }
  const axis = (more = {}) => ({
    axisLine: { onZero: false, lineStyle: { color: css("--line") } },
    axisTick: { show: false },
    axisLabel: { color: css("--soft"), fontSize: 12, hideOverlap: true },
    splitLine: { lineStyle: { color: css("--line") } },
    nameTextStyle: { color: css("--faint"), fontSize: 12 },
    ...more,
  });
  const tooltip = (more = {}) => ({
    backgroundColor: css("--card"), borderColor: css("--line"), textStyle: { color: css("--ink"), fontSize: 13 },
    confine: true, ...more,
  });
  const rows = (head, pairs) =>
    `<b>${escaped(head)}</b>` +
    pairs.map(([c, name, value]) => `<br><span style="display:inline-block;width:9px;height:9px;border-radius:3px;margin-right:7px;background:${c}"></span>${escaped(name)} <b style="float:right;margin-left:18px">${escaped(value)}</b>`).join("");

  /** A moving average over a twentieth of the curve. */
  function smoothed(values) {
    const reach = Math.floor(values.length / 40);
    return values.map((v, i) => {
      const near = values.slice(Math.max(0, i - reach), i + reach + 1).filter(known);
      return known(v) && near.length ? mean(near) : v;
    });
  }

  /** Lines over updates; where one or two are shown, a band shows lowest and highest around each. Lines: {name, x, mean, low, high, points}. */
  function lines(all, { log = false, smooth = false, robust = false, format = short, colorOf = color, hidden = new Set(), xName = "update" } = {}) {
    const list = all.filter((l) => !hidden.has(l.key)).map((l) => (smooth ? { ...l, mean: smoothed(l.mean) } : l));
    const series = [];
    for (const line of list) {
      const c = colorOf(line.key);
      if (list.length <= 2 && line.low && line.low.some((v, i) => v !== line.high[i])) {
        const first = line.low.findIndex(known);
        series.push({
          type: "custom", name: `band ${line.key}`, silent: true, z: 1, data: [[line.x[first], line.mean[first]]],
          renderItem: (params, api) => {
            const border = (values) => line.x.map((x, i) => [x, values[i]]).filter(([, v]) => known(v)).map((point) => api.coord(point));
            const { x, y, width, height } = params.coordSys;
            return {
              type: "polygon", shape: { points: [...border(line.low), ...border(line.high).reverse()] }, style: { fill: c, opacity: 0.13 },
              clipPath: { type: "rect", shape: { x, y, width, height } },
            };
          },
        });
      }
      series.push({
        type: "line", name: line.key, z: 2, symbol: "circle", symbolSize: line.points ? 6 : 4, showSymbol: !!line.points || line.x.length < 3,
        data: line.x.map((x, i) => [x, line.mean[i]]), lineStyle: { color: c, width: 2, type: line.dash ? "dashed" : "solid" },
        itemStyle: { color: c }, emphasis: { disabled: true },
      });
    }
    // The bands' extremes would squeeze the lines: the axis follows the lines, from the second mean on.
    const values = list.flatMap((l) => l.mean.slice(l.mean.length > 20 ? 1 : 0)).filter(known);
    const sorted = [...values].sort((a, b) => a - b);
    const lowest = sorted[0], highest = sorted[Math.floor((sorted.length - 1) * (robust ? 0.97 : 1))], room = (highest - lowest) * 0.12 || Math.abs(highest) * 0.1 || 1;
    const tidy = (v) => +v.toPrecision(3);
    const range = log || !values.length ? {} : { min: tidy(lowest >= 0 ? Math.max(0, lowest - room) : lowest - room), max: tidy(highest + room) };
    return {
      grid: { left: 8, right: 18, top: 16, bottom: 26, containLabel: true },
      xAxis: axis({ type: "value", name: xName, nameLocation: "end", nameGap: 0, min: 0, max: "dataMax", splitLine: { show: false },
        axisLabel: { color: css("--soft"), fontSize: 12, hideOverlap: true, showMaxLabel: false },
        nameTextStyle: { color: css("--faint"), fontSize: 12, align: "right", verticalAlign: "top", padding: [22, 0, 0, 0] } }),
      yAxis: axis({ type: log ? "log" : "value", ...range, axisLabel: { color: css("--soft"), fontSize: 12, formatter: (v) => short(v), showMinLabel: false, showMaxLabel: false } }),
      tooltip: tooltip({
        trigger: "axis",
        axisPointer: { type: "line", snap: true, lineStyle: { color: css("--faint") } },
        formatter: (items) => {
          const shown = items.filter((i) => !i.seriesName.startsWith("band "));
          if (!shown.length) return "";
          const line = list.find((l) => l.key === shown[0].seriesName);
          const at = line?.epoch?.[shown[0].dataIndex];
          return rows(`${xName} ${count(Math.round(shown[0].value[0]))}${known(at) ? ` · epoch ${at.toFixed(2)}` : ""}`,
            shown.map((i) => [i.color, list.find((l) => l.key === i.seriesName)?.name ?? i.seriesName, format(i.value[1])]));
        },
      }),
      series,
    };
  }

  /** Models on a metric: a dot per seed, mean and standard deviation; groups: {name, color, models: [{name, values}]}. */
  function dots(groups, metric, interval) {
    const names = [...new Set(groups.flatMap((g) => g.models.map((m) => m.name)))].reverse();
    const series = [];
    const shift = (g) => (groups.length === 1 ? 0 : (g - (groups.length - 1) / 2) * Math.min(16, 44 / groups.length));
    groups.forEach((group, g) => {
      const tint = (name) => group.color?.() ?? color(name);
      for (const model of group.models) {
        const values = model.values.filter(known);
        if (!values.length) continue;
        const m = mean(values), s = deviation(values), y = names.indexOf(model.name), c = tint(model.name);
        const half = s > 0 ? s : interval ? interval(m) : 0;
        series.push({
          type: "custom", silent: true, data: [[m, y]], z: 1,
          renderItem: (params, api) => {
            const [x1, at] = api.coord([m - half, y]), [x2] = api.coord([m + half, y]);
            const yy = at - shift(g);
            const style = { stroke: c, lineWidth: s > 0 ? 2.5 : 1.5, opacity: s > 0 ? 0.75 : 0.45 };
            const bar = (xa, ya, xb, yb) => ({ type: "line", shape: { x1: xa, y1: ya, x2: xb, y2: yb }, style });
            return { type: "group", children: half > 0 ? [bar(x1, yy, x2, yy), bar(x1, yy - 5, x1, yy + 5), bar(x2, yy - 5, x2, yy + 5)] : [] };
          },
        });
        if (values.length > 1) {
          series.push({ type: "scatter", silent: true, z: 2, symbolSize: 6, symbolOffset: [0, -shift(g)], itemStyle: { color: c, opacity: 0.45 }, data: values.map((v) => [v, y]) });
        }
        series.push({
          type: "scatter", name: groups.length > 1 ? `${group.name} · ${label(model.name)}` : label(model.name), z: 3, symbolSize: 13, symbolOffset: [0, -shift(g)],
          itemStyle: { color: c, opacity: 1, borderColor: css("--card"), borderWidth: 2 }, data: [{ value: [m, y], values }],
          label: { show: groups.length === 1, position: "top", distance: 6, color: css("--ink"), fontWeight: 600, formatter: fixed(m, metric.digits) },
        });
      }
    });
    const all = groups.flatMap((g) => g.models.flatMap((m) => {
      const v = m.values.filter(known);
      if (!v.length) return [];
      const half = deviation(v) || (interval ? interval(mean(v)) : 0);
      return [...v, mean(v) - half, mean(v) + half];
    }));
    const lo = Math.min(...all), hi = Math.max(...all), pad = (hi - lo) * 0.15 || Math.abs(hi) * 0.05 || 0.5;
    return {
      grid: { left: 8, right: 24, top: 26, bottom: 8, containLabel: true },
      xAxis: axis({ type: "value", min: lo - pad, max: hi + pad, axisLabel: { color: css("--soft"), fontSize: 12, showMinLabel: false, showMaxLabel: false, formatter: (v) => v.toFixed(hi - lo < 0.02 ? 3 : metric.digits > 2 ? 2 : 1) } }),
      yAxis: axis({ type: "category", data: names.map(label), axisLabel: { color: css("--ink"), fontSize: 13 }, splitLine: { show: false } }),
      tooltip: tooltip({ trigger: "item", formatter: (p) => rows(p.seriesName, [[p.color, metric.name, fixed(p.value[0], metric.digits) + (p.data.values.length > 1 ? ` ± ${fixed(deviation(p.data.values), metric.digits)}` : "")]]) }),
      series,
    };
  }

  /** Size against latency: points {name, bytes, latency, note, tint}. */
  function sizes(points) {
    return {
      grid: { left: 8, right: 30, top: 30, bottom: 26, containLabel: true },
      xAxis: axis({ type: "log", name: "size", nameLocation: "end", nameTextStyle: { color: css("--faint"), align: "right", verticalAlign: "top", padding: [22, 0, 0, 0] }, nameGap: 0,
        min: (v) => v.min / 2, max: (v) => v.max * 3, axisLabel: { color: css("--soft"), fontSize: 12, showMinLabel: false, showMaxLabel: false, formatter: (v) => bytes(v) }, minorSplitLine: { show: false } }),
      yAxis: axis({ type: "log", name: "ms for one example", nameTextStyle: { color: css("--faint"), align: "left" }, min: (v) => v.min / 2, max: (v) => v.max * 2,
        axisLabel: { color: css("--soft"), fontSize: 12, showMinLabel: false, showMaxLabel: false, formatter: (v) => short(v) } }),
      tooltip: tooltip({ trigger: "item", formatter: (p) => rows(p.name, [[p.color, "size", bytes(p.value[0])], [p.color, "one example", `${short(p.value[1])} ms`], ...(p.data.more ?? []).map(([k, v]) => [p.color, k, v])]) }),
      series: [{
        type: "scatter", symbolSize: 16,
        data: points.map((p) => ({ name: p.name, value: [p.bytes, p.latency], more: p.more, itemStyle: { color: p.tint(), opacity: 1, borderColor: css("--card"), borderWidth: 2 } })),
        label: { show: true, position: "right", distance: 7, color: css("--ink"), fontSize: 12.5, formatter: (p) => p.name },
        labelLayout: { moveOverlap: "shiftY" },
      }],
    };
  }

  const RAMP = ["#1c1044", "#4a1079", "#832681", "#c43c75", "#f1605d", "#fdae78", "#fcf0b6"];

  // ---- page parts

  const section = (id, title, note, ...children) => {
    const nav = document.getElementById("contents");
    nav.append(el("a", { href: `#${id}` }, title));
    page.append(el("section", { id }, el("h2", {}, title), note ? el("p", {}, note) : null, ...children));
  };
  const table = (head, body) =>
    el("div", { class: "scroll" }, el("table", {},
      el("thead", {}, el("tr", {}, head.map((h) => el("th", h.number ? { class: "n" } : {}, h.text ?? h)))),
      el("tbody", {}, body)));
  const cell = (content, kind = "") => el("td", kind ? { class: kind } : {}, content);
  const num = (content) => cell(content, "n");

  /** Buttons of which one is pressed. */
  function choice(options, onChoose, name = (o) => o) {
    const box = el("div", { class: "chips one", role: "group" });
    options.forEach((option, i) => {
      const button = el("button", { type: "button", "aria-pressed": String(i === 0), onclick: () => {
        [...box.children].forEach((b) => b.setAttribute("aria-pressed", String(b === button)));
        onChoose(option);
      } }, name(option));
      box.append(button);
    });
    return box;
  }

  /** Buttons that hide and show lines in several charts. */
  function toggles(keys, hidden, elements, nameOf, colorOf) {
    const box = el("div", { class: "chips", role: "group" });
    for (const key of keys) {
      const mark = el("i");
      mark.dataset.tint = key;
      const button = el("button", { type: "button", "aria-pressed": String(!hidden.has(key)), title: "show or hide; with Shift: this one only", onclick: (event) => {
        if (event.shiftKey) keys.forEach((k) => (k === key ? hidden.delete(k) : hidden.add(k)));
        else if (hidden.has(key)) hidden.delete(key);
        else hidden.add(key);
        [...box.children].forEach((b, i) => b.setAttribute("aria-pressed", String(!hidden.has(keys[i]))));
        elements().forEach(redraw);
      } }, mark, nameOf(key));
      box.append(button);
    }
    const tint = () => box.querySelectorAll("i").forEach((i) => (i.style.background = colorOf(i.dataset.tint)));
    tints.push(tint);
    return box;
  }
  const tints = []; // what else takes the theme's colours
  const tintedDot = (name) => {
    const made = el("i", { class: "dot" });
    tints.push(() => (made.style.background = color(name)));
    return made;
  };

  const runDot = (i) => {
    const made = el("i", { class: "dot" });
    tints.push(() => (made.style.background = numbered(i)));
    return made;
  };

  const metricOf = (run) => ({ name: run.metric, digits: run.percent ? 2 : 4, higher: run.higherIsBetter });
  const spread = (values, digits) => {
    const v = values.filter(known);
    if (!v.length) return "–";
    return fixed(mean(v), digits) + (v.length > 1 ? ` ± ${fixed(deviation(v), digits)}` : "");
  };
  const valuesOf = (model, metric) => Object.values(model.metrics[metric] ?? {});
  const meanOf = (model, metric) => {
    const v = valuesOf(model, metric).filter(known);
    return v.length ? mean(v) : NaN;
  };
  function bestStudent(run) {
    const students = run.models.filter((m) => m.name !== "teacher" && known(meanOf(m, run.metric)));
    const sign = run.higherIsBetter ? 1 : -1;
    return students.reduce((best, m) => (best === null || sign * meanOf(m, run.metric) > sign * meanOf(best, run.metric) ? m : best), null);
  }
  const seedsWord = (run) => (run.seeds.length === 1 ? `seed ${run.seeds[0]}` : `seeds ${run.seeds.join(", ")}`);

  function heading(title, facts) {
    page.append(el("h1", {}, title), el("div", { class: "facts" }, facts));
  }

  function keyFigures(run) {
    const teacher = run.models.find((m) => m.name === "teacher");
    const best = bestStudent(run);
    const metric = metricOf(run);
    const figures = [];
    if (best) figures.push([spread(valuesOf(best, run.metric), metric.digits), `${run.metric} of the best student: ${label(best.name)}`]);
    if (teacher && known(meanOf(teacher, run.metric))) figures.push([spread(valuesOf(teacher, run.metric), metric.digits), `${run.metric} of the teacher`]);
    if (teacher && best && teacher.parameters && best.parameters) figures.push([`${short(+(teacher.parameters / best.parameters).toPrecision(2))} ×`, `smaller: ${count(best.parameters)} parameters`]);
    if (teacher && best && teacher.latencyMs && best.latencyMs) figures.push([`${short(+(teacher.latencyMs / best.latencyMs).toPrecision(2))} ×`, `faster: ${short(+best.latencyMs.toPrecision(2))} ms for one example`]);
    const total = run.stages.reduce((sum, s) => sum + (s.seconds ?? 0), 0);
    if (total > 0) figures.push([time(total), "of training, all stages and seeds"]);
    if (figures.length) page.append(el("div", { class: "figures" }, figures.map(([b, s]) => {
      const [value, more] = b.split(" ± ");
      return el("div", { class: "figure" }, el("b", {}, value, more ? el("small", {}, ` ± ${more}`) : null), el("span", {}, s));
    })));
  }

  function methods(run) {
    if (!run.models.length) return;
    const metric = metricOf(run);
    const n = run.validation?.examples;
    const isShare = ["accuracy", "exact", "exact_match"].includes(run.metric) && n;
    const scale = run.percent ? 100 : 1;
    const interval = isShare ? (p) => 1.96 * scale * Math.sqrt(Math.max(0, (p / scale) * (1 - p / scale)) / n) : null;
    const several = run.models.some((m) => valuesOf(m, run.metric).length > 1);
    const note = several
      ? "Large dots are means, small ones single seeds; whiskers show the standard deviation over seeds."
      : interval ? `One seed. Thin whiskers: the 95 % interval that ${count(n)} examples allow; within it methods are not told apart.` : "One seed: differences between methods may be chance.";
    const drawn = chart(run.metric, note, () => dots([{ models: run.models.map((m) => ({ name: m.name, values: valuesOf(m, run.metric) })) }], metric, interval), { wide: true });
    drawn.element.style.height = `${70 + 54 * run.models.length}px`;
    const names = [...new Set(run.models.flatMap((m) => Object.keys(m.metrics)))].filter((k) => !/thresh|_total$|^best_/.test(k)).slice(0, 6);
    const best = bestStudent(run);
    const body = run.models.map((m) =>
      el("tr", m === best ? { class: "best" } : {}, cell([tintedDot(m.name), label(m.name)], "name"),
        names.map((k) => num(spread(valuesOf(m, k), metric.digits))), num(count(m.parameters)), num(known(m.latencyMs) ? short(+m.latencyMs.toPrecision(3)) : "–")));
    const head = ["model", ...names.map((k) => ({ text: k, number: true })), { text: "parameters", number: true }, { text: "ms / example", number: true }];
    section("methods", "Methods", n ? `On ${count(n)} validation examples: one example is ${(100 / n).toFixed(n > 1000 ? 3 : 2)} points.` : null,
      el("div", { class: "grid" }, drawn.card, el("div", { class: "card wide" }, table(head, body))));
  }

  const curve = (run, stage, term) => {
    const c = run.curves[stage];
    const t = c?.terms[term];
    return t ? { key: stage, name: stage, x: c.step, epoch: c.epoch, mean: t.mean, low: t.low, high: t.high, dash: stage.endsWith("/filters") } : null;
  };
  const evaluation = (run, stage, metric) => {
    const e = run.evaluations[stage];
    const t = e?.values[metric];
    return t ? { key: stage, name: stage, x: e.step, mean: t.mean, low: t.low, high: t.high, points: true } : null;
  };
  const TERMS = {
    loss: "the weighted sum of all terms", pred_loss: "the task's own loss", kl_loss: "divergence from the teacher's answers",
    mse_loss: "distance from the teacher's states, mean over layers (LWD and TED compare different states)",
  };

  function curves(run) {
    const stages = Object.keys(run.curves);
    if (!stages.length) return;
    const hidden = new Set();
    const elements = [];
    const cards = [];
    const on = { smooth: true, log: false };
    const isLoss = (title) => title.endsWith("loss");
    const add = (title, note, of, format) => {
      const list = stages.map(of).filter(Boolean);
      if (!list.length) return;
      const made = chart(title, note, () => lines(list, { hidden, format, log: on.log && isLoss(title), smooth: on.smooth && isLoss(title), robust: title === "throughput" }));
      elements.push(made.element);
      cards.push(made.card);
    };
    const metrics = [...new Set(Object.values(run.evaluations).flatMap((e) => Object.keys(e.values)))];
    const shown = metrics.includes(run.metric) ? [run.metric] : metrics.slice(0, 1);
    shown.forEach((m) => add(m, "on the validation examples", (s) => evaluation(run, s, m), (v) => fixed(v, metricOf(run).digits)));
    const terms = [...new Set(stages.flatMap((s) => Object.keys(run.curves[s].terms)))].filter((t) => t.endsWith("loss"));
    terms.filter((t) => t !== "loss" || terms.length > 2).forEach((t) => add(t, TERMS[t] ?? "", (s) => curve(run, s, t)));
    add("learning rate", "", (s) => curve(run, s, "learning_rate"));
    add("throughput", "examples per second", (s) => curve(run, s, "examples_per_second"), (v) => fixed(v, 0));
    metrics.filter((m) => !shown.includes(m) && !/thresh|_total$|^best_/.test(m)).slice(0, 4)
      .forEach((m) => add(m, "on the validation examples", (s) => evaluation(run, s, m), (v) => fixed(v, metricOf(run).digits)));
    const box = toggles(stages, hidden, () => elements, (s) => s, color);
    const tools = el("div", { class: "chips one", role: "group" }, [["smooth", "smooth losses"], ["log", "losses on a log scale"]].map(([key, name]) => {
      const button = el("button", { type: "button", "aria-pressed": String(on[key]), onclick: () => {
        on[key] = !on[key];
        button.setAttribute("aria-pressed", String(on[key]));
        elements.forEach(redraw);
      } }, name);
      return button;
    }));
    section("curves", "Curves", `Each line is a stage${run.seeds.length > 1 ? ", the mean over seeds" : ""}. Hide stages with the buttons (Shift: show one only); `
      + "where one or two are left, bands reach from the lowest to the highest value.", el("div", { class: "tools" }, box, tools), el("div", { class: "grid" }, cards));
  }

  function layers(run) {
    const stages = Object.keys(run.layers);
    if (!stages.length) return;
    const rank = (s) => ["ted", "lwd"].indexOf(s) + 1 || 9;
    stages.sort((a, b) => rank(a) - rank(b));
    let stage = stages[0], relative = false;
    const option = () => {
      const l = run.layers[stage];
      const values = [];
      l.rows.forEach((row, k) => row.forEach((v, i) => {
        const shown = relative ? v / row.find(known) : v;
        if (known(shown) && shown > 0) values.push([i, k, Math.log10(shown), v]);
      }));
      const all = values.map((v) => v[2]);
      return {
        grid: { left: 8, right: 96, top: 10, bottom: 26, containLabel: true },
        xAxis: axis({ type: "category", data: l.step.map((s) => count(Math.round(s))), name: "update", nameGap: 0, splitLine: { show: false },
          nameTextStyle: { color: css("--faint"), fontSize: 12, align: "right", verticalAlign: "top", padding: [22, 0, 0, 0] } }),
        yAxis: axis({ type: "category", data: l.rows.map((_, k) => `layer ${k + 1}`), splitLine: { show: false } }),
        tooltip: tooltip({ trigger: "item", formatter: (p) => rows(`layer ${p.value[1] + 1}, update ${count(Math.round(l.step[p.value[0]]))}`, [[p.color, l.term, short(p.value[3])]]) }),
        visualMap: { type: "continuous", dimension: 2, min: Math.min(...all), max: Math.max(...all), right: 6, top: "center", calculable: false, itemHeight: Math.min(170, made.element.clientHeight - 76), itemWidth: 12,
          textStyle: { color: css("--soft"), fontSize: 12 }, inRange: { color: isDark() ? RAMP : [...RAMP].reverse() },
          text: [short(10 ** Math.max(...all)) + (relative ? " ×" : ""), short(10 ** Math.min(...all)) + (relative ? " ×" : "")] },
        series: [{ type: "heatmap", data: values, progressive: 0, itemStyle: { borderWidth: 0 }, emphasis: { disabled: true } }],
      };
    };
    const WORDS = {
      mse_loss: "How far each layer of the student is from the layer of the teacher that it imitates: mean squared error of their states, on a logarithmic scale.",
      pred_loss: "How well each layer's filter does the task on its own while filters learn: the task's loss, on a logarithmic scale.",
    };
    const note = el("p", { class: "note" }, WORDS[run.layers[stage].term] ?? "");
    const pick = choice(stages, (s) => {
      stage = s;
      note.textContent = WORDS[run.layers[s].term] ?? "";
      height();
      redraw(made.element);
    });
    const scale = choice([false, true], (r) => { relative = r; redraw(made.element); }, (r) => (r ? "relative to its start" : "as it is"));
    const made = chart("", null, option, { wide: true, renderer: "canvas", before: el("div", {}, note, el("div", { style: "display:flex;gap:24px;flex-wrap:wrap" }, pick, scale)) });
    const height = () => (made.element.style.height = `${70 + Math.max(110, 26 * Math.min(24, run.layers[stage].rows.length))}px`);
    height();
    section("layers", "Layers", null, el("div", { class: "grid" }, made.card));
  }

  // ---- answers to the validation examples

  function confusion(validation, model) {
    const names = validation.labels, matrix = model.confusion;
    const values = [];
    matrix.forEach((row, g) => {
      const total = row.reduce((a, b) => a + b, 0) || 1;
      row.forEach((n, p) => values.push([p, names.length - 1 - g, (100 * n) / total, n]));
    });
    const few = names.length <= 12;
    return {
      grid: { left: 16, right: 12, top: 30, bottom: 8, containLabel: true },
      xAxis: axis({ type: "category", position: "top", data: names, name: "", splitLine: { show: false }, axisLabel: { color: css("--soft"), interval: 0, rotate: names.length > 6 ? 40 : 0, width: 110, overflow: "truncate" } }),
      yAxis: axis({ type: "category", data: [...names].reverse(), splitLine: { show: false }, axisLabel: { color: css("--soft"), interval: 0, width: 120, overflow: "truncate" } }),
      tooltip: tooltip({ trigger: "item", formatter: (p) => {
        const gold = names[names.length - 1 - p.value[1]];
        return rows(`${gold} answered as ${names[p.value[0]]}`, [[p.color, "examples", count(p.value[3])], [p.color, `of all ${gold}`, `${p.value[2].toFixed(1)} %`]]);
      } }),
      visualMap: { show: false, dimension: 2, min: 0, max: 100, inRange: { color: isDark() ? ["#1d2530", "#2a4a78", "#5b93e8"] : ["#f2f5fa", "#a9c4ee", "#2f6fd0"] } },
      series: [{ type: "heatmap", data: values, itemStyle: { borderColor: css("--card"), borderWidth: 2 },
        label: { show: few, color: css("--ink"), fontSize: 13, lineHeight: 18, formatter: (p) => `${p.value[2].toFixed(1)} %\n${count(p.value[3])}` } }],
    };
  }
  function scatter(validation, model) {
    const all = model.points.flat();
    const lo = Math.min(...all), hi = Math.max(...all);
    return {
      grid: { left: 8, right: 16, top: 26, bottom: 26, containLabel: true },
      xAxis: axis({ type: "value", name: "label", min: Math.floor(lo), max: Math.ceil(hi), nameGap: 0, nameTextStyle: { color: css("--faint"), align: "right", verticalAlign: "top", padding: [22, 0, 0, 0] } }),
      yAxis: axis({ type: "value", name: "score given", min: Math.floor(lo), max: Math.ceil(hi), nameTextStyle: { color: css("--faint"), align: "left" } }),
      tooltip: tooltip({ trigger: "item", formatter: (p) => (p.seriesType === "scatter" ? rows("example", [[p.color, "label", short(p.value[0])], [p.color, "score", short(p.value[1])]]) : "") }),
      series: [
        { type: "line", silent: true, symbol: "none", data: [[lo, lo], [hi, hi]], lineStyle: { color: css("--faint"), type: "dashed", width: 1 } },
        { type: "scatter", symbolSize: 6, data: model.points, itemStyle: { color: color(model.name), opacity: 0.4 } },
      ],
    };
  }
  function perLabel(validation, model) {
    const f1 = model.labels.map(([tp, fp, fn]) => (tp + fp + fn ? (2 * tp) / (2 * tp + fp + fn) : null));
    return {
      grid: { left: 8, right: 40, top: 8, bottom: 8, containLabel: true },
      xAxis: axis({ type: "value", min: 0, max: 1 }),
      yAxis: axis({ type: "category", inverse: true, data: validation.labels, splitLine: { show: false } }),
      tooltip: tooltip({ trigger: "item", formatter: (p) => {
        const [tp, fp, fn] = model.labels[p.dataIndex];
        return rows(p.name, [[p.color, "F1", fixed(f1[p.dataIndex], 3)], [p.color, "right", count(tp)], [p.color, "given in error", count(fp)], [p.color, "missed", count(fn)]]);
      } }),
      series: [{ type: "bar", barMaxWidth: 20, data: f1, itemStyle: { color: color(model.name), borderRadius: 3 }, label: { show: true, position: "right", color: css("--ink"), formatter: (p) => fixed(p.value, 3) } }],
    };
  }
  function answered(validation, model) {
    const kinds = [["exact", "exactly as marked", "--good"], ["partial", "in part", "#8fb3e8"], ["wrong", "wrong", "--bad"], ["silent", "no answer", "#9aa8ba"]];
    const groups = Object.keys(model.answers).reverse();
    const total = (g) => kinds.reduce((sum, [k]) => sum + (model.answers[g][k] ?? 0), 0) || 1;
    return {
      grid: { left: 20, right: 16, top: 34, bottom: 8, containLabel: true },
      legend: { top: 0, textStyle: { color: css("--soft") }, itemWidth: 12, itemHeight: 12 },
      xAxis: axis({ type: "value", max: 100, axisLabel: { color: css("--soft"), formatter: "{value} %" } }),
      yAxis: axis({ type: "category", data: groups, splitLine: { show: false }, axisLabel: { color: css("--ink") } }),
      tooltip: tooltip({ trigger: "item", formatter: (p) => rows(p.name, [[p.color, p.seriesName, `${count(p.data.n)} (${p.value.toFixed(1)} %)`]]) }),
      series: kinds.map(([key, name, c]) => ({
        type: "bar", stack: "all", name, barMaxWidth: 34, itemStyle: { color: c.startsWith("--") ? css(c) : c, borderColor: css("--card"), borderWidth: 1 },
        data: groups.map((g) => ({ value: (100 * (model.answers[g][key] ?? 0)) / total(g), n: model.answers[g][key] ?? 0 })),
        label: { show: true, color: "#fff", fontSize: 12, formatter: (p) => (p.value > 7 ? `${p.value.toFixed(1)} %` : "") },
      })),
    };
  }

  function answers(run) {
    const v = run.validation;
    if (!v || !v.models.length) return;
    const best = bestStudent(run)?.name;
    let model = v.models.find((m) => m.name === best) ?? v.models[0];
    const KINDS = {
      classes: ["Confusion", "Rows are the right classes, columns what the model says; percentages are of a row.", confusion],
      scores: ["Scores", "Each dot is an example; on the dashed line the model is right.", scatter],
      labels: ["Labels", "F1 of each label on its own.", perLabel],
      answers: ["Answers", "How many questions are answered exactly, in part, or not.", answered],
    };
    const [title, note, option] = KINDS[v.kind];
    const ordered = [model, ...v.models.filter((m) => m !== model)];
    const pick = choice(ordered, (m) => { model = m; redraw(made.element); }, (m) => label(m.name));
    const made = chart(title, note + (run.seeds.length > 1 && v.kind !== "scores" ? " All seeds together." : ""), () => option(v, model), { wide: true, before: pick });
    const size = { classes: 60 + Math.max(2, v.labels.length) * (v.labels.length > 8 ? 34 : 64), scores: 420, labels: 40 + v.labels.length * 30, answers: 90 + 60 * Object.keys(model.answers ?? {}).length };
    made.element.style.height = `${Math.min(760, size[v.kind])}px`;
    if (v.kind === "classes") made.element.style.maxWidth = `${190 + 170 * v.labels.length}px`;
    if (v.kind === "scores") made.element.style.maxWidth = "620px";
    const parts = [made.card];
    if (v.worst && v.worst.examples.length) {
      const w = v.worst;
      const say = (x) => (Array.isArray(x) ? (x.length ? x.join(", ") : "(none)") : typeof x === "number" ? fixed(x, 2) : x === "" ? "(no answer)" : x ?? "–");
      const others = w.others ?? [];
      const right = (e, x) => v.kind !== "scores" && e.right[x] === true;
      const head = ["text", v.kind === "answers" ? "marked" : "label", label(w.model), ...(v.kind === "classes" ? [{ text: "sure of it", number: true }] : []), ...others.map(label)];
      const body = w.examples.map((e) => el("tr", {}, el("td", { class: "text" }, e.text, e.pair ? el("div", { class: "pair" }, e.pair) : null),
        cell(say(e.label)), cell(say(e.prediction), "bad"), ...(v.kind === "classes" ? [num(`${(100 * e.probability).toFixed(1)} %`)] : []),
        others.map((o) => cell(say(e.others[o]), right(e, o) ? "good" : v.kind === "scores" ? "" : "bad"))));
      parts.push(el("div", { class: "card wide" }, el("h3", {}, "Worst examples"),
        el("p", { class: "note" }, `Where ${label(w.model)}${run.seeds.length > 1 ? ` (seed ${w.seed})` : ""} is furthest from the label, and what the others say. These lines quote the validation file.`), table(head, body)));
    }
    section("answers", "Answers", null, el("div", { class: "grid" }, parts));
  }

  function sizePoints(run, tint, prefix = "") {
    const points = [];
    const best = bestStudent(run);
    for (const s of run.sizes) {
      const name = s.name === "student" && best ? "student" : s.name;
      const paintWith = tint ?? (() => color({ student: best?.name, fp32: best?.name }[s.name] ?? s.name));
      points.push({ name: prefix + name, bytes: s.bytes, latency: s.latencyMs, tint: paintWith,
        more: [[run.metric, fixed(s.metric, metricOf(run).digits)], ...(known(s.latencyMs8) ? [["eight examples", `${short(s.latencyMs8)} ms`]] : []), ...(known(s.agreement) ? [["same answers", `${(100 * s.agreement).toFixed(1)} %`]] : [])] });
    }
    return points.filter((p) => p.bytes > 0 && p.latency > 0);
  }
  function size(run) {
    const points = sizePoints(run);
    if (points.length < 2) return;
    const made = chart("Size against latency", "Both axes logarithmic: lower left is small and fast.", () => sizes(points), { kind: "tall" });
    const head = ["", { text: "size", number: true }, { text: "ms, one", number: true }, { text: "ms, eight", number: true }, { text: run.metric, number: true }, { text: "same answers", number: true }];
    const body = run.sizes.map((s) => el("tr", {}, cell([s.name, s.refused ? el("div", { class: "muted" }, `not kept: ${s.refused}`) : null]), num(bytes(s.bytes)), num(short(s.latencyMs)), num(short(s.latencyMs8)),
      num(fixed(s.metric, metricOf(run).digits)), num(known(s.agreement) ? `${(100 * s.agreement).toFixed(1)} %` : "–")));
    section("size", "Size and speed", null, el("div", { class: "grid" }, made.card, el("div", { class: "card" }, el("h3", {}, "Figures"), el("p", { class: "note" }, "Latencies are medians on the machine of the run."), table(head, body))));
  }

  function stagesTable(run) {
    if (!run.stages.length) return null;
    const several = run.seeds.length > 1;
    const head = ["stage", ...(several ? ["seed"] : []), { text: "updates", number: true }, { text: "time", number: true }, { text: "examples / s", number: true }, { text: `last ${run.metric}`, number: true }];
    return table(head, run.stages.map((s) => el("tr", {}, cell([tintedDot(s.name), s.name], "name"), several ? cell(String(s.seed)) : null, num(count(s.updates)), num(time(s.seconds)), num(fixed(s.examplesPerSecond, 0)), num(fixed(s.metric, metricOf(run).digits)))));
  }

  function yaml(text) {
    const pre = el("pre");
    for (const line of text.split("\n")) {
      const comment = /^\s*#/.test(line);
      const key = /^(\s*(?:- )?)([\w.]+)(:)(.*)$/.exec(line);
      if (comment) pre.append(el("span", { class: "c" }, line), "\n");
      else if (key) pre.append(key[1], el("span", { class: "k" }, key[2]), key[3] + key[4], "\n");
      else pre.append(line, "\n");
    }
    return pre;
  }
  function settings(run) {
    const parts = [];
    const stages = stagesTable(run);
    if (stages) parts.push(el("details", { open: "" }, el("summary", {}, "Stages"), el("div", {}, stages)));
    if (run.recipe) parts.push(el("details", {}, el("summary", {}, "Recipe, every effective value"), el("div", {}, yaml(run.recipe))));
    if (run.environment) {
      const say = (v) => (Array.isArray(v) ? v.join(", ") : String(v));
      parts.push(el("details", {}, el("summary", {}, "Environment"), el("div", {}, table(["", ""], Object.entries(run.environment).map(([k, v]) => el("tr", {}, cell(k), cell(say(v))))))));
    }
    if (parts.length) section("settings", "Stages, recipe, environment", null, ...parts);
  }

  // ---- the two pages

  function single(run) {
    heading(run.name, [el("span", {}, `task ${run.task}`), el("span", {}, seedsWord(run)),
      el("span", { class: `pill ${run.finished ? "good" : "open"}` }, run.status), run.models.length ? null : el("span", {}, "no model measured yet")].filter(Boolean));
    keyFigures(run);
    methods(run);
    curves(run);
    layers(run);
    answers(run);
    size(run);
    settings(run);
  }

  function comparison(runs) {
    const names = runs.map((r) => r.label);
    const tint = (i) => () => numbered(i);
    heading(`${runs.length} runs beside each other`, runs.map((r, i) => {
      return el("span", {}, runDot(i), `${r.label} (${r.task}, ${seedsWord(r)}${r.finished ? "" : `, ${r.status}`})`);
    }));
    const metrics = [...new Set(runs.map((r) => r.metric))];
    for (const metric of metrics) {
      const group = runs.map((r, i) => ({ run: r, i })).filter(({ run }) => run.metric === metric && run.models.length);
      if (!group.length) continue;
      const m = metricOf(group[0].run);
      const groups = group.map(({ run, i }) => ({ name: run.label, color: tint(i), models: run.models.map((x) => ({ name: x.name, values: valuesOf(x, metric) })) }));
      const made = chart(metric, "Large dots are means; small ones single seeds; whiskers the standard deviation over seeds.", () => dots(groups, m, null), { wide: true });
      const models = [...new Set(group.flatMap(({ run }) => run.models.map((x) => x.name)))];
      made.element.style.height = `${70 + Math.max(54, 20 * group.length) * models.length}px`;
      const head = ["model", ...group.map(({ run }) => ({ text: run.label, number: true }))];
      const body = models.map((name) => el("tr", {}, cell(label(name)), group.map(({ run }) => {
        const found = run.models.find((x) => x.name === name);
        return num(found ? spread(valuesOf(found, metric), m.digits) : "–");
      })));
      section(metrics.length > 1 ? `methods-${metric}` : "methods", metrics.length > 1 ? `Methods: ${metric}` : "Methods", null,
        el("div", { class: "grid" }, made.card, el("div", { class: "card wide" }, table(head, body))));
    }
    if (data.differences.length) {
      section("differences", "What differs", "Keys of the recipes whose values are not the same.", el("div", { class: "card" },
        table(["key", ...names], data.differences.map((d) => el("tr", {}, cell(el("code", {}, d.key)), d.values.map((v) => cell(v ?? "–", v === null ? "muted" : "")))))));
    }
    compareCurves(runs, tint);
    const points = runs.flatMap((r, i) => sizePoints(r, tint(i), `${r.label} · `));
    if (points.length > 1) section("size", "Size and speed", null, el("div", { class: "grid" }, chart("Size against latency", "Both axes logarithmic.", () => sizes(points), { kind: "tall", wide: true }).card));
    const stages = runs.map((r) => [r, stagesTable(r)]).filter(([, t]) => t);
    if (stages.length) section("stages", "Stages", null, ...stages.map(([r, t]) => el("details", {}, el("summary", {}, r.label), el("div", {}, t))));
  }

  function compareCurves(runs, tint) {
    const stages = [...new Set(runs.flatMap((r) => Object.keys(r.curves)))];
    if (!stages.length) return;
    const order = ["ted", "lwd", "kd", "student/finetuned", "teacher/finetuned"];
    const rank = (s) => (order.includes(s) ? order.indexOf(s) : 99);
    stages.sort((a, b) => rank(a) - rank(b));
    const grid = el("div", { class: "grid" });
    const tintOf = (key) => tint(Number(key))();
    const show = (stage) => {
      for (const old of grid.querySelectorAll(".chart")) {
        const i = charts.findIndex((c) => c.element === old);
        charts[i].chart?.dispose();
        charts.splice(i, 1);
      }
      grid.replaceChildren();
      const add = (title, note, of, format) => {
        const list = runs.map((r, i) => { const l = of(r); return l && { ...l, key: String(i), name: r.label, dash: false }; }).filter(Boolean);
        if (!list.length) return;
        const made = chart(title, note, () => lines(list, { colorOf: tintOf, format, smooth: title.endsWith("loss"), robust: title === "throughput" }));
        grid.append(made.card);
        redraw(made.element);
      };
      const metrics = [...new Set(runs.map((r) => r.metric))];
      metrics.forEach((m) => add(m, "on the validation examples", (r) => evaluation(r, stage, m), (v) => fixed(v, 4)));
      const terms = [...new Set(runs.flatMap((r) => Object.keys(r.curves[stage]?.terms ?? {})))].filter((t) => t.endsWith("loss"));
      terms.filter((t) => t !== "loss" || terms.length > 2).forEach((t) => add(t, TERMS[t] ?? "", (r) => curve(r, stage, t)));
      add("learning rate", "", (r) => curve(r, stage, "learning_rate"));
      add("throughput", "examples per second", (r) => curve(r, stage, "examples_per_second"), (v) => fixed(v, 0));
    };
    section("curves", "Curves", "Of one stage, a line for each run; losses are smoothed. Of two runs, bands reach from the lowest to the highest value.",
      el("div", { class: "tools" }, choice(stages, show), el("div", { class: "facts" }, runs.map((r, i) => el("span", {}, runDot(i), r.label)))), grid);
    show(stages[0]);
  }

  // ---- begin

  async function library() {
    const packed = document.getElementById("library").textContent.trim();
    const raw = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
    const stream = new Blob([raw]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = el("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  }

  root.dataset.theme = system.matches ? "dark" : "light";
  if (data.kind === "run") single(data.runs[0]);
  else comparison(data.runs);
  document.getElementById("foot").textContent = `Made by Filtrate ${data.version}. Charts: Apache ECharts, Apache License 2.0. One file: nothing is loaded from elsewhere.`;
  const all = paint;
  library().then(() => {
    all();
    tints.forEach((t) => t());
    new MutationObserver(() => tints.forEach((t) => t())).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
    let width = innerWidth;
    addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; charts.forEach((c) => c.chart?.resize()); } });
    root.dataset.ready = "true";
  }).catch((error) => {
    page.prepend(el("p", {}, `This browser cannot draw the charts (${error.message}); a newer one can.`));
    throw error;
  });
})();

"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";

  /* Texts only ever become text nodes: nothing that a report says is markup. */
  function make(tag, words, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(words || {})) {
      if (name === "class") node.className = value;
      else if (value !== undefined && value !== null) node.setAttribute(name, String(value));
    }
    for (const child of children.flat()) if (child !== null && child !== undefined) node.append(child);
    return node;
  }
  const count = (n) => Number(n).toLocaleString("en");
  const percent = (share) => {
    if (share === null) return "–";
    const near = Math.min(share, 1 - share);
    return (100 * share).toFixed(near > 0 && near < 0.00995 ? 2 : near > 0 && near < 0.0995 ? 1 : 0) + " %";
  };

  function bar(parts, ticks = []) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 100 10");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    parts.forEach(([share, kind], row) => {
      const rect = document.createElementNS(SVG, "rect");
      const width = Math.max(0, Math.min(1, share)) * 100, height = 10 / parts.length;
      for (const [k, v] of Object.entries({ x: 0, y: row * height, width, height, class: "fill " + kind })) rect.setAttribute(k, v);
      svg.append(rect);
    });
    for (const tick of ticks) {
      const line = document.createElementNS(SVG, "line");
      for (const [k, v] of Object.entries({ x1: tick * 100, x2: tick * 100, y1: 0, y2: 10, class: "tick" })) line.setAttribute(k, v);
      svg.append(line);
    }
    return make("div", { class: "track" }, svg);
  }

  function bars(target, entries, nothing) {
    if (!entries.length) return target.append(make("p", { class: "empty" }, nothing));
    const rows = make("div", { class: "rows" });
    for (const { name, parts, ticks, said, lost } of entries)
      rows.append(make("span", { class: "name" + (lost ? " lost" : "") }, name), bar(parts, ticks), make("span", { class: "count" }, said));
    target.append(rows);
  }

  function table(target, head, rows) {
    if (head) target.append(make("thead", null, make("tr", null, head.map((cell) => make("th", { scope: "col" }, cell)))));
    target.append(make("tbody", null, rows.map((row) => make("tr", null, row.map((cell, n) => make(n ? "td" : "th", n ? null : { scope: "row" }, cell))))));
  }

  /* --- overview ------------------------------------------------------------------------- */

  const stage = Object.fromEntries(data.funnel.map((step) => [step.name, step.count]));
  const passed = data.gates.filter((gate) => gate.verdict === "passed").length;
  at("lede").textContent =
    `${count(stage.accepted)} pairs of chest X-ray reports, each a radiologist's own and one that leads to another diagnosis, ` +
    `from ${count(stage["studies planned"])} studies.`;
  at("notice").textContent = data.notice;
  for (const [value, what, kind] of [
    [count(stage["studies read"]), "studies read", ""],
    [count(stage["counterfactuals planned"]), "counterfactuals asked for", ""],
    [count(stage.accepted), "pairs accepted", ""],
    [percent(stage["counterfactuals planned"] ? stage.accepted / stage["counterfactuals planned"] : null), "of those asked for", ""],
    [`${passed} of ${data.gates.length}`, "gates passed", passed === data.gates.length ? "good" : "bad"],
  ])
    at("tiles").append(make("div", { class: "tile " + kind }, make("b", null, value), make("span", null, what)));

  const MARKS = { passed: ["✓", "passed"], failed: ["✕", "failed"], "not measured": ["?", "unmeasured"] };
  for (const gate of data.gates) {
    const [mark, kind] = MARKS[gate.verdict];
    at("gate-list").append(
      make("div", { class: "gate " + kind },
        make("span", { class: "mark", title: gate.verdict, role: "img", "aria-label": gate.verdict }, mark),
        make("span", { class: "name" }, gate.name),
        make("span", { class: "value" }, make("b", null, gate.value), make("span", { class: "bound" }, gate.bound)),
        make("span", { class: "why" }, gate.why)));
  }
  table(at("figures"), ["figure", "value"], data.figures);

  const widest = { studies: Math.max(1, stage["studies read"]), rows: Math.max(1, stage["counterfactuals planned"]) };
  bars(at("funnel-bars"), data.funnel.map((step) => ({
    name: step.name, lost: step.lost, parts: [[step.count / widest[step.unit], step.lost ? "lost" : ""]], said: count(step.count),
  })), "Nothing was read.");
  for (const [id, entries, nothing] of [
    ["reason-bars", data.reasons, "No answer was refused."],
    ["warning-bars", data.warnings, "There are none."],
  ]) {
    const most = Math.max(1, ...entries.map((entry) => entry.count));
    bars(at(id), entries.map((entry) => ({ name: entry.reason.replaceAll("_", " "), parts: [[entry.count / most, ""]], said: count(entry.count) })), nothing);
  }

  /* --- what changes -------------------------------------------------------------------- */

  const cells = new Map();
  for (const cell of data.heat) {
    const key = cell.lost + "→" + cell.target;
    cells.set(key, (cells.get(key) || 0) + cell.count);
  }
  const most = Math.max(1, ...cells.values());
  const came = [...data.findings.filter((f) => data.heat.some((c) => c.target === f)), ...(data.heat.some((c) => !c.target) ? [""] : [])];
  const went = [...(data.heat.some((c) => !c.lost) ? [""] : []), ...data.findings.filter((f) => data.heat.some((c) => c.lost === f))];
  at("heat").append(
    make("thead", null, make("tr", null, make("td"), came.map((f) => make("th", { scope: "col" }, make("span", null, f || "nothing comes"))))),
    make("tbody", null, went.map((lost) => make("tr", null, make("th", { scope: "row" }, lost || "nothing goes"), came.map((target) => {
      const n = cells.get(lost + "→" + target) || 0;
      if (!n) return make("td", null, make("span", { class: "self" }));
      const share = Math.sqrt(n / most);
      const button = make("button", { type: "button", class: share > 0.62 ? "strong" : "", title: `${lost || "nothing"} → ${target || "nothing"}: ${count(n)} pairs` },
        n >= 10000 ? Math.round(n / 1000) + "k" : String(n));
      button.style.setProperty("--strength", Math.round(6 + 94 * share) + "%");
      button.addEventListener("click", () => choose({ finding: target || lost, direction: !target ? "remove" : lost ? "swap" : "add", reason: "accepted" }, true));
      return make("td", null, button);
    })))));

  const biggest = Math.max(1, ...data.balance.flatMap((f) => [f.chosen, f.rejected]));
  at("balance").append(make("p", { class: "legend" },
    make("span", null, make("i", { class: "chosen" }), "asserted on the chosen side"), make("span", null, make("i", { class: "rejected" }), "on the rejected side")));
  bars(at("balance"), data.balance.map((f) => ({
    name: f.finding, parts: [[f.chosen / biggest, "chosen"], [f.rejected / biggest, "rejected"]], said: `${count(f.chosen)} / ${count(f.rejected)}`,
  })), "");

  /* --- artefacts ------------------------------------------------------------------------ */

  bars(at("views"), data.artefacts.map((view) => ({
    name: view.view,
    parts: view.auc === null ? [] : [[view.auc, view.auc > 0.6 ? "over" : "auc"]],
    ticks: view.null_high === null ? [] : [view.null_high],
    said: view.auc === null ? "too few pairs" : `${view.auc.toFixed(3)}`,
  })), "");
  for (const name of ["findings masked", "wrapper alone", "raw words"]) {
    const view = data.artefacts.find((one) => one.view === name);
    if (!view || !view.words.length) continue;
    const block = make("div", null, make("h3", null, `Words that tell: ${name}`),
      make("p", { class: "legend" }, make("span", null, make("i", { class: "chosen" }), "share of chosen texts"), make("span", null, make("i", { class: "rejected" }), "of rejected texts")));
    const top = Math.max(...view.words.flatMap((w) => [w.chosen, w.rejected]));
    bars(block, view.words.slice(0, 14).map((w) => ({
      name: w.word.replaceAll("█", "▒"), parts: [[w.chosen / top, "chosen"], [w.rejected / top, "rejected"]],
      said: `${percent(w.chosen)} / ${percent(w.rejected)}`,
    })), "");
    at("words").append(block);
  }

  const svg = document.querySelector(".graph svg");
  function light(finding) {
    const off = svg.dataset.finding === finding;
    svg.dataset.finding = off ? "" : finding;
    svg.classList.toggle("chosen", !off);
    const lit = new Set([finding]);
    for (const line of svg.querySelectorAll(".line")) {
      const ends = line.dataset.ends.split(" ");
      const touches = ends.includes(finding);
      line.classList.toggle("lit", touches);
      if (touches) ends.forEach((end) => lit.add(end));
    }
    for (const spot of svg.querySelectorAll(".spot")) {
      spot.classList.toggle("lit", lit.has(spot.dataset.id));
      if (spot.hasAttribute("aria-pressed")) spot.setAttribute("aria-pressed", String(!off && spot.dataset.id === finding));
    }
  }
  for (const spot of svg.querySelectorAll(".spot.finding")) {
    spot.addEventListener("click", () => light(spot.dataset.id));
    spot.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); light(spot.dataset.id); }
    });
  }

  table(at("cost-table"), null, [
    ...Object.entries(data.cost).map(([name, value]) => [name, typeof value === "number" ? count(value) : value]),
    ...data.attempts.map((one) => [`attempt ${one.attempt}`, `${count(one.rate.hits)} of ${count(one.rate.of)} answers accepted`]),
  ]);
  at("made-with").textContent = Object.entries(data.madeWith).map(([name, value]) => `${name} ${value}`).join(" · ") +
    ` · texts read again for ${count(data.samples.pairs)} of ${count(data.samples.of)} pairs, seed ${data.samples.seed}`;

  /* --- pairs ---------------------------------------------------------------------------- */

  const pairs = data.pairs.map((pair) => ({
    ...pair,
    reasons: [...new Set(pair.problems.filter((p) => p.level === "block").map((p) => p.code))],
    words: (pair.chosen + "\n" + pair.rejected).toLowerCase(),
  }));
  const title = (pair) => `${pair.direction} ${pair.target}` + (pair.from.length ? ` in place of ${pair.from.join(", ")}` : "");
  at("browser-hint").textContent = pairs.length
    ? `${count(pairs.length)} of ${count(data.pairsInBuild)} rows, drawn by lot from every kind of change and every reason for refusal, so that rare ones are here too.`
    : "The build holds no rows.";

  function options(select, entries) {
    for (const [value, text] of entries) select.append(make("option", { value }, text));
  }
  const tally = (values) => { const t = new Map(); for (const v of values) t.set(v, (t.get(v) || 0) + 1); return t; };
  const ofFinding = tally(pairs.flatMap((p) => [p.target, ...p.from]));
  options(at("by-finding"), [["", "any"], ...data.findings.filter((f) => ofFinding.has(f)).map((f) => [f, `${f} (${ofFinding.get(f)})`])]);
  const ofDirection = tally(pairs.map((p) => p.direction));
  options(at("by-direction"), [["", "any"], ...data.directions.filter((d) => ofDirection.has(d)).map((d) => [d, `${d} (${ofDirection.get(d)})`])]);
  const ofReason = tally(pairs.flatMap((p) => (p.accepted ? ["accepted"] : p.reasons)));
  options(at("by-reason"), [["", "any"], ...[...ofReason].sort((a, b) => b[1] - a[1]).map(([r, n]) => [r, `${r.replaceAll("_", " ")} (${n})`])]);

  let shown = [];
  let current = 0;
  function choose({ finding = "", direction = "", reason = "" }, jump) {
    at("by-finding").value = ofFinding.has(finding) ? finding : "";
    at("by-direction").value = ofDirection.has(direction) ? direction : "";
    at("by-reason").value = ofReason.has(reason) ? reason : "";
    at("search").value = "";
    filter();
    if (jump) at("browser").scrollIntoView();
  }
  function filter() {
    const finding = at("by-finding").value, direction = at("by-direction").value, reason = at("by-reason").value;
    const words = at("search").value.trim().toLowerCase();
    shown = pairs.filter((p) =>
      (!finding || p.target === finding || p.from.includes(finding)) &&
      (!direction || p.direction === direction) &&
      (!reason || (reason === "accepted" ? p.accepted : p.reasons.includes(reason))) &&
      (!words || p.words.includes(words) || p.id === words || p.study.toLowerCase() === words));
    at("list").replaceChildren(...shown.map((pair, n) => {
      const item = make("div", { class: "item", role: "option", id: "item-" + n, "aria-selected": "false" }, title(pair),
        make("small", pair.accepted ? null : { class: "no" }, pair.accepted ? `study ${pair.study}` : pair.reasons.join(", ").replaceAll("_", " ") || "refused"));
      item.addEventListener("click", () => show(n));
      return item;
    }));
    if (!shown.length) at("list").append(make("p", { class: "item empty" }, "No pair fits."));
    show(0);
  }

  function show(n) {
    const list = at("list");
    const old = list.querySelector('[aria-selected="true"]');
    if (old) old.setAttribute("aria-selected", "false");
    const pair = shown[n];
    if (!pair) { list.removeAttribute("aria-activedescendant"); return at("pair").replaceChildren(make("p", { class: "empty" }, "No pair fits the filters.")); }
    current = n;
    const item = at("item-" + n);
    item.setAttribute("aria-selected", "true");
    list.setAttribute("aria-activedescendant", item.id);
    const top = item.offsetTop - list.offsetTop;
    if (top < list.scrollTop || top + item.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight / 2;
    at("pair").replaceChildren(...drawn(pair));
  }

  function drawn(pair) {
    const [before, after] = difference(pair.chosen, pair.rejected);
    const badges = [make("span", { class: "badge " + (pair.accepted ? "good" : "bad") }, pair.accepted ? "accepted" : "rejected"), make("span", { class: "badge" }, pair.split)];
    if (pair.view) badges.push(make("span", { class: "badge" }, pair.view));
    for (const p of pair.problems) badges.push(make("span", { class: "badge " + (p.level === "block" ? "bad" : "warn"), title: p.message }, p.code.replaceAll("_", " ")));
    const head = make("div", { class: "head" },
      make("div", null, make("h3", null, title(pair)), make("p", { class: "ids" }, `record ${pair.id} · study ${pair.study}`), make("div", null, badges)),
      ...film(pair.image, "the study's film"), ...film(pair.film, "the matched film, of another patient"));
    const sides = make("div", { class: "sides" },
      make("div", { class: "side" }, make("h4", null, "Factual: chosen over the study's film"), before),
      make("div", { class: "side" }, make("h4", null, "Counterfactual: rejected there"), after));
    const facts = make("dl", { class: "facts" });
    const say = (name, value) => { if (value) facts.append(make("dt", null, name), make("dd", null, value)); };
    say("why asked", pair.why);
    for (const p of pair.problems) say(p.level === "block" ? "refused" : "remark", p.message);
    say("labels", data.findings.filter((f) => pair.before[f] !== pair.after[f]).map((f) => `${f}: ${pair.before[f] || "not said"} → ${pair.after[f] || "not said"}`).join("; "));
    say("mirror", pair.filmAgrees ? `over the matched film the counterfactual is chosen; by its own report it agrees in: ${pair.filmAgrees}` : "");
    say("scores", Object.entries(pair.scores).map(([name, value]) => `${name} ${value}`).join(", "));
    say("written by", `${pair.expert}, attempt ${pair.attempt}`);
    return [head, sides, facts];
  }

  function film(source, name) {
    return source ? [make("figure", null, make("img", { src: source, alt: name + ", small", loading: "lazy" }), make("figcaption", null, name))] : [];
  }

  /* Words that differ, by the longest common run of words. */
  function difference(one, other) {
    const a = one.match(/\s+|[\p{L}\p{N}']+|[^\s\p{L}\p{N}]/gu) || [];
    const b = other.match(/\s+|[\p{L}\p{N}']+|[^\s\p{L}\p{N}]/gu) || [];
    const left = make("p", { dir: "ltr" }), right = make("p", { dir: "ltr" });
    let from = 0, endA = a.length, endB = b.length;
    while (from < endA && from < endB && a[from] === b[from]) from++;
    while (endA > from && endB > from && a[endA - 1] === b[endB - 1]) { endA--; endB--; }
    const n = endA - from, m = endB - from;
    const keep = (node, words, tag) => { if (words.length) node.append(tag ? make(tag, null, words.join("")) : words.join("")); };
    keep(left, a.slice(0, from)); keep(right, b.slice(0, from));
    if (n * m > 4e6) {
      keep(left, a.slice(from, endA), "del"); keep(right, b.slice(from, endB), "ins");
    } else {
      const width = m + 1, longest = new Uint16Array((n + 1) * width);
      for (let i = n - 1; i >= 0; i--)
        for (let j = m - 1; j >= 0; j--)
          longest[i * width + j] = a[from + i] === b[from + j] ? longest[(i + 1) * width + j + 1] + 1 : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
      let i = 0, j = 0;
      while (i < n || j < m) {
        const gone = [], come = [], same = [];
        while (i < n && j < m && a[from + i] === b[from + j]) { same.push(a[from + i]); i++; j++; }
        keep(left, same); keep(right, same);
        while (i < n || j < m) {
          if (i < n && j < m && a[from + i] === b[from + j]) {
            // A lone space between changed words belongs to the change, so that a phrase is one piece.
            const lone = /^\s+$/.test(a[from + i]) && (i + 1 < n || j + 1 < m) && !(i + 1 < n && j + 1 < m && a[from + i + 1] === b[from + j + 1]);
            if (!lone) break;
            if (gone.length) gone.push(a[from + i]);
            if (come.length) come.push(b[from + j]);
            if (!gone.length) keep(left, [a[from + i]]);
            if (!come.length) keep(right, [b[from + j]]);
            i++; j++;
          } else if (j >= m || (i < n && longest[(i + 1) * width + j] >= longest[i * width + j + 1])) gone.push(a[from + i++]);
          else come.push(b[from + j++]);
        }
        keep(left, gone, "del"); keep(right, come, "ins");
      }
    }
    keep(left, a.slice(endA)); keep(right, b.slice(endB));
    return [left, right];
  }

  for (const id of ["by-finding", "by-direction", "by-reason"]) at(id).addEventListener("change", filter);
  at("search").addEventListener("input", filter);
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "Escape") {
      if (typing) event.target.blur();
      choose({});
    } else if (typing) return;
    else if (event.key === "/") { event.preventDefault(); at("search").focus(); }
    else if (event.key === "j" || (event.key === "ArrowDown" && event.target === at("list"))) { event.preventDefault(); show(Math.min(shown.length - 1, current + 1)); }
    else if (event.key === "k" || (event.key === "ArrowUp" && event.target === at("list"))) { event.preventDefault(); show(Math.max(0, current - 1)); }
  });

  /* --- light and dark --------------------------------------------------------------------- */

  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try { chosen = localStorage.getItem("ccf-theme"); } catch { /* a page from disk may keep nothing */ }
  const paint = () => root.setAttribute("data-theme", chosen === "dark" || chosen === "light" ? chosen : dark.matches ? "dark" : "light");
  dark.addEventListener("change", paint);
  at("theme").addEventListener("click", () => {
    chosen = root.getAttribute("data-theme") === "dark" ? "light" : "dark";
    try { localStorage.setItem("ccf-theme", chosen); } catch { /* then only until it is closed */ }
    paint();
  });
  paint();
  filter();
})();

"use strict";
// The page of `ccf-build review`: shows one report at a time and sends each judgement before it moves on.

const at = (id) => document.getElementById(id);
const state = { opinions: [], reasons: [], number: 0, said: null, since: 0 };

async function call(path, options) {
  const answer = await fetch(path, options);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

function tellProblem(error) {
  const lost = error instanceof TypeError;  // fetch could not reach the command
  at("problem").textContent = lost
    ? "Not kept: the review command no longer answers. Start it again and open its new address."
    : `Not kept: ${error.message}`;
  at("problem").hidden = false;
}

async function begin() {
  const sheet = await call("/sheet");
  state.opinions = sheet.opinions;
  state.reasons = sheet.reasons;
  at("who").textContent = `${sheet.reader}, ${sheet.mode === "blind" ? "blind" : "side by side"}`;
  sheet.reasons.forEach((reason, index) => {
    const button = document.createElement("button");
    const key = document.createElement("kbd");
    key.textContent = index + 1;
    button.append(key, ` ${reason}`);
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => toggle(index));
    at("reasons").append(button);
  });
  await show(Math.max(0, firstOpen(0)));
}

function firstOpen(from) {
  const count = state.opinions.length;
  for (let step = 0; step < count; step++) {
    const number = (from + step) % count;
    if (state.opinions[number] === null) return number;
  }
  return -1;
}

async function show(number) {
  if (number < 0 || number >= state.opinions.length) return;
  const item = await call(`/items/${number}`);
  state.number = number;
  state.said = item.said || { opinion: null, reasons: [], comment: "" };
  state.since = performance.now();
  at("question").textContent = item.question;
  const texts = at("texts");
  texts.replaceChildren();
  if (item.beside === null) {
    texts.append(paper("Report", [["same", item.text]]));
  } else {
    const parts = compare(item.beside, item.text);
    texts.append(paper("Factual", parts.filter(([kind]) => kind !== "ins")));
    texts.append(paper("Counterfactual", parts.filter(([kind]) => kind !== "del")));
  }
  at("picture").hidden = !item.image;
  if (item.image) at("picture").firstElementChild.src = `/items/${number}/image`;
  at("comment").value = state.said.comment;
  paint();
  window.scrollTo(0, 0);
}

function paper(title, parts) {
  const article = document.createElement("article");
  const heading = document.createElement("h3");
  const text = document.createElement("p");
  heading.textContent = title;
  for (const [kind, words] of parts) {
    if (kind === "same") text.append(words);
    else {
      const mark = document.createElement(kind);
      mark.textContent = words;
      text.append(mark);
    }
  }
  article.append(heading, text);
  return article;
}

// The longest common run of words, by the usual table; reports are short.
function compare(before, after) {
  const a = before.match(/\s+|[\w'-]+|[^\w\s]/g) || [];
  const b = after.match(/\s+|[\w'-]+|[^\w\s]/g) || [];
  const long = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      long[i][j] = a[i] === b[j] ? long[i + 1][j + 1] + 1 : Math.max(long[i + 1][j], long[i][j + 1]);
  const parts = [];
  const add = (kind, word) => {
    const last = parts[parts.length - 1];
    if (last && last[0] === kind) last[1] += word;
    else parts.push([kind, word]);
  };
  let i = 0, j = 0;
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) { add("same", a[i]); i++; j++; }
    else if (long[i + 1][j] >= long[i][j + 1]) add("del", a[i++]);
    else add("ins", b[j++]);
  }
  while (i < a.length) add("del", a[i++]);
  while (j < b.length) add("ins", b[j++]);
  return parts;
}

function paint() {
  const judged = state.opinions.filter((opinion) => opinion !== null).length;
  const count = state.opinions.length;
  at("count").textContent = `report ${state.number + 1} of ${count}, ${judged} judged`;
  at("bar").setAttribute("aria-valuenow", judged);
  at("bar").setAttribute("aria-valuemax", count);
  at("bar").firstElementChild.style.width = `${(100 * judged) / count}%`;
  at("done").hidden = judged < count;
  for (const button of at("opinions").children)
    button.setAttribute("aria-checked", String(button.dataset.opinion === state.said.opinion));
  [...at("reasons").children].forEach((button, index) =>
    button.setAttribute("aria-pressed", String(state.said.reasons.includes(state.reasons[index]))));
}

async function keep() {
  if (state.said.opinion === null) return true;
  try {
    await call("/judgements", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({
        item: state.number,
        opinion: state.said.opinion,
        reasons: state.said.reasons,
        comment: at("comment").value,
        seconds: Math.min(86400, (performance.now() - state.since) / 1000),
      }),
    });
    state.opinions[state.number] = state.said.opinion;
    at("problem").hidden = true;
    return true;
  } catch (error) {
    tellProblem(error);
    return false;
  } finally {
    paint();
  }
}

async function judge(opinion) {
  state.said.opinion = opinion;
  if (opinion === "plausible") state.said.reasons = [];
  const kept = await keep();
  if (kept && opinion === "plausible") await move(1);
}

async function toggle(index) {
  const reason = state.reasons[index];
  if (reason === undefined) return;
  const held = state.said.reasons;
  state.said.reasons = held.includes(reason) ? held.filter((one) => one !== reason) : [...held, reason];
  await keep();
  paint();
}

async function move(by) {
  if (state.said && state.said.opinion !== null && at("comment").value !== state.said.comment && !(await keep())) return;
  await show(Math.min(state.opinions.length - 1, Math.max(0, state.number + by)));
}

async function goOn() {
  const open = firstOpen(state.number);
  if (open >= 0) await show(open);
}

// A key pressed while the last one is still being kept waits for its turn.
let turn = Promise.resolve();
const doing = (work) => { turn = turn.then(work).catch(tellProblem); };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.id === "comment";
  if (event.key === "Escape" && typing) at("comment").blur();
  else if (event.key === "Enter" && (typing || event.target === document.body)) doing(async () => { if (await keep()) await move(1); });
  else if (typing) return;
  else if (/^[pP]$/.test(event.key)) doing(() => judge("plausible"));
  else if (/^[iI]$/.test(event.key)) doing(() => judge("implausible"));
  else if (/^[uU]$/.test(event.key)) doing(() => judge("unsure"));
  else if (/^[1-9]$/.test(event.key)) doing(() => toggle(Number(event.key) - 1));
  else if (event.key === "ArrowLeft") doing(() => move(-1));
  else if (event.key === "ArrowRight") doing(() => move(1));
  else if (/^[oO]$/.test(event.key)) doing(goOn);
  else if (/^[cC]$/.test(event.key)) at("comment").focus();
  else return;
  event.preventDefault();
});
for (const button of at("opinions").children) button.addEventListener("click", () => doing(() => judge(button.dataset.opinion)));
at("back").addEventListener("click", () => doing(() => move(-1)));
at("next").addEventListener("click", () => doing(async () => { if (await keep()) await move(1); }));
at("open").addEventListener("click", () => doing(goOn));
begin().catch(tellProblem);

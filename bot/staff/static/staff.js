// What makes the desk quick: pages that keep up with the database, and the keyboard. Everything works without it, only slower.

const page = document.body;
const signedIn = "signedIn" in page.dataset;
const live = document.getElementById("live");
const title = document.title;
const BY_ITSELF = { "X-By-Itself": "1" };

// Times are shown by this clock.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `omsbot_zone=${encodeURIComponent(zone)}; path=/staff; samesite=strict; max-age=31536000${secure}`;
}

// --- keeping up -------------------------------------------------------------------------------------------------

const typed = new WeakSet();  // forms somebody has begun to fill in
document.addEventListener("input", (event) => event.target.form && typed.add(event.target.form));

const busy = (part) =>
  part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select, summary, button")
  || [...part.querySelectorAll("form")].some((form) => typed.has(form));

async function refresh() {
  const parts = [...document.querySelectorAll("[data-live]:not([data-live=''])")];
  if (!parts.length) return;
  const address = location.pathname + location.search.replace(/[?&]done=\w+/, "");
  const answer = await fetch(address, { headers: BY_ITSELF, redirect: "manual" });
  if (answer.type === "opaqueredirect") {  // signed out; what somebody has begun to type stays, and is kept when they send it
    if ([...document.forms].some((form) => typed.has(form))) throw new Error("signed out");
    return location.reload();
  }
  if (!answer.ok) throw new Error(answer.status);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement?.id;
  for (const part of parts) {
    const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!other || other.innerHTML === part.innerHTML) continue;
    if (busy(part)) {
      const was = part.querySelector("[name=seen]")?.value, is = other.querySelector("[name=seen]")?.value;
      if (was !== is) document.getElementById("changed")?.removeAttribute("hidden");
      continue;
    }
    const open = [...part.querySelectorAll("details[open] > form")].map((form) => form.id);
    part.innerHTML = other.innerHTML;
    for (const id of open) document.getElementById(id)?.parentElement.setAttribute("open", "");
  }
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
  page.dataset.unassigned = fresh.body.dataset.unassigned;
}

let known, connected = true;

async function tell(news) {
  document.title = news.unassigned ? `(${news.unassigned}) ${title}` : title;
  const before = known;
  known = news;
  if (!before) {  // it may have changed while the page was on its way
    if (news.unassigned !== Number(page.dataset.unassigned)) await refresh();
    return;
  }
  await refresh();
  if (before.latest !== news.latest) live.textContent = page.dataset.news;
  if (news.unassigned > before.unassigned) tone();
}

function quietly(work) {
  return work.then(() => { connected = true; }, () => { if (connected) live.textContent = page.dataset.stale; connected = false; });
}

if (signedIn && window.EventSource) {
  const events = new EventSource("/staff/events");
  events.onmessage = (event) => quietly(tell(JSON.parse(event.data)));
  setInterval(() => quietly(refresh()), 60_000);  // "in 2 hours" grows old
  document.addEventListener("visibilitychange", () => document.hidden || quietly(refresh()));
}

// --- a short tone for a new request, for who wants it -------------------------------------------------------------

const sound = document.getElementById("sound");
let audio;

function tone() {
  if (!audio || sound.getAttribute("aria-pressed") !== "true") return;
  const start = audio.currentTime;
  for (const [after, pitch] of [[0, 660], [0.16, 880]]) {
    const swing = audio.createOscillator(), loudness = audio.createGain();
    swing.frequency.value = pitch;
    loudness.gain.setValueAtTime(0.0001, start + after);
    loudness.gain.exponentialRampToValueAtTime(0.2, start + after + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.0001, start + after + 0.15);
    swing.connect(loudness).connect(audio.destination);
    swing.start(start + after);
    swing.stop(start + after + 0.16);
  }
}

function listen(on) {
  sound.setAttribute("aria-pressed", String(on));
  localStorage.setItem("omsbot-sound", on ? "on" : "");
  if (on) audio ??= new AudioContext();
}

if (sound) {
  sound.hidden = false;
  sound.addEventListener("click", () => { listen(sound.getAttribute("aria-pressed") !== "true"); tone(); });
  if (localStorage.getItem("omsbot-sound")) {  // browsers let a page sound only after it was touched
    sound.setAttribute("aria-pressed", "true");
    document.addEventListener("pointerdown", () => listen(sound.getAttribute("aria-pressed") === "true"), { once: true });
    document.addEventListener("keydown", () => listen(sound.getAttribute("aria-pressed") === "true"), { once: true });
  }
}

// --- the keyboard ---------------------------------------------------------------------------------------------------

const sheet = document.getElementById("sheet");
const opener = document.getElementById("keys");
if (opener) {
  opener.hidden = false;
  opener.addEventListener("click", () => sheet.showModal());
}

const VIEWS = { m: "mine", u: "unassigned", d: "due", a: "all", c: "closed" };
let going = false;

function move(step) {
  const rows = [...document.querySelectorAll(".queue th a")];
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(Math.max(at + step, 0), rows.length - 1)]?.focus();
}

function reveal(key) {
  const found = document.querySelector(`[data-key="${key}"]`);
  if (!found) return;
  if (found.matches("button")) return found.click();
  found.open = true;
  found.querySelector("input:not([type=hidden]), textarea")?.focus();
}

function pressed(key) {
  if (going && VIEWS[key]) location.href = `/staff/?view=${VIEWS[key]}`;
  else if (key === "j") move(1);
  else if (key === "k") move(-1);
  else if (key === "/") (document.getElementById("text") ?? { focus: () => { location.href = "/staff/"; } }).focus();
  else if (key === "?") sheet.showModal();
  else if ("can".includes(key)) reveal(key);
  else if (key !== "g") return false;
  going = key === "g";
  return true;
}

document.addEventListener("keydown", (event) => {
  if (!signedIn || event.ctrlKey || event.metaKey || event.altKey || sheet.open) return;
  if (event.target.matches("input:not([type=radio]), textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (pressed(event.key)) event.preventDefault();
});

// A prepared text goes where it can be changed before it is sent: instead of another one, but behind what somebody has typed.
const filledIn = (was, text, prepared) => {
  const typed = was.trim();
  return !typed || prepared.some((other) => other.trim() === typed) ? text : `${was.trimEnd()}\n\n${text}`;
};
document.addEventListener("change", (event) => {
  const field = document.getElementById(event.target.dataset.fills ?? "");
  if (!field || !event.target.value) return;
  field.value = filledIn(field.value, event.target.value, [...event.target.options].map((option) => option.value));
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});

// One tap on a filter is enough.
document.querySelectorAll(".filters select").forEach((select) => select.addEventListener("change", () => select.form.requestSubmit()));
document.querySelectorAll(".filters button").forEach((button) => { button.hidden = true; });

// A second press while the first is on its way sends nothing.
const sent = new WeakSet();
document.addEventListener("submit", (event) => {
  if (event.target.matches(".export, [method=dialog]")) return;
  if (sent.has(event.target)) event.preventDefault();
  sent.add(event.target);
});
window.addEventListener("pageshow", (event) => event.persisted && location.reload());

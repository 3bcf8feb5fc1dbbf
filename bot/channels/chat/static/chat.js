// The conversation on the page. Presses and typed text go out one after another, each with an id of its own, so
// that trying again never does anything twice. Messages come as the answer to them, or unasked by the stream.

const EMERGENCY = "page:emergency";
const PATIENCE = 20_000; // ms until a request without an answer counts as lost
const SILENCE = 50_000; // ms until a stream without its heartbeat (every 20 s) counts as lost
const KEYBOARDS = { "": ["text", "off"], text: ["text", "name"], phone: ["tel", "tel"], email: ["email", "email"] };

const root = document.documentElement;
const [main, log, actions, typing, notice, composer] = ["main", "log", "actions", "typing", "notice", "composer"]
  .map((id) => document.getElementById(id));
const input = composer.elements.text;

let storage = {}; // where the browser forbids to store, the conversation lasts as long as the page
try { storage = localStorage; } catch {}
let token = storage.chatToken;
let ui = JSON.parse(document.body.dataset.ui);
let spoken = root.lang; // the language of `ui`
let newest = 0; // the highest message id shown
const seen = new Set(); // the ids of all messages shown
const waiting = []; // {event, bubble} without an answer, oldest first
let answered = Promise.resolve(); // done when nothing is waiting
let standing = 0; // presses whose bubble stands already, before the message that repeats it as `echo`

// --- talking to the server -----------------------------------------------------------------------------------------

function request(path, options) {
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  return fetch(`/chat/api/${path}`, { ...options, headers });
}

/** Asks until there is an answer; undefined if the token is unknown. Throws when the server refuses. */
async function call(path, data) {
  const options = data && { method: "POST", body: JSON.stringify(data) };
  for (let failures = 0; ; failures++) {
    const response = await request(path, { ...options, signal: AbortSignal.timeout?.(PATIENCE) }).catch(() => null);
    // Without JSON it was not our server, but the log-in page of a public Wi-Fi.
    const answer = response?.ok && (await response.json().catch(() => null));
    if (answer) return tell(), answer;
    if (response?.status === 401) return remember("");
    if (response?.status === 429) {
      tell(ui.too_fast);
      await pause(1000 * (Number(response.headers.get("Retry-After")) || 5));
    } else if (response?.status >= 400 && response.status < 500) {
      throw new Error(`${path}: ${response.status}`);
    } else {
      // One stumble of the server is not worth a word.
      if (failures || !response) tell(ui.offline, ui.retry, () => dispatchEvent(new Event("retry")));
      await pause(backOff(failures));
    }
  }
}

async function open() {
  let past = token && (await call("messages?after="));
  if (past?.messages.length === 0) past = await call("events", { id: uuid(), type: "start" });
  if (!past) return begin();
  log.setAttribute("aria-busy", true); // old messages are no news to a screen reader
  show(receive(past).at(-1), "instant");
  log.removeAttribute("aria-busy");
  listen(token);
}

async function begin() {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const session = await call("session", { language: navigator.language, timezone: timeZone });
  remember(session.token);
  seen.clear();
  newest = 0;
  log.replaceChildren();
  receive(session);
  log.append(...waiting.map(({ bubble }) => bubble));
  listen(token);
}

async function deliver({ event, bubble }) {
  let answer = token && (await call("events", event));
  if (!answer) await begin(); // erased, or run out: what was pressed or typed opens a new conversation
  answer ||= await call("events", event);
  bubble.classList.remove("pending");
  const [first] = receive(answer);
  show(first);
  // Takes a keyboard or screen reader to the answer, and a phone's keyboard away from it; not from who is typing.
  const reading = event.type !== "text" || (matchMedia("(pointer: coarse)").matches && input.autocomplete === "off");
  if (reading && !input.value) first?.focus({ preventScroll: true });
}

async function deliverAll() {
  await opened;
  for (; waiting.length; waiting.shift()) await guarded(() => deliver(waiting[0]));
}

/** Runs a task under the typing indicator. When something goes wrong for good, the way out is to start again. */
async function guarded(task) {
  // Most answers are there at once: an indicator that flashes, and is read aloud, would only unsettle.
  const delay = setTimeout(() => { typing.textContent = ui.typing; main.scrollTop = main.scrollHeight; }, 350);
  try {
    await task();
  } catch (error) {
    console.error(error);
    tell("", ui.start_again, () => submit({ type: "start" }, ui.start_again));
  }
  clearTimeout(delay);
  typing.textContent = "";
}

/** Keeps the stream of a session open until its token is no longer ours. Rests while nobody looks at the page. */
async function listen(session) {
  for (let failures = 0; token === session; failures++) {
    while (document.hidden) await pause(SILENCE);
    const stream = new AbortController();
    try {
      const response = await request(`stream?after=${newest || ""}`, { signal: stream.signal });
      // No new session here: after "erase my data" nothing may be stored until the person speaks again.
      if (response.status === 401 && token === session) remember("");
      if (!response.ok) throw new Error(response.status);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      // The pause is first when the stream is silent, the network has changed or the page goes out of sight.
      const read = () => Promise.race([reader.read(), pause(SILENCE)]);
      for (let rest = "", part; (part = await read()) && !part.done; failures = 0) {
        const lines = (rest + part.value).split("\n");
        rest = lines.pop();
        for (const line of lines.filter((line) => line.startsWith("data:"))) {
          await answered; // the answer under way brings its own messages, in order
          const atEnd = main.scrollHeight - main.scrollTop - main.clientHeight < 100;
          const [first] = token === session ? receive({ messages: [JSON.parse(line.slice(5))] }) : [];
          if (atEnd) show(first); // otherwise the page would move from under someone who reads
        }
      }
    } catch {} // lost: the next round tries again
    stream.abort();
    await pause(backOff(failures));
  }
}

/** 1 s, 2 s, 4 s … half a minute, scattered lest everybody come back in the same moment. */
const backOff = (failures) => 1000 * Math.min(2 ** failures, 30) * (0.75 + Math.random() / 2);

/** Waits, but no longer than until the network is back, the page is looked at, or the person asks to try again. */
function pause(ms) {
  return new Promise((resolve) => {
    const over = new AbortController();
    const end = () => resolve(over.abort());
    setTimeout(end, ms);
    for (const type of ["online", "visibilitychange", "retry"]) addEventListener(type, end, { signal: over.signal });
  });
}

const remember = (value) => { token = storage.chatToken = value; };

/** Not crypto.randomUUID: it needs https, and trying the bot out in a home network should work without. */
function uuid() {
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"));
  return hex.join("").replace(/^(.{8})(.{4}).(.{3}).(.{3})/, "$1-$2-4$3-8$4-");
}

// --- what the person does ------------------------------------------------------------------------------------------

/** Impatience presses nothing twice. Only the emergency signs may queue behind a press that hangs. */
document.addEventListener("click", ({ target }) => {
  const node = target.closest("[data-press]");
  const button = node?.dataset.press;
  if (!node || waiting.some(({ event }) => button !== EMERGENCY || event.button === button)) return;
  submit({ type: "press", button }, node.firstChild.textContent);
  standing = waiting.filter(({ event }) => event.button).length;
});

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value.trim();
  input.value = "";
  if (text) submit({ type: "text", text }, text);
});

function submit(event, words) {
  const bubble = say("you pending", ui.you, make("p", "", words));
  offer({});
  main.scrollTop = main.scrollHeight;
  // `after` is read at each sending: an answer that was lost on its way comes with the next.
  const sent = { id: uuid(), ...event, get after() { return newest; } };
  if (waiting.push({ event: sent, bubble }) === 1) answered = deliverAll();
}

// --- what the page shows -------------------------------------------------------------------------------------------

/** Adds what is new and returns the bubbles of the bot. */
function receive({ language = root.lang, direction = root.dir, messages }) {
  speak(language, direction).catch(() => (spoken = "")); // the next message tries again
  return messages.filter(({ id }) => !seen.has(id)).map((message) => {
    if (message.style === "erased") log.replaceChildren(); // in every tab
    if (message.echo && standing) standing--;
    else if (message.echo) say("you", ui.you, make("p", "", message.echo));
    const body = make("div", "");
    Object.assign(body, { innerHTML: message.html, lang: message.language, dir: message.direction }); // trusted: our server made it
    for (const link of body.querySelectorAll("a[href^=http]")) link.target = "_blank";
    // "en" alone would mean American hours: the browser knows better, if it speaks the language.
    const habits = [navigator.language].find((code) => code.startsWith(language)) ?? language;
    const time = new Date(message.at).toLocaleTimeString(habits, { timeStyle: "short" });
    if (message.id > newest) offer(message);
    newest = Math.max(newest, message.id);
    seen.add(message.id);
    return say(`bot ${message.style}`, ui.bot, body, make("time", "", time));
  });
}

function say(kind, who, ...content) {
  const bubble = make("article", kind, make("span", "aside", `${who}: `), ...content);
  log.append(Object.assign(bubble, { tabIndex: -1 }));
  return bubble;
}

/** A long page is read from its start: that goes under the header. */
const show = (bubble, behavior = "auto") => bubble?.scrollIntoView({ block: "start", behavior });

/** Only the newest message has buttons; a menu is a list of rows. */
function offer({ choices = [], navigation = [], expects = "" }) {
  const kind = choices.length > 3 || choices.some(({ description }) => description) ? "rows" : "choices";
  const groups = [[kind, choices], ["navigation", navigation]];
  actions.replaceChildren(...groups.map(([kind, buttons]) => make("div", kind, ...buttons.map(button))));
  [input.inputMode, input.autocomplete] = KEYBOARDS[expects];
  input.placeholder = ui[`placeholder_${expects}`] ?? ui.placeholder;
}

function button({ id, label, description, primary }) {
  const node = make("button", primary ? "primary" : "", label);
  if (description) node.append(make("small", "", description));
  node.dataset.press = id;
  return node;
}

function make(tag, className, ...content) {
  const node = Object.assign(document.createElement(tag), { className });
  node.append(...content);
  return node;
}

function tell(text = "", label = "", action = null) {
  const [line, way] = notice.children;
  line.textContent = text;
  Object.assign(way, { textContent: label, hidden: !label, onclick: action });
}

/** Turns the page to a language. Its words follow as soon as the server has sent them. */
async function speak(language, direction) {
  Object.assign(root, { lang: language, dir: direction });
  if (language === spoken) return;
  spoken = language;
  const answer = await fetch(location.pathname, { headers: { "Accept-Language": language }, cache: "no-store" });
  ui = JSON.parse(new DOMParser().parseFromString(await answer.text(), "text/html").body.dataset.ui);
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = ui[node.dataset.word];
  input.placeholder = ui.placeholder;
}

const opened = guarded(open);

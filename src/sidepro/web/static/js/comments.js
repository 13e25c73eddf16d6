// Says when there are new comments, and shows them in place. Asks only while the page is seen,
// and less and less often while nothing happens.

const FIRST = 20_000;
const LAST = 300_000;

const COUNTS = "#comments-title .quiet, .page-head .counts li:last-child";

const list = document.querySelector("[data-comments]");
const status = document.querySelector("[data-new]");
let wait = FIRST;
let timer;
let asked = Date.now();
let found = null;

function plan() {
  clearTimeout(timer);
  if (!document.hidden && !found) {
    timer = setTimeout(ask, Math.max(0, asked + wait - Date.now()));
  }
}

async function ask() {
  asked = Date.now();
  wait = Math.min(wait * 1.5, LAST);
  try {
    const response = await fetch(list.dataset.newer);
    if (response.status === 200) {
      const part = document.createElement("template");
      part.innerHTML = await response.text();
      found = part.content.firstElementChild;
      offer();
    }
  } catch {
    // The network is away: asks again later.
  }
  plan();
}

function offer() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button-small";
  button.textContent = found.dataset.title;
  button.addEventListener("click", show);
  status.replaceChildren(button);
}

function show() {
  const first = found.firstElementChild;
  list.dataset.newer = found.dataset.newer;
  list.append(...found.children);
  for (const place of document.querySelectorAll(COUNTS)) place.lastChild.data = ` ${found.dataset.count}`;
  document.querySelector("[data-none]")?.remove();
  status.replaceChildren();
  first.tabIndex = -1;
  first.focus();
  found = null;
  wait = FIRST;
  plan();
}

if (list?.dataset.newer) {
  document.addEventListener("visibilitychange", plan);
  plan();
}

/** The page of all rooms follows what happens in them: the stream tells of changed rooms. */

const PAUSE = 300; // milliseconds: several changes at once are one refresh

const main = document.querySelector("#main > .wrap");
let timer = null;

async function refresh() {
  timer = null;
  try {
    const response = await fetch(location.href, { redirect: "manual" });
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const focused = main.contains(document.activeElement) && document.activeElement.pathname;
    main.replaceChildren(...page.querySelector("#main > .wrap").children);
    if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  } catch {
    // The next change tries again.
  }
}

document.addEventListener("sidepro:room", () => {
  timer ??= setTimeout(refresh, PAUSE);
});

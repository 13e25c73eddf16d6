/** The list of rooms beside a room: its times and unread messages do not grow old. */

const REFRESH = 60_000;
const PAUSE = 2_000; // milliseconds: the room of this page changes with every message

/**
 * @param {HTMLElement} list the list of rooms
 * @param {string} address of the page with the list
 */
export function keepFresh(list, address) {
  const isSeen = () => !document.hidden && list.checkVisibility();
  const refresh = async () => {
    if (!isSeen()) return;
    try {
      const response = await fetch(address, { redirect: "manual" });
      if (!response.ok) return;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const rooms = page.querySelector(".rooms");
      if (!rooms || list.contains(document.activeElement)) return; // nobody loses the focus
      const current = list.querySelector("[aria-current]")?.pathname;
      for (const link of rooms.querySelectorAll("a")) {
        if (link.pathname === current) link.setAttribute("aria-current", "page");
      }
      list.replaceChildren(...rooms.children);
    } catch {
      // The connection's line tells that the server is away.
    }
  };
  let timer = null;
  setInterval(refresh, REFRESH);
  document.addEventListener("sidepro:room", () => {
    timer ??= setTimeout(() => ((timer = null), refresh()), PAUSE);
  });
  document.addEventListener("visibilitychange", refresh);
}

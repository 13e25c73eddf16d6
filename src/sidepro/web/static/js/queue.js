// The queue of cases by keyboard: j and k, or the arrow keys, move between the links. On a keyboard
// that types Hangul j and k are ㅓ and ㅏ.

const links = [...document.querySelectorAll("[data-queue] a")];
const STEPS = { j: 1, ㅓ: 1, ArrowDown: 1, k: -1, ㅏ: -1, ArrowUp: -1 };

document.addEventListener("keydown", (event) => {
  const step = STEPS[event.key];
  const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
  if (!step || isTyping || event.altKey || event.ctrlKey || event.metaKey || !links.length) return;
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step;
  event.preventDefault();
  links[Math.max(0, Math.min(next, links.length - 1))].focus();
});

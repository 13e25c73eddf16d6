/** The toolbar (WAI-ARIA: one stop of Tab, arrows inside) and the shortcuts of the text. */

import { insertLink, markCode, prefixLines, wrap } from "./text.js";

const SHORTCUTS = { b: "bold", i: "italic", k: "link" };

export function startToolbar(toolbar, field, { samples, onImage }) {
  const tools = {
    bold: () => wrap(field, "**", samples.text),
    italic: () => wrap(field, "_", samples.text),
    heading: () => prefixLines(field, "## ", samples.heading),
    quote: () => prefixLines(field, "> "),
    code: () => markCode(field, samples.code),
    list: () => prefixLines(field, "- "),
    link: () => insertLink(field, samples.link),
    image: onImage,
  };
  const buttons = [...toolbar.querySelectorAll("[data-tool]")];

  const select = (chosen) => {
    for (const button of buttons) button.tabIndex = button === chosen ? 0 : -1;
  };
  select(buttons[0]);

  // The field keeps its focus and its composition when the mouse presses a tool.
  toolbar.addEventListener("mousedown", (event) => event.preventDefault());
  toolbar.addEventListener("click", (event) => {
    const button = event.target.closest("[data-tool]");
    if (!button) return;
    select(button);
    tools[button.dataset.tool]();
  });
  toolbar.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    const last = buttons.length - 1;
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    const chosen = buttons[(next + buttons.length) % buttons.length];
    select(chosen);
    chosen.focus();
  });
  field.addEventListener("keydown", (event) => {
    const isCommand = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    const tool = isCommand && !event.isComposing && SHORTCUTS[event.key.toLowerCase()];
    if (!tool) return;
    event.preventDefault();
    tools[tool]();
  });
}

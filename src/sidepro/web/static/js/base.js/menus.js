// Menus and the picker of skills close by a click elsewhere, and by Escape, which gives the focus
// back to what opened them.

const opened = () => document.querySelectorAll(".menu[open], [data-picker][open]");

addEventListener("click", (event) => {
  for (const menu of opened()) {
    menu.open = menu.contains(event.target);
  }
});

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) {
    for (const menu of opened()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
});

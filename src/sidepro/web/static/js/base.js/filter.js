// The picker of skills: a field that leaves only the skills with the typed letters, and a line that
// names the picked ones.

const normal = (text) => text.normalize("NFKC").toLowerCase().replace(/\s/g, "");

for (const field of document.querySelectorAll("[data-filter]")) {
  const labels = [...field.parentElement.querySelectorAll("label")];
  field.hidden = false;
  field.addEventListener("input", () => {
    const typed = normal(field.value);
    for (const label of labels) {
      label.hidden = !normal(label.textContent).includes(typed);
    }
  });
  // Enter picks the first skill that is left, and does not search.
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      const first = labels.find((label) => !label.hidden);
      if (first && field.value) {
        first.control.click();
        field.select();
      }
    }
  });
  const line = field.parentElement.querySelector("[data-picked]");
  if (line) {
    const show = () => {
      const picked = labels.filter((label) => label.control.checked);
      const names = picked.map((label) => label.control.value).join(", ");
      line.textContent = names && `${line.dataset.picked} ${names}`;
    };
    field.parentElement.addEventListener("input", show);
    show();
  }
}

for (const picker of document.querySelectorAll("[data-picker]")) {
  picker.addEventListener("toggle", () => {
    if (picker.open) {
      picker.querySelector("[data-filter]").focus();
    }
  });
}

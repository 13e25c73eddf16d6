// Counts the characters of fields with a counter. The editor counts by itself.

const { lang } = document.documentElement;

for (const counter of document.querySelectorAll("[data-counter]")) {
  const field = document.getElementById(counter.dataset.counter);
  const max = Number(counter.dataset.max);
  const count = () => {
    const { length } = [...field.value];
    counter.textContent = `${length.toLocaleString(lang)} / ${max.toLocaleString(lang)}`;
    counter.classList.toggle("over", length > max);
  };
  field.addEventListener("input", count);
  count();
}

/** The fields around the text: counters, the picked skills, and the cover image. */

export function watchCounters(root, language) {
  const update = () => {
    for (const counter of root.querySelectorAll("[data-counter]")) {
      const field = document.getElementById(counter.dataset.counter);
      const max = Number(counter.dataset.max);
      const length = [...field.value].length;
      counter.textContent = `${length.toLocaleString(language)} / ${max.toLocaleString(language)}`;
      counter.classList.toggle("over", length > max);
    }
  };
  let isAsked = false;
  root.addEventListener("input", () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      update();
    });
  });
  update();
  return update;
}

export function watchSkills(root) {
  const output = root.querySelector("[data-picked]");
  const update = () => {
    const picked = [...root.querySelectorAll("[name=skills]:checked")].map((box) => box.value);
    output.textContent = picked.join(", ");
  };
  root.addEventListener("change", update);
  update();
  return update;
}

/** Shows the chosen image before it is sent. `refusal` says what is wrong with a file. */
export function watchCover(root, { refusal, onLine }) {
  const field = root.querySelector("#thumbnail");
  const cover = root.querySelector("[data-cover]");
  const image = cover.querySelector("img");
  const before = { src: image.src, hidden: cover.hidden };
  field.addEventListener("change", () => {
    const [file] = field.files;
    const reason = file && refusal(file);
    if (reason) {
      field.value = "";
      onLine(reason);
    }
    if (!file || reason) {
      image.src = before.src;
      cover.hidden = before.hidden;
      return;
    }
    onLine(null);
    const remove = root.querySelector("#remove_thumbnail");
    if (remove) remove.checked = false;
    const reader = new FileReader();
    reader.addEventListener("load", () => {
      image.src = reader.result;
      cover.hidden = false;
    });
    reader.readAsDataURL(file);
  });
}

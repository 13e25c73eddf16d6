/** The cover: shows the chosen image before it is sent. `refusal` says what is wrong with a file. */
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

/** Changes of the text as typing makes them: the browser's undo takes them back. */

/** Replaces a part of the field. Leaves the focus where it was, unless `keepsFocus` is false. */
export function replaceText(field, start, end, text, keepsFocus = true) {
  if (start === end && !text) return;
  const active = document.activeElement;
  field.focus({ preventScroll: true });
  field.setSelectionRange(start, end);
  // Deprecated, and the only way that keeps the undo history.
  const isDone = document.execCommand(text ? "insertText" : "delete", false, text);
  if (!isDone) {
    field.setRangeText(text, start, end, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (keepsFocus && active && active !== field) active.focus({ preventScroll: true });
}

/** Puts markers around the selection, or takes them away. */
export function wrap(field, marker, sample) {
  const { selectionStart: start, selectionEnd: end, value } = field;
  const size = marker.length;
  if (value.slice(start - size, start) === marker && value.slice(end, end + size) === marker) {
    replaceText(field, start - size, end + size, value.slice(start, end), false);
    field.setSelectionRange(start - size, end - size);
    return;
  }
  const inner = value.slice(start, end) || sample;
  replaceText(field, start, end, marker + inner + marker, false);
  field.setSelectionRange(start + size, start + size + inner.length);
}

/** Begins each selected line with a prefix, or takes it away. */
export function prefixLines(field, prefix, sample = "") {
  const { selectionStart, selectionEnd, value } = field;
  const start = value.lastIndexOf("\n", selectionStart - 1) + 1;
  const newline = value.indexOf("\n", selectionEnd);
  const end = newline < 0 ? value.length : newline;
  const lines = value.slice(start, end).split("\n");
  const has = lines.every((line) => line.startsWith(prefix));
  const changed = lines.map((line) => (has ? line.slice(prefix.length) : prefix + (line || sample)));
  const text = changed.join("\n");
  replaceText(field, start, end, text, false);
  const from = lines.length === 1 && !has ? start + prefix.length : start;
  field.setSelectionRange(from, start + text.length);
}

/** Code in a line, or a block for several lines. */
export function markCode(field, sample) {
  const { selectionStart: start, selectionEnd: end, value } = field;
  const selected = value.slice(start, end);
  if (!selected.includes("\n")) {
    wrap(field, "`", sample);
    return;
  }
  const before = start === 0 || value[start - 1] === "\n" ? "" : "\n";
  const block = `${before}\`\`\`\n${selected.replace(/\n$/, "")}\n\`\`\`\n`;
  replaceText(field, start, end, block, false);
}

/** A link around the selection; the part that is missing is selected. */
export function insertLink(field, sample) {
  const { selectionStart: start, selectionEnd: end, value } = field;
  const selected = value.slice(start, end);
  const isAddress = /^https?:\/\/\S+$/.test(selected);
  const label = isAddress || !selected ? sample : selected;
  const address = isAddress ? selected : "https://";
  replaceText(field, start, end, `[${label}](${address})`, false);
  const from = isAddress || !selected ? start + 1 : start + label.length + 3;
  field.setSelectionRange(from, from + (isAddress || !selected ? label : address).length);
}

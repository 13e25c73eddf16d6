/** Web addresses in plain texts become links. `display/links.py` does the same. */

const ADDRESS = /https?:\/\/[\w\-.~:/?#@!$&*+,;=%()[\]]*[\w/=#&%~+*-]/gi;

/** The text as nodes, with links that open in another tab. */
export function linked(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const link = document.createElement("a");
    Object.assign(link, { href: match[0], target: "_blank", rel: "nofollow ugc noopener" });
    link.textContent = match[0];
    nodes.push(text.slice(end, match.index), link);
    end = match.index + match[0].length;
  }
  return [...nodes, text.slice(end)];
}

/** The language of a text, by its letters as the server tells it; null if it is not clear. */
export function languageOf(text) {
  if (/[ㄱ-ㆎ가-힣]/.test(text)) return "ko";
  const letters = text.match(/\p{Alphabetic}/gu) ?? [];
  return letters.length && letters.every((letter) => letter < "\x80") ? "en" : null;
}

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

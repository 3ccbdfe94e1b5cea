/** Returns of each name what differs: without the words that all names begin and end with. */
export function differing(names: readonly string[]): string[] {
  const distinct = [...new Set(names)];
  if (distinct.length < 2) return [...names];
  const words = distinct.map(split);
  const shortest = Math.min(...words.map((list) => list.length));
  const first = words[0] ?? [];
  let start = 0;
  while (start < shortest && words.every((list) => list[start] === first[start])) start += 1;
  let end = 0;
  while (end < shortest - start && words.every((list) => list.at(-1 - end) === first.at(-1 - end))) end += 1;
  // A number alone says little: "rank 0" keeps its noun.
  const numbers = words.every((list) =>
    /^[\d.]+$/.test(
      list
        .slice(start, list.length - end)
        .join("")
        .trim(),
    ),
  );
  if (numbers && first[start - 1] === " " && /^\p{L}+$/u.test(first[start - 2] ?? "")) start -= 2;
  return names.map((name) => {
    const list = split(name);
    const rest = list
      .slice(start, list.length - end)
      .join("")
      .replace(/^[\s/:,·|]+|[\s/:,·|]+$/g, "");
    // A name that is wholly in common with the others would have no text: it keeps its own.
    return rest === "" ? name : rest;
  });
}

/** Splits a name into words and the signs between them, so that numbers, `#1` and words are never cut. */
function split(name: string): string[] {
  return name.match(/#?[\p{L}\p{N}.]+|[^\p{L}\p{N}.]/gu) ?? [];
}

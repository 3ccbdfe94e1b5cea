/** Lets the browser save a text as a file. */
export function download(name: string, type: string, content: string): void {
  const address = URL.createObjectURL(new Blob([content], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has begun to read it by the next task; Safari needs a moment more.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Returns a file name made of a title. */
export function fileName(title: string, extension: string): string {
  const safe = title
    .replace(/[^\p{L}\p{N}@._ -]+/gu, "_")
    .trim()
    .slice(0, 80);
  return `${safe === "" ? "chart" : safe}.${extension}`;
}

/** Reads what the harness must name. */
export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") {
    throw new Error(`${name} is not set; run \`cargo xtask test --only browser\``);
  }
  return value;
}

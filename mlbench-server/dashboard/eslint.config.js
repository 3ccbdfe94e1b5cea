import hooks from "eslint-plugin-react-hooks";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  globalIgnores(["dist/", "src/api/wire.d.ts", "eslint.config.js"]),
  tseslint.configs.strictTypeChecked,
  { languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } } },
  {
    plugins: { "react-hooks": hooks },
    rules: {
      "react-hooks/rules-of-hooks": "error",
      "react-hooks/exhaustive-deps": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": "off",
      "@typescript-eslint/no-non-null-assertion": "error",
      "no-console": "error",
      // Trusted Types refuse these in the browser; the rule refuses them here.
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "use elements" },
        { property: "outerHTML", message: "use elements" },
        { property: "insertAdjacentHTML", message: "use elements" },
      ],
      "no-restricted-syntax": [
        "error",
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "use elements" },
      ],
    },
  },
  { files: ["scripts/**", "browser/**"], rules: { "no-console": "off" } },
  {
    // `test` of node:test returns a promise that the runner awaits.
    files: ["**/*.test.ts", "**/*.test.tsx", "browser/**"],
    rules: { "@typescript-eslint/no-floating-promises": "off" },
  },
);

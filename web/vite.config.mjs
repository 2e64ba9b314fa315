import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { defineConfig } from "vite";

/** The server sends `name.gz` to browsers that take it; hashed files are packed once, here. */
function gzipped() {
  return {
    name: "gzipped",
    apply: "build",
    closeBundle() {
      for (const name of readdirSync("dist", { recursive: true, encoding: "utf8" })) {
        if (!/\.(html|js|css|svg)$/.test(name)) continue;
        writeFileSync(`dist/${name}.gz`, gzipSync(readFileSync(`dist/${name}`), { level: 9 }));
      }
    },
  };
}

/** Every language's name in itself, by its code. */
function languageNames() {
  const codes = readdirSync(new URL("src/locales", import.meta.url)).map((file) => file.replace(/\.ftl$/, ""));
  return Object.fromEntries(codes.map((code) => [code, new Intl.DisplayNames([code], { type: "language" }).of(code)]));
}

export default defineConfig({
  define: { LANGUAGE_NAMES: JSON.stringify(languageNames()) },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [gzipped()],
  build: {
    target: "es2022",
    // The strict Content-Security-Policy allows neither data: addresses nor inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": { target: "http://127.0.0.1:8080", ws: true } } },
});

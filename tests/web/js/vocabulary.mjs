// To be imported before a module that imports words.js: the page that brings the vocabulary.
import { readFileSync } from "node:fs";

const textContent = readFileSync(new URL("../../../cases/vocabulary.json", import.meta.url), "utf-8");
globalThis.document = { getElementById: (id) => (id === "vocabulary" ? { textContent } : null) };

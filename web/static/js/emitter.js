/**
 * The smallest publisher of named events; a failing listener never stops the others.
 */
export class Emitter {
  #listeners = new Map();

  /** @returns {() => void} a function that takes the listener off again */
  on(name, listener) {
    if (!this.#listeners.has(name)) this.#listeners.set(name, new Set());
    this.#listeners.get(name).add(listener);
    return () => this.#listeners.get(name).delete(listener);
  }

  emit(name, detail) {
    for (const listener of [...(this.#listeners.get(name) || [])]) {
      try {
        listener(detail);
      } catch (error) {
        console.error(`listener of ${name} failed`, error);
      }
    }
  }
}

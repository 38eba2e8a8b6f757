import { ExhibitStage } from "../materials/exhibit.js";

/**
 * The page of a material in the window for the hall: fetched by the window itself, everything else lent by the
 * console. Nothing can be turned, drawn or put away there.
 */
export class HallExhibit {
  #lent = null;
  #stage;
  #hear = new Map();

  /** @param {HTMLElement} container the stage with its tiles */
  constructor(container, lent) {
    this.#lent = lent;
    lent.listen((name, push) => this.#hear.get(name)?.(push));
    const hall = this;
    const call = {
      get room() { return hall.#lent.room; },
      me: null,
      may: () => false,
      command() {},
      on() {},
      client: {
        on: (name, hears) => this.#hear.set(name, hears),
        request: async () => hall.#lent.askForStrokes(),
      },
    };
    this.#stage = new ExhibitStage(container, call, lent.materials, () => {});
  }

  /** Paint what the console's room shows now; a console that was loaded again lends anew. */
  update(lent) {
    if (lent !== this.#lent) {
      this.#lent = lent;
      lent.listen((name, push) => this.#hear.get(name)?.(push));
    }
    this.#stage.update();
  }
}

/** How the names begin under which a window keeps what was typed into a step of a form. */
export const KEPT = "typed:";

const last = new WeakMap();

/**
 * Offers and answers of one connection, one exchange after the other: an answer must meet the offer it is for.
 *
 * @template T
 * @param {RTCPeerConnection} connection
 * @param {() => Promise<T>} exchange from the offer to the answer
 * @returns {Promise<T>}
 */
export function negotiate(connection, exchange) {
  const turn = (last.get(connection) || Promise.resolve()).then(exchange);
  last.set(connection, turn.catch(() => {}));
  return turn;
}

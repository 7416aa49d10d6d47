// Valtio state whose mutations are RUM actions: `<name>.<key>.Update`.
import { proxy } from 'valtio/vanilla'
import { subscribeKey } from 'valtio/vanilla/utils'

// tracedState makes a proxy of initial. allow and deny are lists of action
// names with * as a wildcard; deny beats allow, and no allow means all.
export function tracedState(rum, name, initial, { allow = [], deny = [] } = {}) {
  const state = proxy(initial)
  const allowed = matcher(allow)
  const denied = matcher(deny)
  for (const key of Object.keys(initial)) {
    const action = `${name}.${key}.Update`
    if (denied(action) || (allow.length > 0 && !allowed(action))) continue
    // Valtio tells in a microtask, after a fetch in the same turn has begun.
    subscribeKey(state, key, (value) => rum.addAction(action, primitive(value)))
  }
  return state
}

// An action carries what changed only if it is small and plain: state may hold anything.
function primitive(value) {
  return value === null || typeof value !== 'object' ? { newValue: value } : {}
}

function matcher(globs) {
  const patterns = globs.map((glob) => new RegExp(`^${glob.split('*').map(escape).join('.*')}$`))
  return (name) => patterns.some((pattern) => pattern.test(name))
}

function escape(text) {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
}

/**
 * Small pictures inside text and tables. They repeat a number that stands beside them, so they are hidden from screen
 * readers; being elements, they follow the theme by themselves.
 */
import { h, svg } from './dom.js'

/** @typedef {'good' | 'fair' | 'poor' | 'plain'} Tone */

/**
 * @param {number} share 0 to 1
 * @param {Tone} [tone]
 */
export function bar(share, tone = 'plain') {
  const width = `${Math.min(1, Math.max(0, share)) * 100}%`
  return h('span', { class: `bar tone-${tone}`, 'aria-hidden': 'true' }, h('span', { css: { width } }))
}

/**
 * Parts of a whole, side by side; a part that is not nothing can always be seen.
 * @param {readonly { name: string, n: number }[]} parts `name` chooses the colour: `part-accepted`
 */
export function stack(parts) {
  const shown = parts.filter(({ n }) => n > 0)
  return h(
    'div',
    { class: 'stack', 'aria-hidden': 'true' },
    shown.map(({ name, n }) => h('span', { class: `part part-${name}`, css: { 'flex-grow': String(n) } })),
  )
}

const WIDTH = 100
const HEIGHT = 24

/**
 * Volume as an area, the usual volume as a line across it, drops and spikes marked at the foot.
 * @param {readonly number[]} values
 * @param {readonly (number | null)[]} usual
 * @param {readonly { index: number, kind: 'drop' | 'spike' }[]} marks
 */
export function sparkline(values, usual, marks) {
  const top = Math.max(1, ...values, ...usual.map(n => n ?? 0))
  const x = (/** @type {number} */ i) => round((i / Math.max(1, values.length - 1)) * WIDTH)
  const y = (/** @type {number} */ n) => round(HEIGHT - 1 - (n / top) * (HEIGHT - 3))
  const line = values.map((n, i) => `${i ? 'L' : 'M'}${x(i)} ${y(n)}`).join('')
  const usualLine = usual
    .map((n, i) => (n === null ? '' : `${(usual[i - 1] ?? null) === null ? 'M' : 'L'}${x(i)} ${y(n)}`))
    .join('')
  return svg(
    'svg',
    {
      class: 'spark',
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: 'none',
      'aria-hidden': 'true',
    },
    svg('path', { class: 'spark-area', d: `${line}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z` }),
    usualLine && svg('path', { class: 'spark-usual', d: usualLine }),
    svg('path', { class: 'spark-line', d: line }),
    marks.flatMap(({ index, kind }) => [
      svg('path', { class: `spark-reach spark-${kind}`, d: `M${x(index)} 0V${HEIGHT}` }),
      svg('path', { class: `spark-mark spark-${kind}`, d: `M${x(index)} ${HEIGHT - 4}V${HEIGHT}` }),
    ]),
  )
}

const round = (/** @type {number} */ n) => Math.round(n * 100) / 100

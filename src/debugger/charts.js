/**
 * Plots that follow the theme and the width they are given. uPlot draws; this keeps its colours, its size and its end. A
 * plot is a picture: whoever makes one puts the same numbers into text or a table beside it.
 * @import { AlignedData, Axis, Options } from 'uplot'
 */
import uPlot from '/debugger/vendor/uPlot.esm.js'
import { colorOf, h } from './dom.js'
import { compact } from './format.js'

/** @typedef {(token: string, alpha?: number) => string} Ink  A token's colour in the theme of now. */

/**
 * @typedef {object} Plot
 * @property {HTMLElement} element
 * @property {(data: AlignedData) => void} update  Draws at once when it is on the page, else when it gets there.
 * @property {() => void} destroy
 */

/**
 * @param {object} wish
 * @param {string} wish.label  What the picture shows, for those who do not see it.
 * @param {number} wish.height  CSS pixels.
 * @param {(ink: Ink) => Omit<Options, 'width' | 'height'>} wish.options
 * @param {(index: number | null) => void} [wish.onPoint]  The index under the pointer.
 * @returns {Plot}
 */
export function createPlot({ label, height, options, onPoint }) {
  const element = h('div', {
    class: 'plot',
    role: 'img',
    'aria-label': label,
    css: { height: `${height}px` },
  })
  const { ink, forget } = createInk()
  /** @type {uPlot | undefined} */
  let plot
  /** @type {AlignedData | undefined} */
  let data

  function draw() {
    const width = Math.floor(element.clientWidth)
    if (!data || width === 0) return
    if (plot) {
      if (plot.width !== width) plot.setSize({ width, height })
      return
    }
    const { hooks, ...rest } = options(ink)
    const setCursor = onPoint ? [(/** @type {uPlot} */ u) => onPoint(u.cursor.idxs?.[1] ?? null)] : []
    plot = new uPlot(
      { legend: { show: false }, ...rest, width, height, hooks: { ...hooks, setCursor } },
      data,
      element,
    )
  }

  const sizes = new ResizeObserver(draw)
  sizes.observe(element)
  const ends = onTheme(() => {
    forget()
    plot?.redraw()
  })

  return {
    element,
    update(next) {
      data = next
      if (plot) plot.setData(next)
      else draw()
    },
    destroy() {
      sizes.disconnect()
      ends()
      plot?.destroy()
      plot = undefined
    },
  }
}

/** Resolved once a theme: asking the style for a colour is too slow for every stroke. */
function createInk() {
  /** @type {Map<string, string>} */
  const known = new Map()
  return {
    forget: () => known.clear(),
    /** @type {Ink} */
    ink(token, alpha = 1) {
      const name = `${token} ${alpha}`
      const color = known.get(name) ?? mix(colorOf(token), alpha)
      known.set(name, color)
      return color
    },
  }
}

/**
 * @param {string} color
 * @param {number} alpha
 */
const mix = (color, alpha) =>
  alpha === 1 ? color : color.replace(/^rgb\((.+)\)$/, `rgb($1 / ${alpha})`).replaceAll(', ', ' ')

/**
 * The system's theme, or the one the toggle set.
 * @param {() => void} listener
 */
function onTheme(listener) {
  const system = matchMedia('(prefers-color-scheme: dark)')
  const chosen = new MutationObserver(listener)
  system.addEventListener('change', listener)
  chosen.observe(document.documentElement, { attributeFilter: ['data-theme'] })
  return () => {
    system.removeEventListener('change', listener)
    chosen.disconnect()
  }
}

const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif'

/**
 * Both axes, quiet: a few lines, no ticks, no frame.
 * @param {Ink} ink
 * @param {{ time: (at: Date, stepSeconds: number) => string, value?: (n: number) => string, whole?: boolean }} words
 * @returns {Axis[]}
 */
export function axes(ink, { time, value = compact, whole = false }) {
  const shared = { font: FONT, stroke: () => ink('--text-3'), ticks: { show: false } }
  return [
    {
      ...shared,
      size: 24,
      gap: 6,
      space: 64,
      grid: { show: false },
      border: { show: true, stroke: () => ink('--line-strong'), width: 1 },
      values: (_, splits, _axis, _space, step) => splits.map(at => time(new Date(at * 1_000), step)),
    },
    {
      ...shared,
      size: 44,
      gap: 6,
      space: 36,
      grid: { stroke: () => ink('--line'), width: 1 },
      values: (_, splits) => splits.map(n => (whole && !Number.isInteger(n) ? '' : value(n))),
    },
  ]
}

/** From zero to a little above the highest, so that a quiet hour does not look like a storm. */
export const fromZero = (/** @type {number} */ atLeast) => ({
  range: /** @type {(u: uPlot, min: number, max: number) => [number, number]} */ (
    (_u, _min, max) => [0, Math.max(atLeast, (max ?? 0) * 1.12)]
  ),
})

/**
 * The pointer: one hair line, no zoom. What begins at a point lasts until the next, so the column under the pointer is the
 * last that has begun, not the nearest beginning.
 * @type {import('uplot').Cursor}
 */
export const hairLine = {
  y: false,
  drag: { x: false, y: false },
  points: { show: false },
  dataIdx: (u, _series, closest, x) => (x < (u.data[0][closest] ?? x) ? closest - 1 : closest),
}

/** @param {import('uplot').Series.BarsPathBuilderOpts} how */
export const bars = how => ({ paths: uPlot.paths.bars?.(how) ?? noPaths })
/** A level that holds for as long as its step lasts. */
export const steps = () => ({ paths: uPlot.paths.stepped?.({ align: 1 }) ?? noPaths })
const noPaths = () => null
